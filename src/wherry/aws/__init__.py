"""Wherry on AWS: what should be (``desired``), what is (``observe``), what to do (``plan``), and doing it (``apply``).

boto3 is imported by the modules that need it, when they need it.
"""
