"""Checks of requirements: each distribution's ``Requires-Dist`` against what is there, with the target's markers."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from wherry.checks.model import Rule, finding_about
from wherry.contents.graph import Missing
from wherry.contents.imports import When
from wherry.errors import WherryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.requirements import Requirement

    from wherry.checks.model import Finding, Severity, Subject
    from wherry.contents.distributions import Installed

__all__ = ["RULES", "find"]

RULES = (
    Rule("DEP001", "a required distribution is absent"),
    Rule("DEP002", "a required distribution has a version that does not satisfy the requirement"),
)

_CFFI = "_cffi_backend"


def find(subject: Subject) -> Iterator[Finding]:
    """Compare requirements with the distributions that are there."""
    needed: dict[str, list[tuple[Installed, Requirement]]] = {}
    for each, requirement, name in subject.contents.requirements:
        present = subject.contents.distribution(name)
        if present is None:
            if name in subject.contents.absent.get(each.name, ()):
                needed.setdefault(name, []).append((each, requirement))
        elif present.version and not _fits(requirement, present.version):
            yield finding_about(
                each,
                "DEP002",
                "warning",
                f"`{each.name}` requires `{requirement}`, and `{name}` is there in version {present.version}",
                "lock again, so that the versions fit each other",
            )
    for name, wanted in needed.items():
        each, requirement = wanted[0]
        users = {one.name for one, _ in wanted}
        missed = _missed(subject, users, name)
        # A function may take a part of what the project needs, on purpose.
        if missed is None and (name in subject.excluded or users <= subject.contents.own):
            continue
        severity: Severity = "warning"
        import_ = ""
        if missed is not None:
            severity = "error" if subject.contents.is_certain else "warning"
            import_ = f"; `{missed.importer}` imports `{missed.name}` when the function starts"
        if not subject.contents.options.complete:
            severity = "note"
        by = ", ".join(f"`{user}`" for user in sorted(users))
        yield finding_about(
            each,
            "DEP001",
            severity,
            f"`{name}`, which {by} requires, is neither in the package nor in the runtime{import_}",
            f"add `{name}`, or say why it is not needed: --ignore DEP001",
        )


def _fits(requirement: Requirement, version: str) -> bool:
    from packaging.version import InvalidVersion

    try:
        return requirement.specifier.contains(version, prereleases=True)
    except InvalidVersion:
        return True


def _missed(subject: Subject, users: set[str], name: str) -> Missing | None:
    """An import at init that leads nowhere for want of a distribution, in a module of one that requires it."""
    contents = subject.contents
    plain = name.replace("-", "_").removeprefix("python_")
    for missing in subject.graph.missing:
        module = contents.modules.find(missing.importer)
        if missing.when is not When.INIT or module is None or module.file is None:
            continue
        owner = contents.owners.get(module.file.place)
        if owner not in users:
            continue
        # The names of modules are not known of what is absent.
        if missing.name.lower() == plain or len(subject.contents.absent.get(owner, ())) == 1:
            return missing
    return _missed_by_compiled(subject, users) if name == "cffi" else None


def _missed_by_compiled(subject: Subject, users: set[str]) -> Missing | None:
    """An extension module that is loaded at init and was made with cffi: it imports cffi's own before all else."""
    for each in subject.graph.reached.values():
        file = each.module.file
        if each.when is not When.INIT or each.module.kind != "extension" or file is None:
            continue
        with suppress(WherryError):
            if subject.contents.owners.get(file.place) in users and _CFFI.encode() in file.read():
                return Missing(name=_CFFI, importer=each.module.name, line=0, when=When.INIT)
    return None
