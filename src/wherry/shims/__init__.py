"""Shims, which make a handler for Lambda of a web application (WSGI or ASGI)."""

from wherry.shims.package import Package
from wherry.shims.reference import parse_handler
from wherry.shims.shim import check_handler, plan_shim

__all__ = ["Package", "check_handler", "parse_handler", "plan_shim"]
