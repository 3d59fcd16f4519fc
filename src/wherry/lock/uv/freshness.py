"""Whether a ``uv.lock`` is as new as the ``pyproject.toml`` files that it was made from.

uv records in the lock what it was made from. Most projects can be compared with that record at once, without a
network, an interpreter or a process. Where the record and the project differ, or where the comparison is beyond
this module (markers, sources, constraints), uv decides: ``uv lock --check --offline``.
"""

from __future__ import annotations

import sys
from os.path import relpath
from platform import python_version
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from wherry.errors import LockError
from wherry.events import SILENT
from wherry.lock.declared import read_declared
from wherry.lock.document import read_toml
from wherry.lock.uv.local import workspace_members
from wherry.lock.uv.record import Difference, Places, requirement_differences
from wherry.tools.uv import run_uv_offline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from wherry.files import ProjectFiles
    from wherry.lock.declared import Declared
    from wherry.lock.document import Table
    from wherry.lock.uv.local import LocalPackage

__all__ = ["check_fresh"]

# Settings of [tool.uv] that are in the lock in a form of uv's own.
_SETTINGS = frozenset(
    {
        "conflicts",
        "build-constraint-dependencies",
        "constraint-dependencies",
        "dependency-groups",
        "dependency-metadata",
        "environments",
        "exclude-dependencies",
        "exclude-newer",
        "exclude-newer-package",
        "fork-strategy",
        "index-strategy",
        "no-sources",
        "override-dependencies",
        "prerelease",
        "required-environments",
        "resolution",
    }
)
_RECORDS = ("conflicts", "options", "required-markers", "supported-markers")


def check_fresh(
    lock: Table, packages: Sequence[LocalPackage], root: Path, files: ProjectFiles
) -> None:
    """Check that the lock is as new as the projects it locks.

    Raises:
        LockError: it is older than one of them; the causes say what has changed.
    """
    differences = list(_differences(lock, packages, root, files))
    if not differences:
        return
    answer = run_uv_offline(["lock", "--check", *_interpreter(lock)], cwd=root, reporter=SILENT)
    if answer.status == 0:
        return
    certain = [difference.text for difference in differences if difference.certain]
    output = " ".join([*answer.causes, answer.hint or ""])
    # uv resolves again where the lock does not fit; without a network that fails in one of these ways. Any other
    # failure (no interpreter, a backend that is not available offline) says nothing about the lock.
    refused = ("needs to be updated", "No solution found", "network was disabled", "is missing")
    if certain or any(phrase in output for phrase in refused):
        raise LockError(
            "`uv.lock` is older than `pyproject.toml`",
            where=certain or [difference.text for difference in differences],
            hint="run `uv lock`",
        )


def _interpreter(lock: Table) -> list[str]:
    requires = lock.parsed("requires-python", SpecifierSet)
    if requires is None or requires.contains(python_version(), prereleases=True):
        return ["--python", sys.executable]
    return []


def _differences(
    lock: Table, packages: Sequence[LocalPackage], root: Path, files: ProjectFiles
) -> Iterator[Difference]:
    path = root / "pyproject.toml"
    settings = read_toml(path, files).table("tool").table("uv") if path.is_file() else None
    shared = settings.table("sources").data if settings is not None else {}
    members = {package.name: package.folder for package in packages}
    requires: list[tuple[Table, str]] = []
    for package in packages:
        path = package.folder / "pyproject.toml"
        label = _label(path, root)
        if not path.is_file():
            yield Difference(text=f"`{label}` is missing", certain=package.member)
            continue
        pyproject = read_toml(path, files)
        declared = read_declared(pyproject)
        places = Places(
            pyproject=pyproject, folder=package.folder, shared=shared, root=root, members=members
        )
        yield from _package_differences(package, declared, label, places)
        if package.member and declared.requires_python is not None:
            requires.append((pyproject.table("project"), declared.requires_python))
    yield from _python_differences(lock, requires)
    yield from _setting_differences(lock, settings.data if settings is not None else {})
    if (root / "uv.toml").is_file():
        yield Difference(text="`uv.toml` may have changed", certain=False)
    if settings is None:
        yield Difference(text="`pyproject.toml` is missing")
    else:
        yield from _member_differences(packages, root, files)


def _label(path: Path, root: Path) -> str:
    return relpath(path, root).replace("\\", "/")


def _package_differences(
    package: LocalPackage, declared: Declared, label: str, places: Places
) -> Iterator[Difference]:
    if declared.name is None or canonicalize_name(declared.name) != package.name:
        # A folder without [project] may still have a backend that names it.
        text = f"`{label}` is no longer `{package.name}`"
        yield Difference(text=text, certain=declared.name is not None)
        return
    if declared.dynamic & {"dependencies", "optional-dependencies", "requires-python"}:
        yield Difference(text=f"`{label}` has dynamic dependencies", certain=False)
        return
    metadata = package.table.table("metadata")
    requirements: list[tuple[str, str | None]] = [(text, None) for text in declared.dependencies]
    requirements += [
        (text, str(extra)) for extra, texts in declared.extras.items() for text in texts
    ]
    yield from requirement_differences(label, requirements, metadata, "requires-dist", places)
    recorded = set(metadata.strings("provides-extras"))
    for extra in sorted(set(declared.extras) ^ recorded):
        yield Difference(text=f"`{label}` and the lock differ about the extra `{extra}`")
    development = metadata.table("requires-dev")
    groups = {str(name): list(texts) for name, texts in declared.groups.items()}
    groups.setdefault("dev", []).extend(
        places.pyproject.table("tool").table("uv").strings("dev-dependencies")
    )
    for group in sorted({*groups, *development.data}):
        requirements = [(text, None) for text in groups.get(group, [])]
        of_group = f"{label}, group {group}"
        yield from requirement_differences(of_group, requirements, development, group, places)


def _python_differences(lock: Table, requires: Iterable[tuple[Table, str]]) -> Iterator[Difference]:
    recorded = lock.parsed("requires-python", SpecifierSet)
    wanted = [table.parse("requires-python", text, SpecifierSet) for table, text in requires]
    if recorded is None or not wanted:
        return
    for minor in range(30):
        for patch in (0, 1, 5, 99):
            version = f"3.{minor}.{patch}"
            if recorded.contains(version) != all(each.contains(version) for each in wanted):
                asked = " and ".join(sorted({str(each) for each in wanted}))
                yield Difference(
                    text=f"requires-python is `{asked}`, the lock was made for `{recorded}`",
                    # A difference in versions that are out of use is not a reason to refuse; uv decides.
                    certain=minor >= 9,
                )
                return


def _setting_differences(lock: Table, settings: Mapping[str, object]) -> Iterator[Difference]:
    recorded = [key for key in _RECORDS if lock.data.get(key)]
    recorded += sorted(lock.table("manifest").data.keys() - {"members"})
    for key in (*recorded, *sorted(_SETTINGS & settings.keys())):
        yield Difference(text=f"`{key}` may have changed", certain=False)


def _member_differences(
    packages: Sequence[LocalPackage], root: Path, files: ProjectFiles
) -> Iterator[Difference]:
    """Members that are in the workspace and not in the lock."""
    locked = {package.folder.resolve() for package in packages}
    for folder in workspace_members(root, files):
        if folder.resolve() not in locked:
            yield Difference(
                text=f"the workspace member `{_label(folder, root)}` is not in the lock",
                certain=False,
            )
