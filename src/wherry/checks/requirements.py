"""Checks of requirements: each distribution's ``Requires-Dist`` against what is there, with the target's markers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.checks.model import Finding, Rule
from wherry.contents.imports import When
from wherry.target.provided import provided_distributions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from packaging.requirements import Requirement

    from wherry.checks.model import Severity, Subject
    from wherry.contents.distributions import Installed
    from wherry.contents.graph import Missing

__all__ = ["RULES", "absent_requirements", "find"]

RULES = (
    Rule("DEP001", "a required distribution is absent"),
    Rule("DEP002", "a required distribution has a version that does not do"),
)

# Distributions that hold the same modules as the one whose name they begin with.
_VARIANTS = ("binary", "contrib", "contrib-headless", "cpu", "gpu", "headless", "slim", "c")


def find(subject: Subject) -> Iterator[Finding]:
    """Compare requirements with the distributions that are there."""
    needed: dict[str, list[tuple[Installed, Requirement]]] = {}
    for each, requirement, name in _requirements(subject):
        present = subject.contents.distribution(name)
        if present is None:
            if name in subject.absent.get(each.name, ()):
                needed.setdefault(name, []).append((each, requirement))
        elif present.version and not _fits(requirement, present.version):
            yield _finding(
                each,
                code="DEP002",
                severity="warning",
                message=f"`{each.name}` requires `{requirement}`, and `{name}` is there in version {present.version}",
                hint="lock again, so that the versions fit each other",
            )
    for name, wanted in needed.items():
        each, requirement = wanted[0]
        users = {one.name for one, _ in wanted}
        missed = _missed(subject, users, name)
        if missed is None and name in subject.excluded:
            continue
        severity: Severity = "warning"
        import_ = ""
        if missed is not None:
            severity = "error" if subject.contents.is_certain else "warning"
            import_ = f"; `{missed.importer}` imports `{missed.name}` when the function starts"
        if not subject.contents.options.complete:
            severity = "note"
        by = ", ".join(f"`{user}`" for user in sorted(users))
        yield _finding(
            each,
            code="DEP001",
            severity=severity,
            message=f"`{name}`, which {by} requires, is neither in the package nor in the runtime{import_}",
            hint=f"add `{name}`, or say why it is not needed: --ignore DEP001",
        )


def absent_requirements(subject: Subject) -> Mapping[str, tuple[str, ...]]:
    """The normalized names of distributions that are required and not there, by who requires them."""
    contents = subject.contents
    provided = provided_distributions(contents.target.runtime)
    absent: dict[str, list[str]] = {}
    for each, _, name in _requirements(subject):
        if (
            contents.distribution(name) is None
            and name not in provided
            and not any(contents.distribution(f"{name}-{ending}") for ending in _VARIANTS)
            # Something brings its module, whatever it is called.
            and contents.modules.find(name.replace("-", "_")) is None
        ):
            absent.setdefault(each.name, []).append(name)
    return {name: tuple(dict.fromkeys(names)) for name, names in absent.items()}


def _requirements(subject: Subject) -> Iterator[tuple[Installed, Requirement, str]]:
    """The requirements of each distribution, extras included that others require of it."""
    from packaging.utils import canonicalize_name

    contents = subject.contents
    pending: list[tuple[Installed, frozenset[str]]] = [
        (each, frozenset()) for each in contents.distributions
    ]
    seen = {(each.name, extras) for each, extras in pending}
    told: set[tuple[str, str]] = set()
    while pending:
        each, extras = pending.pop(0)
        for requirement in each.required(tuple(sorted(extras))):
            name = canonicalize_name(requirement.name)
            if (each.name, str(requirement)) not in told:
                told.add((each.name, str(requirement)))
                yield each, requirement, name
            wanted = (name, frozenset(requirement.extras))
            other = contents.distribution(name)
            if requirement.extras and other is not None and wanted not in seen:
                seen.add(wanted)
                pending.append((other, wanted[1]))


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
        if missing.name.lower() == plain or len(subject.absent.get(owner, ())) == 1:
            return missing
    return None


def _finding(each: Installed, *, code: str, severity: Severity, message: str, hint: str) -> Finding:
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
