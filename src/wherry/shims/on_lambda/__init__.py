"""What runs on Lambda: these modules are put into deployment packages as they are.

They stand alone (nothing of Wherry is there), run on every runtime from python3.9 on, and are imported at
every cold start: so they are small, and import little. The generated module of a shim joins ``events`` with
``wsgi`` or ``asgi``.
"""
