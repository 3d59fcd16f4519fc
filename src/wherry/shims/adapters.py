"""The distributions that call WSGI and ASGI applications, and their wheels that Wherry adds.

A project that locks one itself keeps its version. ``docs/explanation/web-apps.md`` explains the choice of the
two, and what the shim corrects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import SettingsError
from wherry.structs import Struct
from wherry.wheels.pinned import PinnedFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.shims.frameworks import Interface
    from wherry.target import Target

__all__ = ["ADAPTERS", "Adapter"]


class Adapter(Struct, frozen=True, kw_only=True):
    """A distribution that converts events to requests, and answers of an application to responses.

    Attributes:
        distribution: its normalized name.
        oldest: the oldest version that the shim works with, which the tests run.
        files: its wheel and those of its requirements, by the oldest Python that they are for, the newest
            first.
    """

    distribution: str
    oldest: str
    files: tuple[tuple[tuple[int, int], tuple[PinnedFile, ...]], ...]

    def pinned(self, target: Target) -> tuple[PinnedFile, ...]:
        """The wheels of the adapter and its requirements, for the target's Python."""
        for since, files in self.files:
            if target.runtime.python >= since:
                return files
        return self.files[-1][1]

    def missing(self, distributions: Mapping[str, str], target: Target) -> tuple[PinnedFile, ...]:
        """The wheels to add to a package with these distributions.

        Raises:
            SettingsError: its version of the adapter is too old.
        """
        version = distributions.get(self.distribution)
        if version and self._is_too_old(version):
            raise SettingsError(
                f"`{self.distribution}=={version}` is too old for the shim of a web application",
                where=[f"it works with {self.oldest} and newer"],
                hint=f"ask for `{self.distribution}>={self.oldest}` and lock again, or leave it out: "
                "then Wherry adds a tested version",
            )
        return tuple(file for file in self.pinned(target) if file.name not in distributions)

    def _is_too_old(self, version: str) -> bool:
        from packaging.version import InvalidVersion, Version

        try:
            return Version(version) < Version(self.oldest)
        except InvalidVersion:
            return False


_APIG_WSGI = PinnedFile(
    "apig_wsgi-2.20.0-py3-none-any.whl",
    "5489b3590a748d42b8c040ca11e776ce9eecbb00ae34f509ce82a89f5babfc47",
)
_MANGUM = PinnedFile(
    "mangum-0.22.0-py3-none-any.whl",
    "a0595e3cc7a8091b22d8b3997bab5b2ad6aae7a5e40865e19c2015f5c959a93b",
)
_MANGUM_FOR_3_9 = PinnedFile(
    "mangum-0.21.0-py3-none-any.whl",
    "309e48f5c629542516c5106ecf079f4ec08809ed50df882238d98fe1392820c7",
)
_TYPING_EXTENSIONS = PinnedFile(
    "typing_extensions-4.16.0-py3-none-any.whl",
    "481caa481374e813c1b176ada14e97f1f67a4539ce9cfeb3f350d78d6370c2e8",
)

ADAPTERS: Mapping[Interface, Adapter] = {
    "wsgi": Adapter(distribution="apig-wsgi", oldest="2.13.0", files=(((3, 9), (_APIG_WSGI,)),)),
    "asgi": Adapter(
        distribution="mangum",
        oldest="0.17.0",
        files=(
            ((3, 10), (_MANGUM, _TYPING_EXTENSIONS)),
            ((3, 9), (_MANGUM_FOR_3_9, _TYPING_EXTENSIONS)),
        ),
    ),
}
"""The adapter of each interface."""
