"""The fast path: where a wheel's files are certainly the project's own, word for word.

After a real build Wherry learns which file of the wheel is a copy of which file of the project. As long as
the set of files is the same, and the contents of all others (``pyproject.toml``, the README, licences,
whatever metadata is read from), an edit of the copied ones changes their copies and nothing else. The wheel
is then put together from the files themselves, and no backend is started.

It is used only where it is certain: for closed builds (``wherry.sources.closure``) by backends whose settings
all copy, with every file of the wheel accounted for by exactly one place it can come from.
"""

from __future__ import annotations

import hashlib
import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from wherry.bundle.entry import SourceFile
from wherry.sources.canonical import Canonical, Member, from_memo, to_memo
from wherry.sources.families import texts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from wherry.sources.closure import Closure
    from wherry.sources.declaration import Declaration
    from wherry.sources.inputs import InputFile, Inputs
    from wherry.wheels.store import Store

__all__ = ["assemble", "learn"]

_KIND = "layouts"
# What a wheel's metadata is made of, by custom.
_TELLING = re.compile(r"(?i)(readme|licen[cs]e|copying|notice|authors|copyright)")
_STEERING = re.compile(r"\.(git|hg)\w*|.*\.(toml|cfg|in)|setup\.py")


def assemble(key: str, inputs: Inputs, store: Store) -> Canonical | None:
    """The wheel, from what was learned of it and the files as they are now; None to build it.

    Args:
        key: of all that the build depends on but the contents of files.
        inputs: the project's files.
        store: where it was learned.
    """
    # First which files may change, then what is known of the project with all others as they are now.
    try:
        free: list[str] = json.loads(store.recall(_KIND, key) or b"null")
        memo = store.recall(_KIND, _key(key, inputs, free))
        document = json.loads(memo or b"null")
        sources: Mapping[str, str] = document["sources"]
        wheel = from_memo(json.dumps(document["wheel"]).encode(), store)
        if wheel is None:
            return None
        files = inputs.by_path
        members = tuple(
            _copied(member, files[sources[member.path]]) if member.path in sources else member
            for member in wheel.members
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return Canonical(filename=wheel.filename, info=wheel.info, members=members)


def learn(
    key: str,
    wheel: Canonical,
    inputs: Inputs,
    declaration: Declaration,
    closure: Closure,
    store: Store,
) -> bool:
    """Learn what a build gave, where the fast path is certain; whether it was.

    Args:
        key: of all that the build depends on but the contents of files.
        wheel: what the backend made of ``inputs``.
        inputs: the project's files.
        declaration: how the project is built.
        closure: what is known about that.
        store: where it is remembered.
    """
    if closure.opening is not None or closure.asks_git or not _copies_only(declaration, closure):
        return False
    sources = _sources(wheel, inputs)
    if sources is None:
        return False
    named, globs = _named(declaration, closure)
    sources = {
        path: source for path, source in sources.items() if not _is_held(source, named, globs)
    }
    free = sorted(sources.values())
    document = {"sources": sources, "wheel": json.loads(to_memo(wheel))}
    store.remember(_KIND, _key(key, inputs, free), json.dumps(document).encode())
    store.remember(_KIND, key, json.dumps(free).encode())
    return True


def _copied(member: Member, file: InputFile) -> Member:
    if not file.sha256:
        raise ValueError(file.path)  # it cannot be read any more: let the backend say so
    payload = SourceFile(file.source, file.size, file.crc)
    return Member(member.path, member.executable, payload, file.sha256)


def _key(key: str, inputs: Inputs, free: Collection[str]) -> str:
    """The key of what is known of a project: with the contents of all files but those that are free."""
    may_change = frozenset(free)
    digest = hashlib.sha256(key.encode())
    for file in inputs.files:
        if file.path not in may_change:
            digest.update(f"\0{file.path}\0{file.sha256}".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _sources(wheel: Canonical, inputs: Inputs) -> dict[str, str] | None:
    """The file that each of the wheel's is a copy of; None unless all are accounted for.

    The files below one folder of the wheel must all come from one folder of the project, and there must be
    only one such folder.
    """
    own = f"{wheel.info}/"
    groups: dict[str, list[Member]] = {}
    for member in wheel.members:
        if not member.path.startswith(own):
            groups.setdefault(member.path.partition("/")[0], []).append(member)
    # Scripts may have been given another first line.
    if "bin" in groups:
        return None
    files = inputs.by_path
    found: dict[str, str] = {}
    for members in groups.values():
        leads = _leads(members[0], inputs)
        fitting = [
            lead
            for lead in leads
            if all(_is_copy(member, files.get(lead + member.path)) for member in members)
        ]
        if len(fitting) != 1:
            return None
        found |= {member.path: fitting[0] + member.path for member in members}
    return found


def _leads(member: Member, inputs: Inputs) -> list[str]:
    return [
        file.path.removesuffix(member.path)
        for file in inputs.files
        if file.path == member.path or file.path.endswith(f"/{member.path}")
    ]


def _is_copy(member: Member, file: InputFile | None) -> bool:
    return file is not None and bool(file.sha256) and file.sha256 == member.sha256


def _named(declaration: Declaration, closure: Closure) -> tuple[frozenset[str], frozenset[str]]:
    """Paths that the settings name, and patterns of licences: metadata may be made of these files."""
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
    globs = frozenset(text for value in licences for text in texts(value))
    return frozenset(paths | closure.deciding), globs


def _is_held(source: str, named: frozenset[str], globs: frozenset[str]) -> bool:
    """Whether a copied file may have a say in metadata, too."""
    name = source.rpartition("/")[2]
    if source in named or _STEERING.fullmatch(name):
        return True
    if _TELLING.match(name) and not name.endswith((".py", ".pyi")):
        return True
    return any(fnmatchcase(source, pattern) for pattern in globs)


def _copies_only(declaration: Declaration, closure: Closure) -> bool:
    """Whether the settings leave the backend nothing to do but copy files below one prefix."""
    rule = _RULES.get(closure.family)
    return rule is not None and rule(declaration)


def _keys(value: object) -> set[str]:
    """Every key in a TOML document."""
    if isinstance(value, dict):
        return set(value).union(*(_keys(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(_keys(inner) for inner in value))
    return set()


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = table.get(key)
    return value if isinstance(value, dict) else {}


def _hatch(declaration: Declaration) -> bool:
    build = _table(declaration.tool("hatch"), "build")
    wheel = _table(_table(build, "targets"), "wheel")
    renaming = any(isinstance(table.get("sources"), dict) for table in (build, wheel))
    return not renaming and not _keys(build) & {
        "hooks",
        "force-include",
        "shared-data",
        "shared-scripts",
        "extra-metadata",
        "sbom-files",
    }


def _poetry(declaration: Declaration) -> bool:
    table = declaration.tool("poetry")
    return "to" not in _keys(table.get("packages", [])) and "from" not in _keys(
        table.get("include", [])
    )


def _setuptools(declaration: Declaration) -> bool:
    if any((declaration.root / name).exists() for name in ("setup.py", "setup.cfg")):
        return False
    table = declaration.tool("setuptools")
    folders = _table(table, "package-dir")
    return not (set(folders) - {""}) and "data-files" not in table


def _flit(declaration: Declaration) -> bool:
    return "external-data" not in declaration.tool("flit")


def _uv(declaration: Declaration) -> bool:
    return "data" not in _table(declaration.tool("uv"), "build-backend")


def _pdm(declaration: Declaration) -> bool:
    build = _table(declaration.tool("pdm"), "build")
    version = _table(declaration.tool("pdm"), "version")
    return "wheel-data" not in build and not {"write_to", "write_template"} & set(version)


_RULES = {
    "flit": _flit,
    "hatch": _hatch,
    "pdm": _pdm,
    "poetry": _poetry,
    "setuptools": _setuptools,
    "uv": _uv,
}
