"""A folder that ``pip install --target`` made, as the distributions that lie in it.

The files that lie there ship, and contents are always read: an edited, renamed, added or removed file is
noticed, whatever ``RECORD`` says. What depends on the machine that installed does not ship, or is changed:
byte code, ``INSTALLER``, ``REQUESTED``, ``direct_url.json``, caches and locks of installers, launchers of
entry points, the interpreter's path in scripts, the names of build backends. ``RECORD`` is written anew.

So the same distributions give the same digest, wherever and by whatever installer they were installed.
"""

from __future__ import annotations

import hashlib
import re
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.bundle.bundle import Bundle
from wherry.bundle.canonical import INSTALLER_FILES, Canonical, Member, canonical_content
from wherry.bundle.content import content_sha256
from wherry.bundle.entry import Entry, SourceFile, inline
from wherry.errors import ProjectError
from wherry.events import Note
from wherry.sources.installed.files import read_files
from wherry.sources.installed.info import read_infos, settle_twice
from wherry.sources.installed.scripts import is_launcher, with_lambda_shebang
from wherry.sources.installed.target import install_command, misfits, refuse_misfits
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wherry.context import Context
    from wherry.sources.installed.files import InstalledFile
    from wherry.sources.installed.info import Info

__all__ = ["INSTALLED_FILES", "Installed", "InstalledDistribution", "read_installed"]

INSTALLED_FILES = "installed-files"
"""The owner of files that no distribution lists: those that were added or renamed."""

# Files of a `.dist-info` folder that describe the installer and its machine.
_OF_THE_MACHINE = frozenset({*INSTALLER_FILES, "uv_build.json", "uv_cache.json"})
_OF_EDITABLE = re.compile(
    r"__editable__.*|_{1,2}editable_impl_.+|__editable___.+_finder\.py|.+\.egg-link|easy-install\.pth"
)
_SCRIPTS = ("bin/", "Scripts/")
# Names that begin with a dot, but for folders of libraries, which tools put into wheels.
_HIDDEN = re.compile(r"(?:^|.*/)\.(?!(?:lib|dylib)s/)")


class InstalledDistribution(Struct, frozen=True, kw_only=True):
    """A distribution in the folder, or the files that belong to none (``INSTALLED_FILES``).

    Attributes:
        name: normalized.
        bundle: its files, owned by ``name``.
    """

    name: str
    version: str | None
    bundle: Bundle


class Installed(Struct, frozen=True, kw_only=True):
    """A folder that was read.

    Attributes:
        distributions: sorted by name. Where two hold the same path, they hold the same file.
        digest: SHA-256, in hexadecimal, of paths, owners, executable bits and contents of all that ships.
            It is the same on every machine.
    """

    distributions: tuple[InstalledDistribution, ...]
    digest: str

    @property
    def bundle(self) -> Bundle:
        """All that ships."""
        return Bundle().merge(*(distribution.bundle for distribution in self.distributions))


def read_installed(root: Path, context: Context) -> Installed:
    """The distributions in a folder that ``pip install --target`` or ``uv pip install --target`` made.

    An editable install is built anew from the folder that it leads to, and its own files ship. The folder is read once
    in a run.

    Raises:
        ProjectError: the folder is missing, empty or unreadable; the sources of an editable install are missing;
            a distribution lies there in two versions.
        EntryPathError: a link leaves the folder or leads nowhere, or a name cannot stand in a package.
        SelectionError: distributions were installed for another platform or Python.
        BuildError, ConflictError, ToolError, StoreError: as ``project_bundle``, of editable installs.
    """
    root = Path(root).absolute()
    return context.files.once(("installed", root), lambda: _read_installed(root, context))


def _read_installed(root: Path, context: Context) -> Installed:
    target = context.target
    if not root.is_dir():
        raise ProjectError(
            f"there is no installed folder `{root}`",
            where=["it is a file"] if root.exists() else (),
            hint=f"make it: {install_command(root.name, target)}",
        )
    files = read_files(root)
    infos, left = settle_twice(read_infos(files), files)
    _refuse_undecided(left)
    for stale, kept in left:
        if kept is not None:
            text = f"`{stale.folder}` is left over from an earlier install: `{kept.folder}` counts"
            context.reporter.emit(Note(text=text))
    stale_folders = {stale.folder for stale, _ in left}
    owned = _by_owner(files, infos, stale_folders)
    if not owned:
        raise ProjectError(
            f"the installed folder `{root}` is empty",
            hint=f"install into it: {install_command(root.name, target)}",
        )
    plain = [info for info in infos if info.editable is None]
    wrong = {_title(info): misfits(owned[info.name], info.tags, target) for info in plain}
    wrong[INSTALLED_FILES] = misfits(owned.get(INSTALLED_FILES, ()), (), target)
    refuse_misfits({name: why for name, why in wrong.items() if why}, root.name, target)
    _refuse_editable_remains(owned.get(INSTALLED_FILES, ()))
    found = [_distribution(info, owned[info.name]) for info in plain]
    if rest := owned.get(INSTALLED_FILES):
        bundle = Bundle.of(_entry(file, INSTALLED_FILES) for file in rest)
        found.append(InstalledDistribution(name=INSTALLED_FILES, version=None, bundle=bundle))
    found += [
        _editable(info, folder, context) for info in infos if (folder := info.editable) is not None
    ]
    return _installed(found, {file.source: file.sha256 for file in files.values()})


