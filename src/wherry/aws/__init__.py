"""AWS: ``desired`` and ``observe`` are compared by ``diff``, which makes a ``plan``, which ``apply`` carries out.

The commands are ``deploy``, ``promote``, ``upload``, ``publish``, ``rollback`` and ``prune``. boto3 is imported when it is
first used. Whatever calls AWS raises an ``AwsError`` where AWS refuses, or cannot be reached.
"""
