"""Whether a ``uv.lock`` is as new as the ``pyproject.toml`` files that it was made from.

uv records in the lock what it was made from. That record is compared with what the projects declare now: no network,
no interpreter, no cache and no process has a say. What a build backend alone can tell (dependencies that are
``dynamic``, a ``setup.py``) cannot be compared without running it, and is a note.
"""

from __future__ import annotations

from os.path import relpath
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from wherry.errors import LockError
from wherry.events import Note
from wherry.files import real_path
from wherry.lock.declared import read_declared
from wherry.lock.document import Table, read_toml
from wherry.lock.uv.local import enclosing_workspace, workspace_members
from wherry.lock.uv.record import Asked, Comparison, Difference
from wherry.lock.uv.settings import (
    conflict_differences,
    marker_differences,
    option_differences,
)
from wherry.lock.uv.sources import Places, sources_of
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from wherry.events import Reporter
    from wherry.files import ProjectFiles
    from wherry.lock.declared import Declared
    from wherry.lock.uv.local import LocalPackage

__all__ = ["check_fresh"]

_DYNAMIC = frozenset({"dependencies", "optional-dependencies", "requires-python"})
# The settings of the workspace that uv keeps in the lock's manifest, by the names there.
# Locks without a revision, the first ones, know neither build constraints nor the names of extras.
_MANIFEST = {
    "constraints": "constraint-dependencies",
    "overrides": "override-dependencies",
    "build-constraints": "build-constraint-dependencies",
}


def check_fresh(
    lock: Table,
    packages: Sequence[LocalPackage],
    root: Path,
    files: ProjectFiles,
    reporter: Reporter,
) -> None:
    """Check that a lock is as new as the projects it locks; the reporter is told what cannot be known.

    Raises:
        LockError: it is older than one of them; the causes say what has changed.
    """
    differences = list(
        _Projects(lock=lock, packages=packages, root=root, files=files).differences()
    )
    if certain := [difference.text for difference in differences if difference.certain]:
        raise LockError(
            "`uv.lock` is older than `pyproject.toml`",
            where=certain,
            hint="run `uv lock`",
        )
    if differences:
        reasons = "; ".join(dict.fromkeys(difference.text for difference in differences))
        reporter.emit(Note(text=f"whether `uv.lock` is up to date is not known: {reasons}"))


