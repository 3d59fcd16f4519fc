"""The pages of the site."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path


def index(_: HttpRequest) -> HttpResponse:
    """The front page; it sets two cookies, which every kind of event has to carry."""
    response = HttpResponse("<h1>Welcome ashore</h1>\n")
    response.set_cookie("berth", "7")
    response.set_cookie("tide", "low", httponly=True)
    return response


def boat(_: HttpRequest, name: str) -> JsonResponse:
    """One boat."""
    return JsonResponse({"boat": name})


urlpatterns = [path("", index), path("boats/<str:name>/", boat)]
