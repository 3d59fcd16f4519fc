"""What to say when an index, or a proxy before it, does not let somebody in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.indexes.access import Access
    from wherry.indexes.login import Login

__all__ = ["PROXY_HINT", "refusal"]

PROXY_HINT = (
    "give user and password in `HTTPS_PROXY` or `HTTP_PROXY`: http://USER:PASSWORD@HOST:PORT"
)


def refusal(access: Access, url: str, status: int, sent: Login | None) -> tuple[list[str], str]:
    """Whom an index refused, and what to do about it.

    Args:
        access: how it was tried.
        url: what was asked for.
        status: 401, 403 or 407.
        sent: the login that was sent, if any.

    Returns:
        Lines for the chain of causes, and the hint.
    """
    from wherry.indexes.declared import code_artifact_at
    from wherry.indexes.variables import spelled

    if status == 407:
        return ["a proxy wants user and password"], PROXY_HINT
    place = access.place(url)
    label = place.label if place is not None else "the index"
    if sent is not None:
        who = [f"{label} refused {sent.shown} of {sent.source}"]
        if status == 403:
            return who, "this user, or this network, may not read it"
        if place is not None and place.code_artifact is not None:
            return who, "see that the repository is there and that AWS lets you read it"
        return who, "user or password is wrong, or has run out"
    if status == 403:
        return [f"{label} was asked without user and password"], (
            "this network may not read it, or it wants a user"
        )
    who = [f"{label} wants user and password"]
    if place is not None and place.name is not None:
        name = spelled(place.name)
        return who, f"set `UV_INDEX_{name}_USERNAME` and `UV_INDEX_{name}_PASSWORD`"
    if code_artifact_at(url) is not None:
        return who, "declare it in `[[tool.wherry.indexes]]` by name and url, and log in to AWS"
    return who, (
        "name the index in `[[tool.wherry.indexes]]`, and set `UV_INDEX_NAME_USERNAME` and "
        "`UV_INDEX_NAME_PASSWORD`; or put them into a netrc file"
    )