class _Projects(Struct, frozen=True, kw_only=True):
    """The projects that a lock was made from."""

    lock: Table
    packages: Sequence[LocalPackage]
    root: Path
    files: ProjectFiles

    def differences(self) -> Iterator[Difference]:
        settings = self._settings(self.root)
        if settings is None:
            yield Difference(text="`pyproject.toml` is missing")
            return
        for package in self.packages:
            yield from self._of_package(package)
        yield from self._pythons()
        yield from self._of_workspace(settings)
        uv_toml = self.root / "uv.toml"
        # uv takes options from one of the two.
        options = read_toml(uv_toml, self.files) if uv_toml.is_file() else settings
        yield from option_differences(options, self.lock)
        yield from marker_differences(settings, self.lock, self._requires_python)
        members = [
            (package.name, own, self._pyproject(package.folder).table("dependency-groups"))
            for package in self.packages
            if package.member and (own := self._settings(package.folder)) is not None
        ]
        if all(package.folder != self.root for package in self.packages if package.member):
            members.append(("", settings, Table(data={}, file="pyproject.toml")))
        yield from conflict_differences(members, self.lock)

    @property
    def _requires_python(self) -> SpecifierSet | None:
        return self.lock.parsed("requires-python", SpecifierSet)

    def _pyproject(self, folder: Path) -> Table:
        return read_toml(folder / "pyproject.toml", self.files)

    def _settings(self, folder: Path) -> Table | None:
        if not (folder / "pyproject.toml").is_file():
            return None
        return self._pyproject(folder).table("tool").table("uv")

    def _label(self, path: Path) -> str:
        return relpath(path, self.root).replace("\\", "/")

    def _comparison(self, folder: Path, *, workspace: Path | None) -> Comparison:
        """The comparison of the requirements that the project in a folder declares."""
        own = self._settings(folder) or Table(data={}, file="pyproject.toml")
        shared = (self._settings(workspace) if workspace is not None else None) or own
        indexes = {}
        for table in (shared, own):
            for index in table.tables("index"):
                name, url = index.optional("name", str), index.optional("url", str)
                if name is not None and url is not None:
                    indexes[name] = url
        places = Places(
            folder=folder,
            own=sources_of(own),
            root=workspace or folder,
            shared=sources_of(shared),
            members={package.name: package.folder for package in self.packages},
            indexes=indexes,
        )
        return Comparison(
            file=self._pyproject(folder),
            places=places,
            root=self.root,
            requires_python=self._requires_python,
        )

    def _of_package(self, package: LocalPackage) -> Iterator[Difference]:
        folder = package.folder
        path = folder / "pyproject.toml"
        label = self._label(path)
        if not path.is_file():
            other = next(
                (name for name in ("setup.py", "setup.cfg") if (folder / name).is_file()), None
            )
            if other is None or package.member:
                yield Difference(text=f"`{label}` is missing")
            else:
                yield self._unknown(folder / other)
            return
        declared = read_declared(self._pyproject(folder))
        if declared.name is None and not package.member:
            # Its build backend gives the name, and all else.
            yield self._unknown(path)
            return
        if declared.name is None or canonicalize_name(declared.name) != package.name:
            yield Difference(text=f"`{label}` is no longer `{package.name}`")
            return
        yield from self._kind(package, label)
        workspace = self.root if package.member else enclosing_workspace(folder, self.files)
        comparison = self._comparison(folder, workspace=workspace)
        if declared.dynamic & _DYNAMIC:
            yield self._unknown(path)
        else:
            yield from _declared_differences(declared, package, label, comparison, self.lock)
        if package.member:
            groups = package.table.table("metadata").table("requires-dev")
            yield from self._groups(declared, groups, label, comparison)

    def _unknown(self, path: Path) -> Difference:
        text = f"what `{self._label(path)}` asks for is known to its build backend alone"
        return Difference(text=text, certain=False)

    def _kind(self, package: LocalPackage, label: str) -> Iterator[Difference]:
        """Whether a member still is a package that is installed, or still is none."""
        pyproject = self._pyproject(package.folder)
        setting = pyproject.table("tool").table("uv").optional("package", bool)
        installed = "build-system" in pyproject if setting is None else setting
        virtual = "virtual" in package.table.table("source")
        if not package.member or package.folder == self.root or virtual != installed:
            return
        if setting is None and not installed and self._is_shared(package.name):
            # Since 0.8, uv installs what another member asks for, even if it names no build system.
            return
        now = "a package" if installed else "no package"
        yield Difference(text=f"`{label}` is {now} now, the lock was made otherwise")

    def _is_shared(self, name: str) -> bool:
        """Whether another project of the workspace says that the distribution of this name comes from the workspace."""
        folders = {"": self.root, **{each.name: each.folder for each in self.packages}}
        for other, folder in folders.items():
            settings = self._settings(folder)
            source = sources_of(settings).get(name) if other != name and settings else None
            entries = source if isinstance(source, list) else [source]
            if any(isinstance(entry, dict) and entry.get("workspace") is True for entry in entries):
                return True
        return False

    def _groups(
        self, declared: Declared, recorded: Table, label: str, comparison: Comparison
    ) -> Iterator[Difference]:
        settings = comparison.file.table("tool").table("uv")
        pythons = {
            canonicalize_name(name): table.optional("requires-python", str)
            for name, table in settings.table("dependency-groups").each_table()
        }
        groups: dict[str, list[str]] = {
            str(name): list(texts) for name, texts in declared.groups.items()
        }
        groups.setdefault("dev", []).extend(settings.strings("dev-dependencies"))
        for group in sorted({*groups, *recorded.data}):
            asked = [
                Asked(text=text, group=group, python=pythons.get(canonicalize_name(group)))
                for text in groups.get(group, [])
            ]
            yield from comparison.differences(f"{label}, group {group}", asked, recorded, group)

    def _pythons(self) -> Iterator[Difference]:
        recorded = self._requires_python
        wanted: list[SpecifierSet] = []
        for package in self.packages:
            if package.member and self._settings(package.folder) is not None:
                project = self._pyproject(package.folder).table("project")
                if (specifiers := project.parsed("requires-python", SpecifierSet)) is not None:
                    wanted.append(specifiers)
        if recorded is None or not wanted:
            return
        # A difference in versions that are out of use is not a reason to refuse.
        versions = (f"3.{minor}.{patch}" for minor in range(9, 30) for patch in (*range(25), 99))
        for version in versions:
            if recorded.contains(version) != all(each.contains(version) for each in wanted):
                asked = " and ".join(sorted({str(each) for each in wanted}))
                text = f"requires-python is `{asked}`, the lock was made for `{recorded}`"
                yield Difference(text=text)
                return

    def _of_workspace(self, settings: Table) -> Iterator[Difference]:
        manifest = self.lock.table("manifest")
        comparison = self._comparison(self.root, workspace=self.root)
        for key, name in _MANIFEST.items():
            if key == "build-constraints" and "revision" not in self.lock:
                continue
            # Newer versions of uv take tables of options as well.
            given = settings.optional(name, list) or []
            asked = [Asked(text=text) for text in given if isinstance(text, str)]
            if len(asked) == len(given):
                yield from comparison.differences(f"pyproject.toml, {name}", asked, manifest, key)
        excluded = {canonicalize_name(name) for name in settings.strings("exclude-dependencies")}
        held = {canonicalize_name(name) for name in manifest.strings("excludes")}
        for name in sorted(excluded ^ held):
            yield Difference(text=f"`exclude-dependencies` and the lock differ about `{name}`")
        pyproject = comparison.file
        if "project" not in pyproject:
            declared, groups = read_declared(pyproject), manifest.table("dependency-groups")
            yield from self._groups(declared, groups, "pyproject.toml", comparison)
        yield from self._metadata(settings, manifest, comparison)
        yield from self._members()

    def _metadata(
        self, settings: Table, manifest: Table, comparison: Comparison
    ) -> Iterator[Difference]:
        """Compare the metadata that the project gives for distributions."""

        def by_name(table: Table) -> dict[str, list[Table]]:
            entries: dict[str, list[Table]] = {}
            for entry in table.tables("dependency-metadata"):
                entries.setdefault(canonicalize_name(entry.required("name", str)), []).append(entry)
            return entries

        def same(ours: Table, theirs: Table) -> bool:
            pythons = [each.parsed("requires-python", SpecifierSet) for each in (ours, theirs)]
            versions = [each.optional("version", str) for each in (ours, theirs)]
            lists = [each.strings("requires-dist") for each in (ours, theirs)]
            return (
                pythons[0] == pythons[1] and versions[0] == versions[1] and comparison.same(*lists)
            )

        given, held = by_name(settings), by_name(manifest)
        for name in sorted(given.keys() | held.keys()):
            ours, theirs = given.get(name, []), held.get(name, [])
            if len(ours) != len(theirs) or not all(
                any(same(entry, other) for other in theirs) for entry in ours
            ):
                yield Difference(text=f"`dependency-metadata` and the lock differ about `{name}`")

    def _members(self) -> Iterator[Difference]:
        locked = {real_path(each.folder): each.folder for each in self.packages if each.member}
        present = {real_path(folder): folder for folder in workspace_members(self.root, self.files)}
        root = real_path(self.root)
        for folder in sorted(present.keys() - locked.keys()):
            label = self._label(present[folder])
            yield Difference(text=f"the workspace member `{label}` is not in the lock")
        for folder in sorted(locked.keys() - present.keys() - {root}):
            label = self._label(locked[folder])
            yield Difference(text=f"`{label}` is no longer a member of the workspace")


def _declared_differences(
    declared: Declared, package: LocalPackage, label: str, comparison: Comparison, lock: Table
) -> Iterator[Difference]:
    metadata = package.table.table("metadata")
    asked = [Asked(text=text) for text in declared.dependencies]
    asked += [
        Asked(text=text, extra=str(extra))
        for extra, texts in declared.extras.items()
        for text in texts
    ]
    yield from comparison.differences(label, asked, metadata, "requires-dist")
    recorded = {canonicalize_name(extra) for extra in metadata.strings("provides-extras")}
    for extra in sorted(set(declared.extras) ^ recorded) if "revision" in lock else ():
        yield Difference(text=f"`{label}` and the lock differ about the extra `{extra}`")
