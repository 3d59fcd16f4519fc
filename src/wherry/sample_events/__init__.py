"""Sample events of AWS's services, as they reach a function.

``event`` makes one: a ``Kind`` of the table ``KINDS`` with ``Choices``. The shapes are those of AWS's developer guides.
Identifiers are new each time and times are the present, as in events of AWS.
"""
