"""Running a written deployment package locally, as AWS Lambda would.

A ``Runnable`` names the zips and how to call them. A ``Session`` runs it: the zips are unpacked once into the
store, laid out as Lambda lays them out (``sandbox``), and AWS's own runtime client (``client``) is started in
an interpreter of the target's version (``interpreter``) against Wherry's Runtime API (``runtime_api``).
"""
