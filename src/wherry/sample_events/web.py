"""Events of HTTP requests, and of the authorizers that are asked about them.

Requests of API Gateway, load balancers and function URLs are made by ``wherry.invoke.http_event``, as ``wherry serve``
makes them, and the events of authorizers from these, after the guide of API Gateway.
"""

from __future__ import annotations

from functools import partial

from wherry.invoke.event import make_request
from wherry.invoke.http_event import http_event
from wherry.invoke.request import EventFormat
from wherry.sample_events.choices import Choices, Event, Kind

__all__ = ["WEB"]

_API = "abcdef1234"


def _http_event(form: EventFormat, choices: Choices, body: bytes = b"") -> Event:
    target = choices.path + (f"?{choices.query}" if choices.query else "")
    request = make_request(choices.method, target, choices.headers, body)
    return http_event(request, form, region=choices.region)


def _request(form: EventFormat, choices: Choices) -> Event:
    event = _http_event(form, choices, choices.body or b"")
    if form is EventFormat.REST and choices.claims:
        event["requestContext"]["authorizer"] = {"claims": dict(choices.claims)}
    elif form is EventFormat.HTTP and choices.claims:
        claims = {"jwt": {"claims": dict(choices.claims), "scopes": None}}
        event["requestContext"]["authorizer"] = claims
    return event


def _authorizer_request(choices: Choices) -> Event:
    event = _http_event(EventFormat.REST, choices)
    del event["body"], event["isBase64Encoded"]
    # What is null for the function is empty for its authorizer.
    filled = {name: {} if value is None else value for name, value in event.items()}
    arn = choices.arn("execute-api", f"{_API}/prod/{choices.method}{choices.path}")
    return {"type": "REQUEST", "methodArn": arn, **filled}


def _authorizer_http(choices: Choices) -> Event:
    event = _http_event(EventFormat.HTTP, choices)
    event.pop("body", None)
    del event["isBase64Encoded"]
    token = event["headers"].setdefault("authorization", "Bearer example")
    arn = f"{_API}/$default/{choices.method}{choices.path}"
    return {
        **event,
        "type": "REQUEST",
        "routeArn": choices.arn("execute-api", arn),
        "identitySource": [token],
    }


_REQUEST = ("method", "path", "query", "headers", "body")
_HTTP = {
    EventFormat.REST: ("rest", "a request to a REST API of API Gateway (format 1.0)"),
    EventFormat.HTTP: ("http", "a request to an HTTP API of API Gateway (format 2.0)"),
    EventFormat.FUNCTION_URL: ("function-url", "a request to a function URL"),
    EventFormat.ALB: ("alb", "a request to a load balancer"),
    EventFormat.ALB_MULTI: ("alb-multi", "the same with multi-value headers"),
}

WEB = (
    *(
        Kind(
            name=name,
            summary=summary,
            make=partial(_request, form),
            options=(*_REQUEST, "claims") if name in {"rest", "http"} else _REQUEST,
        )
        for form, (name, summary) in _HTTP.items()
    ),
    Kind(
        name="authorizer-request",
        summary="a request that an authorizer of a REST API is asked about",
        make=_authorizer_request,
        options=("method", "path", "query", "headers"),
    ),
    Kind(
        name="authorizer-http",
        summary="a request that an authorizer of an HTTP API is asked about",
        make=_authorizer_http,
        options=("method", "path", "query", "headers"),
    ),
)
