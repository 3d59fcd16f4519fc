"""What is wrong with the settings, collected so that the user mends it in one go."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from wherry.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Findings"]


class Findings:
    """Every finding stands with its key."""

    def __init__(self, where: str) -> None:
        """``where`` is what messages call the place of the settings."""
        self.where = where
        self._found: list[str] = []
        self._nearest: list[str] = []

    def add(self, key: str, what: str) -> None:
        """Something is wrong with the key."""
        self._found.append(f"{key}: {what}")

    def unknown(self, key: str, known: Iterable[str], prefix: str = "") -> None:
        """There is no such key."""
        self.add(f"{prefix}{key}", "there is no such setting")
        if nearest := get_close_matches(key, list(known), n=1):
            self._nearest.append(f"`{prefix}{nearest[0]}`")

    def suggest(self, key: str, given: str, known: Iterable[str], what: str) -> None:
        """The key names something that is not there."""
        self.add(key, what)
        if nearest := get_close_matches(given, list(known), n=1):
            self._nearest.append(f"`{nearest[0]}`")

    def finish(self) -> None:
        """Raise what was found.

        Raises:
            SettingsError: something was.
        """
        if self._found:
            nearest = list(dict.fromkeys(self._nearest))
            raise SettingsError(
                f"the settings in {self.where} are wrong",
                where=self._found,
                hint=f"did you mean {', '.join(nearest)}?" if nearest else None,
            )
