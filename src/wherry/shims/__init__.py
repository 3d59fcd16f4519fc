"""Shims: a web application (WSGI or ASGI) becomes a handler that Lambda can call."""

from wherry.shims.package import Package
from wherry.shims.reference import Reference, parse_app, parse_handler
from wherry.shims.shim import Shim, check_handler, plan_shim

__all__ = [
    "Package",
    "Reference",
    "Shim",
    "check_handler",
    "parse_app",
    "parse_handler",
    "plan_shim",
]
