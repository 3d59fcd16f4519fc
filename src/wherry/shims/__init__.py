"""Shims, which make a handler for Lambda of a web application (WSGI or ASGI)."""
