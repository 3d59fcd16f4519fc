"""Findings of checks, the rules that they break, and the subject that checks look at."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from msgspec import to_builtins

from wherry.settings.model import QuotaSettings
from wherry.structs import Struct

if TYPE_CHECKING:
    from wherry.contents.distributions import Installed
    from wherry.contents.graph import ImportGraph
    from wherry.contents.model import File
    from wherry.contents.read import Contents

__all__ = ["Finding", "Rule", "Severity", "Subject", "finding_about"]

Severity: TypeAlias = Literal["error", "warning", "note"]


class Rule(NamedTuple):
    """A rule of a check: a stable code, such as ``SIZE001``, and what is wrong, in a few words."""

    code: str
    title: str


class Finding(Struct, frozen=True, kw_only=True):
    """A finding of a check.

    Attributes:
        severity: ``error`` for what fails on Lambda for certain, ``warning`` for what probably does or is not
            meant, ``note`` for what is worth knowing.
        package: the name of the function or layer.
        where: the file in the package, with a line where there is one; empty for the whole package.
        owner: the distribution at fault, or the name of the package for own code.
    """

    code: str
    severity: Severity
    package: str
    where: str
    message: str
    hint: str
    owner: str

    def document(self) -> dict[str, Any]:
        """The finding as JSON has it."""
        document: dict[str, Any] = to_builtins(self)
        return document


class Subject(Struct, frozen=True, kw_only=True, dict=True):
    """A function with its layers, or layers alone, that checks look at.

    Attributes:
        contents: its files, and those of its layers.
        layers: the names and ARNs of the layers of a function.
        quotas: AWS's, that hold for it.
        licenses: patterns of licences that are allowed; all if empty.
        excluded: the normalized names of distributions that the settings leave out.
        strict: also tell what may be meant, or may never be used.
        brief: leave out what takes long, such as parsing all of the text of dependencies.
    """

    name: str
    contents: Contents
    layers: tuple[str, ...] = ()
    quotas: QuotaSettings = QuotaSettings()
    licenses: tuple[str, ...] = ()
    excluded: frozenset[str] = frozenset()
    strict: bool = False
    brief: bool = False

    @cached_property
    def graph(self) -> ImportGraph:
        """The imports that are followed: those that are executed for certain, or all of them."""
        return self.contents.graph if self.strict else self.contents.init_graph

    def owner(self, place: str) -> str:
        """The distribution that a file belongs to, or the name of the package for own code."""
        return self.contents.owner_of(place) or self.name

    def finding(
        self,
        code: str,
        severity: Severity,
        message: str,
        hint: str,
        *,
        file: File | None = None,
        line: int | None = None,
    ) -> Finding:
        """A finding in a file, or in the package as a whole."""
        where = "" if file is None else file.path
        return Finding(
            code=code,
            severity=severity,
            package=self.name if file is None else file.part,
            where=where if line is None else f"{where}:{line}",
            message=message,
            hint=hint,
            owner=self.name if file is None else self.owner(file.place),
        )


def finding_about(
    each: Installed, code: str, severity: Severity, message: str, hint: str
) -> Finding:
    """A finding about a distribution as a whole."""
    file = each.info.get("METADATA") or next(iter(each.info.values()))
    return Finding(
        code=code,
        severity=severity,
        package=each.part,
        where=file.path,
        message=message,
        hint=hint,
        owner=each.name,
    )
