"""Whether a ``uv.lock`` still is what its ``pyproject.toml`` files ask for.

uv records in the lock what it was made from. Most projects can be compared with that record at once, without a
network, an interpreter or a process. Where the record and the project differ, or where the comparison is beyond
this module (markers, sources, constraints), uv has the last word: ``uv lock --check --offline``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.events import SILENT
from wherry.lock.declared import declared
from wherry.lock.document import read_toml
from wherry.lock.uv.record import Difference, Places, requirement_differences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from wherry.lock.declared import Declared
    from wherry.lock.document import Table
    from wherry.lock.uv.reader import LocalPackage

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


def check_fresh(lock: Table, packages: Sequence[LocalPackage], root: Path) -> None:
    """See that the lock is as new as the projects it locks.

    Raises:
        LockError: it is older than one of them; the causes say what has changed.
    """
    differences = list(_differences(lock, packages, root))
    if not differences:
        return
    from wherry.lock.uv.run import run_uv

    answer = run_uv(
        ["lock", "--check", *_interpreter(lock)],
        cwd=root,
        reporter=SILENT,
        indexes=False,
        offline=True,
    )
    if answer.status == 0:
        return
    certain = [difference.text for difference in differences if difference.certain]
    said = " ".join([*answer.causes, answer.hint or ""])
    # uv resolves again where the lock does not fit; without a network that fails in one of these ways. Any other
    # failure (no interpreter, a backend that cannot be had offline) says nothing about the lock.
    refused = ("needs to be updated", "No solution found", "network was disabled", "is missing")
    if certain or any(phrase in said for phrase in refused):
        raise LockError(
            "`uv.lock` is older than `pyproject.toml`",
            where=certain or [difference.text for difference in differences],
            hint="run `uv lock`",
        )


def _interpreter(lock: Table) -> list[str]:
    import sys
    from platform import python_version

    from packaging.specifiers import SpecifierSet

    requires = lock.parsed("requires-python", SpecifierSet)
    if requires is None or requires.contains(python_version(), prereleases=True):
        return ["--python", sys.executable]
    return []


def _differences(lock: Table, packages: Sequence[LocalPackage], root: Path) -> Iterator[Difference]:
    places = _places(packages, root)
    requires: list[tuple[Table, str]] = []
    for package in packages:
        path = package.folder / "pyproject.toml"
        label = _label(path, root)
        if not path.is_file():
            yield Difference(text=f"`{label}` is not there", certain=package.member)
            continue
        pyproject = read_toml(path)
        wanted = declared(pyproject)
        yield from _package_differences(package, pyproject, wanted, label, places)
        if package.member and wanted.requires_python is not None:
            requires.append((pyproject.table("project"), wanted.requires_python))
    yield from _python_differences(lock, requires)
    yield from _setting_differences(lock, root)
    if (root / "pyproject.toml").is_file():
        yield from _member_differences(packages, root)
    else:
        yield Difference(text="`pyproject.toml` is not there")


def _places(packages: Iterable[LocalPackage], root: Path) -> Places:
    path = root / "pyproject.toml"
    shared = (
        read_toml(path).table("tool").table("uv").table("sources").data if path.is_file() else {}
    )
    return Places(
        shared=shared, root=root, members={package.name: package.folder for package in packages}
    )


def _label(path: Path, root: Path) -> str:
    from os.path import relpath

    return relpath(path, root).replace("\\", "/")


def _package_differences(
    package: LocalPackage, pyproject: Table, wanted: Declared, label: str, places: Places
) -> Iterator[Difference]:
    from packaging.utils import canonicalize_name

    if wanted.name is None or canonicalize_name(wanted.name) != package.name:
        # A folder without [project] may still have a backend that names it.
        yield Difference(
            text=f"`{label}` is no longer `{package.name}`", certain=wanted.name is not None
        )
        return
    if wanted.dynamic & {"dependencies", "optional-dependencies", "requires-python"}:
        yield Difference(text=f"`{label}` has dynamic dependencies", certain=False)
        return
    metadata = package.table.table("metadata")
    asked: list[tuple[str, str | None]] = [(text, None) for text in wanted.dependencies]
    asked += [(text, str(extra)) for extra, texts in wanted.extras.items() for text in texts]
    yield from requirement_differences(
        label, asked, pyproject, metadata, "requires-dist", places.root, package.folder, places
    )
    recorded = set(metadata.strings("provides-extras"))
    for extra in sorted(set(wanted.extras) ^ recorded):
        yield Difference(text=f"`{label}` and the lock differ about the extra `{extra}`")
    development = metadata.table("requires-dev")
    groups = {str(name): list(texts) for name, texts in wanted.groups.items()}
    groups.setdefault("dev", []).extend(
        pyproject.table("tool").table("uv").strings("dev-dependencies")
    )
    for group in sorted({*groups, *development.data}):
        yield from requirement_differences(
            f"{label}, group {group}",
            [(text, None) for text in groups.get(group, [])],
            pyproject,
            development,
            group,
            places.root,
            package.folder,
            places,
        )


def _python_differences(lock: Table, requires: Iterable[tuple[Table, str]]) -> Iterator[Difference]:
    from packaging.specifiers import SpecifierSet

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
                    # Versions that no one installs are no reason to refuse; uv decides.
                    certain=minor >= 9,
                )
                return


def _setting_differences(lock: Table, root: Path) -> Iterator[Difference]:
    recorded = [key for key in _RECORDS if lock.data.get(key)]
    recorded += sorted(lock.table("manifest").data.keys() - {"members"})
    path = root / "pyproject.toml"
    settings = read_toml(path).table("tool").table("uv").data if path.is_file() else {}
    for key in (*recorded, *sorted(_SETTINGS & settings.keys())):
        yield Difference(text=f"`{key}` may have changed", certain=False)
    if (root / "uv.toml").is_file():
        yield Difference(text="`uv.toml` may have changed", certain=False)


def _member_differences(packages: Sequence[LocalPackage], root: Path) -> Iterator[Difference]:
    """Members that the workspace has and the lock does not."""
    from wherry.lock.uv.workspace import workspace_members

    locked = {package.folder.resolve() for package in packages}
    for folder in workspace_members(root):
        if folder.resolve() not in locked:
            yield Difference(
                text=f"the workspace member `{_label(folder, root)}` is not in the lock",
                certain=False,
            )
