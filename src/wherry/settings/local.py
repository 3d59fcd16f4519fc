"""Settings of local servers: the routes of a function, and what pages of other origins may ask of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.settings import values
from wherry.settings.model import CorsSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ORIGIN", "ROUTE", "read_cors", "read_routes"]

_SEGMENT = r"[A-Za-z0-9._~!$&'()*+,;=:@-]+|\{[A-Za-z0-9._-]+\}"
ROUTE = (
    r"\$default|((GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|ANY) )?"
    rf"(/|(/({_SEGMENT}))*/({_SEGMENT}|\{{[A-Za-z0-9._-]+\+\}}))"
)
"""A regular expression for a route: ``/orders/{id}``, ``GET /orders``, ``/{proxy+}`` or ``$default``."""

ORIGIN = r"\*|null|[a-z][a-z0-9+.-]*://[A-Za-z0-9.:\[\]_-]+"
"""A regular expression for an origin: ``https://example.com``, or ``*`` for all."""

_headers = values.all_matching(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", "is not the name of a header")

_CORS_READERS: Mapping[str, Callable[[object], Any]] = {
    "allow-origins": values.all_matching(ORIGIN, "is not an origin such as https://example.com"),
    "allow-methods": values.all_matching(
        r"\*|GET|PUT|HEAD|POST|PATCH|DELETE", "is none of *, GET, PUT, HEAD, POST, PATCH and DELETE"
    ),
    "allow-headers": _headers,
    "expose-headers": _headers,
    "allow-credentials": values.boolean,
    "max-age": values.number(0),
}

read_routes = values.all_matching(
    ROUTE, "is not a route such as `/orders/{id}`, `GET /orders` or `/{proxy+}`"
)
"""A reader of lists of routes."""


def read_cors(value: object) -> CorsSettings:
    """The table of a function's ``cors``.

    Raises:
        ValueError: it is wrong.
    """
    expected = f"expected a table with some of {', '.join(_CORS_READERS)}"
    if not isinstance(value, dict) or not value:
        raise ValueError(expected)
    attributes = {}
    for key, item in value.items():
        if key not in _CORS_READERS:
            raise ValueError(f"there is no setting `{key}`; {expected}")
        try:
            attributes[key.replace("-", "_")] = _CORS_READERS[key](item)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None
    return CorsSettings(**attributes)
