"""Hiding the secrets of logins in a text, in whatever form they stand there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wherry.indexes.login import Login

__all__ = ["HIDDEN", "hidden"]

HIDDEN = "****"
# A shorter one would blot out half of every message; in an address it is hidden all the same.
_HIDEABLE = 4


def hidden(text: str, logins: Iterable[Login]) -> str:
    """``text`` without the secrets of these logins: neither as they are, nor quoted, nor in base64."""
    import base64
    from urllib.parse import quote, quote_plus

    forms: set[str] = set()
    for login in logins:
        # Where there is no password, the user is the secret.
        secret = login.password or login.user
        pair = base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
        forms |= {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), pair}
    for form in sorted(forms, key=len, reverse=True):
        if len(form) >= _HIDEABLE:
            text = text.replace(form, HIDDEN)
    return text
