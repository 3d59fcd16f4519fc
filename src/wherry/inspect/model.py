"""The description of a package: the sizes of its files and distributions, and when they are loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec.structs import asdict

from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OWN_FILES", "FileSize", "Inspected", "InspectedDistribution", "Loaded", "Suggestion"]

Loaded: TypeAlias = Literal["init", "lazy", "unreached"]

OWN_FILES = "(own files)"
"""The name of what belongs to no distribution, where the project's own is not known."""


class FileSize(Struct, frozen=True, kw_only=True):
    """A file of a package.

    Attributes:
        owner: the name of its distribution, as in ``InspectedDistribution.name``.
        size: its bytes in the zip file, without headers.
        unzipped_size: its bytes unzipped.
        crc: the CRC-32 of its content.
        loaded: when it is loaded; None for files that Python does not import.
    """

    path: str
    owner: str
    size: int
    unzipped_size: int
    crc: int
    loaded: Loaded | None


class InspectedDistribution(Struct, frozen=True, kw_only=True):
    """The share of one distribution.

    Attributes:
        name: normalized; of the project's own files the project's, or ``(own files)``.
        version: empty where it is not known.
        size: bytes of its files in the zip file, without headers.
        unzipped_size: bytes of its files unzipped.
        retained_size: bytes in the zip file that would go if it went: its own, and those of distributions that only it
            needs.
        files: how many there are.
        loaded: ``init`` if loading the handler imports it, ``lazy`` if only calls of functions do or something that is
            loaded requires it, ``unreached`` otherwise.
    """

    name: str
    version: str
    size: int
    unzipped_size: int
    retained_size: int
    files: int
    loaded: Loaded

    def document(self) -> dict[str, Any]:
        """The distribution as JSON has it."""
        return asdict(self)


class Suggestion(Struct, frozen=True, kw_only=True):
    """Something that would make a package smaller, or a function start faster.

    Attributes:
        text: what there is.
        size: bytes in the zip file that would go, headers included; negative for what makes it faster and adds to it.
        unzipped_size: bytes unzipped that would go.
        setting: the line of settings that does it; empty where something else has to be done.
        table: of the settings in which the line belongs, such as ``tool.wherry.functions.api``; empty where the settings
            are not known.
    """

    text: str
    size: int
    unzipped_size: int
    setting: str
    table: str = ""

    def document(self) -> dict[str, Any]:
        """The suggestion as JSON has it."""
        return asdict(self)


class Inspected(Struct, frozen=True, kw_only=True, dict=True):
    """A package, measured.

    Attributes:
        name: of the function or layer, or of the file.
        kind: ``function`` or ``layer``.
        size: of the zip file in bytes.
        overhead: the bytes of the zip file that are no content: headers and the directory. The sizes of the
            distributions and this add up to ``size``.
        unzipped_size: of all files in bytes.
        distributions: the biggest first.
        files: by path.
        requirements: the names of the distributions that each requires, by name.
        certain: whether it is known which module is loaded first; otherwise all that might be count.
        suggestions: the biggest first.
    """

    name: str
    kind: str
    size: int
    overhead: int
    unzipped_size: int
    distributions: tuple[InspectedDistribution, ...]
    files: tuple[FileSize, ...]
    requirements: Mapping[str, tuple[str, ...]]
    certain: bool = True
    suggestions: tuple[Suggestion, ...] = ()

    def document(self) -> dict[str, Any]:
        """The package as JSON has it."""
        return {
            "name": self.name,
            "size": self.size,
            "unzipped_size": self.unzipped_size,
            "overhead": self.overhead,
            "distributions": [each.document() for each in self.distributions],
        }
