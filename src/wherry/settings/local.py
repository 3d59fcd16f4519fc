"""Settings of local servers: the routes of a function, and what pages of other origins may ask of it."""

from __future__ import annotations

from wherry.settings import values
from wherry.settings.model import CorsSettings
from wherry.settings.reader import shaped, table_of

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

_CORS = table_of(
    {
        "allow-origins": values.all_matching(
            ORIGIN, "is not an origin such as https://example.com"
        ),
        "allow-methods": values.all_matching(
            r"\*|GET|PUT|HEAD|POST|PATCH|DELETE",
            "is none of *, GET, PUT, HEAD, POST, PATCH and DELETE",
        ),
        "allow-headers": _headers,
        "expose-headers": _headers,
        "allow-credentials": values.boolean,
        "max-age": values.number(0),
    },
    least=1,
)

read_routes = values.all_matching(
    ROUTE, "is not a route such as `/orders/{id}`, `GET /orders` or `/{proxy+}`"
)
"""A reader of lists of routes."""


@shaped(_CORS.shape)
def read_cors(value: object) -> CorsSettings:
    """The table of a function's ``cors``.

    Raises:
        ValueError: it is wrong.
    """
    return CorsSettings(**_CORS(value))
