"""The modules that run on Lambda: they are put into deployment packages as they are.

They import nothing of Wherry, run on every runtime since python3.9, and are imported at every cold start: so they are
small, and import little. The generated module of a shim joins ``events`` with ``wsgi`` or ``asgi``.
"""