def _by_owner(
    files: Mapping[str, InstalledFile], infos: tuple[Info, ...], stale: set[str]
) -> dict[str, list[InstalledFile]]:
    """The files that ship, by the distribution that they came with; each distribution is there."""
    owners: dict[str, str] = {}
    for info in sorted(infos, key=lambda info: info.name):
        for path in info.recorded:
            owners.setdefault(path, info.name)
    by_folder = {info.folder: info.name for info in infos}
    points = {info.name: info.points for info in infos}
    owned: dict[str, list[InstalledFile]] = {info.name: [] for info in infos}
    for path, file in files.items():
        top, _, below = path.partition("/")
        if top in stale:
            continue
        if top in by_folder:
            if below not in _OF_THE_MACHINE:
                owned[by_folder[top]].append(file)
            continue
        owner = owners.get(path)
        if path.startswith(_SCRIPTS) and owner is not None:
            # Launchers are a few hundred bytes; programs may be megabytes.
            content = file.read() if file.size < 1 << 16 else file.head
            if is_launcher(below, content, points[owner]):
                continue
        if owner is None and _HIDDEN.match(path):
            continue
        owned.setdefault(owner or INSTALLED_FILES, []).append(file)
    return owned


def _title(info: Info) -> str:
    return f"{info.name} {info.version}" if info.version else info.name


def _distribution(info: Info, files: list[InstalledFile]) -> InstalledDistribution:
    members = tuple(
        sorted((_member(file, info.name, info.folder) for file in files), key=attrgetter("path"))
    )
    wheel = Canonical(filename=info.folder, info=info.folder, members=members)
    return InstalledDistribution(
        name=info.name, version=info.version, bundle=wheel.bundle(owner=info.name)
    )


def _member(file: InstalledFile, owner: str, info: str) -> Member:
    if file.path in {f"{info}/WHEEL", f"{info}/METADATA"}:
        plain = inline(file.path, file.read(), owner=owner)
        content = b"".join(canonical_content(plain, info))
        payload = inline(file.path, content, owner=owner).payload
        return Member(file.path, file.executable, payload, hashlib.sha256(content).hexdigest())
    entry = _entry(file, owner)
    return Member(*entry[:3], _digest_of(entry, {file.source: file.sha256}))


def _entry(file: InstalledFile, owner: str) -> Entry:
    executable = file.executable
    if file.path.startswith(_SCRIPTS):
        # Some installers make the scripts of wheels executable, and others do not.
        executable = executable or owner != INSTALLED_FILES
        if file.head.startswith(b"#!"):
            content = file.read()
            changed = with_lambda_shebang(content)
            if changed != content:
                return inline(file.path, changed, owner=owner, executable=executable)
    return Entry(
        file.path, executable, SourceFile(file.source, file.size, file.crc, file.sha256), owner
    )


def _digest_of(entry: Entry, known: Mapping[Path, str]) -> str:
    """SHA-256 of the content, read once more only where it is not that of a file that was read."""
    if isinstance(entry.payload, SourceFile) and entry.payload.path in known:
        return known[entry.payload.path]
    return content_sha256(entry.payload)


def _editable(info: Info, folder: Path, context: Context) -> InstalledDistribution:
    from wherry.sources.project import TreeOptions, project_bundle

    if not folder.is_dir():
        raise ProjectError(
            f"`{_title(info)}` is installed as editable, and its project was not found",
            where=[f"it leads to `{folder}`"],
            hint="install it without `-e`",
        )
    built = project_bundle(folder, TreeOptions(must_build=True), context)
    return InstalledDistribution(name=built.name, version=built.version, bundle=built.bundle)


def _refuse_editable_remains(files: Iterable[InstalledFile]) -> None:
    found = [file.path for file in files if _OF_EDITABLE.fullmatch(file.path)]
    if found:
        raise ProjectError(
            "the folder holds an editable install that looks like a path of the machine",
            where=[f"`{path}` leads to a folder of this machine" for path in sorted(found)],
            hint="install without `-e`",
        )


def _refuse_undecided(left: tuple[tuple[Info, Info | None], ...]) -> None:
    undecided = sorted(stale.folder for stale, kept in left if kept is None)
    if undecided:
        raise ProjectError(
            "distributions lie in the folder in several versions",
            where=[f"`{folder}` lies beside another version of it" for folder in undecided],
            hint="remove the folder and install again",
        )


def _installed(found: list[InstalledDistribution], known: Mapping[Path, str]) -> Installed:
    found.sort(key=lambda distribution: (distribution.name, distribution.version or ""))
    # Raises where an editable project and another distribution hold different files for one path.
    whole = Bundle().merge(*(distribution.bundle for distribution in found))
    digest = hashlib.sha256()
    for entry in whole:
        content = _digest_of(entry, known)
        digest.update(f"{entry.path}\0{entry.owner}\0{entry.executable:d}{content}\n".encode())
    return Installed(distributions=tuple(found), digest=digest.hexdigest())
