"""The causes and hints of errors when an index, or a proxy before it, denies access."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.indexes.login import Login
    from wherry.indexes.network import Network

__all__ = ["PROXY_HINT", "explain_denial"]

PROXY_HINT = (
    "give user and password in `HTTPS_PROXY` or `HTTP_PROXY`: http://USER:PASSWORD@HOST:PORT"
)


def explain_denial(
    network: Network, url: str, status: int, sent: Login | None
) -> tuple[list[str], str]:
    """Why an index denied access, and what to do about it.

    Args:
        network: how the index was asked.
        url: the address that was asked.
        status: 401, 403 or 407.
        sent: the login that was sent, if any.

    Returns:
        Lines for the chain of causes, and the hint.
    """
    from wherry.indexes.declared import code_artifact_at
    from wherry.indexes.variables import environment_name

    if status == 407:
        return ["the proxy requires a user and a password"], PROXY_HINT
    index = network.index_of(url)
    label = index.label if index is not None else "the index"
    if sent is not None:
        cause = [f"{label} refused {sent.shown} of {sent.source}"]
        if status == 403:
            return cause, "this user, or this network, is not permitted to read it"
        if index is not None and index.code_artifact is not None:
            return cause, "check that the repository exists and that AWS permits you to read it"
        return cause, "the user or the password is wrong, or has expired"
    if status == 403:
        return [f"{label} was asked without a user and a password"], (
            "this network is not permitted to read it, or it requires a user"
        )
    cause = [f"{label} requires a user and a password"]
    if index is not None and index.name is not None:
        name = environment_name(index.name)
        return cause, f"set `UV_INDEX_{name}_USERNAME` and `UV_INDEX_{name}_PASSWORD`"
    if code_artifact_at(url) is not None:
        return (
            cause,
            "declare it in `[[tool.wherry.indexes]]` with `name` and `url`, and log in to AWS",
        )
    return cause, (
        "name the index in `[[tool.wherry.indexes]]`, and set `UV_INDEX_NAME_USERNAME` and "
        "`UV_INDEX_NAME_PASSWORD`; or put them into a netrc file"
    )
