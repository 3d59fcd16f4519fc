"""Fast rebuilds: a wheel whose files are copies of the project's is put together without its backend.

After a real build Wherry learns which file of the wheel is a copy of which file of the project. As long as
the set of files is the same, and the contents of all others (``pyproject.toml``, the README, licences, files
that metadata is read from), an edit of the copied ones changes their copies and nothing else. The wheel
is then put together from the files themselves, and no backend is started.

This is done only where it is certain: for hermetic builds (``wherry.sources.hermetic``) by backends whose settings
say nothing but what to copy, where there is exactly one place that each file of the wheel can come from.
"""

from __future__ import annotations

import hashlib
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from wherry.bundle.canonical import Canonical, Member, wheel_document, wheel_from_document
from wherry.bundle.entry import SourceFile
from wherry.sources.backends.interface import texts
from wherry.store.memo import Memo

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from wherry.sources.declaration import Declaration
    from wherry.sources.hermetic import Hermeticity
    from wherry.sources.inputs import InputFile, Inputs
    from wherry.store import Store

__all__ = ["assemble", "learn"]

# Names of files that metadata is made of by custom, and of those that steer a build.
_METADATA = re.compile(r"(?i)(readme|licen[cs]e|copying|notice|authors|copyright)")
_STEERING = re.compile(r"\.(git|hg)\w*|.*\.(toml|cfg|in)|setup\.py")


class _Layout(NamedTuple):
    """A wheel, and the paths of the files that some of its members are copies of."""

    wheel: Canonical
    sources: Mapping[str, str]


# By all that a build depends on but the contents of files: the files that may change.
_CHANGEABLE: Memo[list[str]] = Memo("changeable-files", list, list)


def _layouts(store: Store) -> Memo[_Layout]:
    """Layouts by that, and by the contents of all files that may not change."""
    return Memo(
        "layouts",
        lambda layout: {"wheel": wheel_document(layout.wheel), "sources": layout.sources},
        lambda document: _Layout(
            wheel_from_document(document["wheel"], store), dict(document["sources"])
        ),
    )


def assemble(key: str, inputs: Inputs, store: Store) -> Canonical | None:
    """Put a wheel together, by what was learned of it, from the files as they are now; None to build it.

    The key is of all that the build depends on but the contents of files.
    """
    changeable = _CHANGEABLE.recall(store, key)
    if changeable is None:
        return None
    layout = _layouts(store).recall(store, _key(key, inputs, changeable))
    if layout is None:
        return None
    wheel, sources = layout
    files = inputs.by_path
    try:
        members = tuple(
            _copied(member, files[sources[member.path]]) if member.path in sources else member
            for member in wheel.members
        )
    except LookupError:
        return None
    return Canonical(filename=wheel.filename, info=wheel.info, members=members)


def learn(
    key: str,
    wheel: Canonical,
    inputs: Inputs,
    declaration: Declaration,
    hermeticity: Hermeticity,
    store: Store,
) -> bool:
    """Learn the layout of a wheel that was built, where that is certain; whether it is.

    The key is as for ``assemble``; the backend made the wheel of these inputs.
    """
    backend = hermeticity.backend
    if hermeticity.reason is not None or hermeticity.asks_git or backend is None:
        return False
    sources = _sources(wheel, inputs) if backend.copies_only(declaration) else None
    if sources is None:
        return False
    named, patterns = _named(declaration, hermeticity)
    sources = {
        path: source
        for path, source in sources.items()
        if not _may_be_metadata(source, named, patterns)
    }
    changeable = sorted(sources.values())
    _layouts(store).remember(store, _key(key, inputs, changeable), _Layout(wheel, sources))
    _CHANGEABLE.remember(store, key, changeable)
    return True


def _copied(member: Member, file: InputFile) -> Member:
    if not file.sha256:
        raise LookupError(file.path)  # it cannot be read any more: let the backend say so
    payload = SourceFile(file.source, file.size, file.crc, file.sha256)
    return Member(member.path, member.executable, payload, file.sha256)


def _key(key: str, inputs: Inputs, changeable: Collection[str]) -> str:
    """The key of a layout: with the contents of all files but those that may change."""
    may_change = frozenset(changeable)
    digest = hashlib.sha256(key.encode())
    for file in inputs.files:
        if file.path not in may_change:
            digest.update(f"\0{file.path}\0{file.sha256}".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _sources(wheel: Canonical, inputs: Inputs) -> dict[str, str] | None:
    """The file that each file of the wheel is a copy of; None unless each is a copy of one.

    The files below one folder of the wheel must all come from one folder of the project, and there must be
    only one such folder.
    """
    own = f"{wheel.info}/"
    groups: dict[str, list[Member]] = {}
    for member in wheel.members:
        if not member.path.startswith(own):
            groups.setdefault(member.path.partition("/")[0], []).append(member)
    # The first line of scripts may have been changed.
    if "bin" in groups:
        return None
    files = inputs.by_path
    found: dict[str, str] = {}
    for members in groups.values():
        path = members[0].path
        leads = [file[: -len(path)] for file in files if f"/{file}".endswith(f"/{path}")]
        fitting = [
            lead
            for lead in leads
            if all(
                (file := files.get(lead + member.path)) and file.sha256 == member.sha256
                for member in members
            )
        ]
        if len(fitting) != 1:
            return None
        found |= {member.path: fitting[0] + member.path for member in members}
    return found


def _named(
    declaration: Declaration, hermeticity: Hermeticity
) -> tuple[frozenset[str], frozenset[str]]:
    """The paths that the settings name, and patterns of licences: metadata may be made of these files."""
    project = declaration.project
    paths = {
        part.strip().removeprefix("./")
        for table in (project, declaration.document.get("tool", {}))
        for text in texts(table)
        for part in text.split(",")
    }
    licences = (
        project.get("license"),
        project.get("license-files"),
        declaration.tool("setuptools").get("license-files"),
    )
    patterns = frozenset(text for value in licences for text in texts(value))
    return frozenset(paths | hermeticity.metadata_files), patterns


def _may_be_metadata(source: str, named: frozenset[str], patterns: frozenset[str]) -> bool:
    """Whether metadata may be made of a copied file, too."""
    name = source.rpartition("/")[2]
    if source in named or _STEERING.fullmatch(name):
        return True
    if _METADATA.match(name) and not name.endswith((".py", ".pyi")):
        return True
    return any(fnmatchcase(source, pattern) for pattern in patterns)
