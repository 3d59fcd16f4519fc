"""``pylock.toml`` and ``pylock.NAME.toml`` (PEP 751), as ``packaging.pylock`` has them.

PEP 751 has no field for the files that a lock was made from. A lock of Wherry's own names them under ``[tool]``, so
that any edit is noticed. In a lock that another tool wrote, the project's own dependencies are looked for: if one is
missing, or its version is no longer admitted, the lock is older than the project.
"""

from __future__ import annotations

import json
from hashlib import sha256
from os.path import relpath
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError
from packaging.utils import canonicalize_name

from wherry.errors import LockError
from wherry.indexes.redact import redact
from wherry.lock.applying import applying, may_apply
from wherry.lock.assemble import known
from wherry.lock.declared import read_declared
from wherry.lock.document import file_sha256, is_path, parse_toml, read_bytes, read_toml
from wherry.lock.model import Lock
from wherry.untrusted import file_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from packaging.pylock import Package
    from packaging.requirements import Requirement

    from wherry.context import Context
    from wherry.files import ProjectFiles
    from wherry.lock.document import Table
    from wherry.lock.model import LockRequest
    from wherry.target import Target

__all__ = ["check_provenance", "parse_pylock", "provenance", "read"]

# The parts of pyproject.toml that decide what is resolved. Others may change as they like.
_PROJECT = ("requires-python", "dependencies", "optional-dependencies", "dynamic")
_POETRY = ("dependencies", "dev-dependencies", "group", "extras", "source")
_PDM = ("source", "resolution")


def read(path: Path, request: LockRequest, context: Context) -> Lock:
    """Read a PEP 751 lock.

    Raises:
        LockError: it is of an unknown version, not a valid PEP 751 lock, older than the files it was made
            from, or lacks a group or extra that was asked for.
    """
    table = _normalized(read_toml(path, context.files))
    pylock = _applicable(table, str(path), request, context.target)
    _check_paths(pylock, path)
    sources = _sources(table, path)
    if not request.frozen:
        check_provenance(table, path, context.files)
        _check_satisfied(pylock, path, context)
    groups = known("group", request.groups, pylock.dependency_groups or (), path)
    extras = known("extra", request.extras, pylock.extras or (), path)
    return Lock(
        pylock=pylock,
        path=path,
        base=path.parent,
        inputs=(path, *sources),
        stable=True,
        groups=(*(pylock.default_groups or ()), *groups) if groups else None,
        extras=extras,
        member=request.root,
    )


def _normalized(table: Table) -> Table:
    """The lock with normalized names of packages: pipenv writes some, such as `ruamel.yaml`, as they are spelled."""
    packages = table.data.get("packages")
    if not isinstance(packages, list):
        return table
    names = (package.get("name") if isinstance(package, dict) else None for package in packages)
    spelled = [
        {**package, "name": canonicalize_name(name)} if isinstance(name, str) else package
        for package, name in zip(packages, names, strict=True)
    ]
    return replace(table, data={**table.data, "packages": spelled})


def _applicable(table: Table, where: str, request: LockRequest, target: Target) -> Pylock:
    """The lock, without what does not apply to the target if something is wrong with it as a whole."""
    try:
        return _validated(table, where=where)
    except LockError as error:
        packages = table.data.get("packages")
        if not isinstance(packages, list):
            raise
        kept = [
            package
            for package in packages
            if not isinstance(package, dict)
            or may_apply(package.get("marker"), target, extras=request.extras)
        ]
        if len(kept) == len(packages):
            raise
        try:
            return _validated(replace(table, data={**table.data, "packages": kept}), where=where)
        except LockError:
            # Its numbers of packages are those of the file.
            raise error from None


def parse_pylock(text: str, *, file: str, base: Path) -> Pylock:
    """Parse a lock that uv wrote to its standard output.

    Errors name ``file``, that it was made from; relative paths in it start from ``base``.

    Raises:
        LockError: it is not a valid PEP 751 lock.
    """
    table = parse_toml(text, file=file, where=file)
    for package in table.tables("packages"):
        for entry in (package.table("sdist"), package.table("archive"), *package.tables("wheels")):
            _complete(entry, base)
    return _validated(table, where=file)


def _complete(entry: Table, base: Path) -> None:
    """Older versions of uv leave out the hash of a file that is on the disk."""
    if entry.data.get("hashes"):
        return
    place = entry.optional("path", str) or entry.optional("url", str) or ""
    if "://" in place and not place.startswith("file://"):
        return
    if place:
        path = file_path(place) if place.startswith("file://") else place
        entry.data["hashes"] = {"sha256": file_sha256(base / path)}


def _validated(table: Table, *, where: str) -> Pylock:
    """Check that a table is a PEP 751 lock.

    Raises:
        LockError: it is of an unknown version or of a wrong shape; says where, as ``packages[3].wheels[0]``.
    """
    try:
        return Pylock.from_dict(table.data)
    except PylockUnsupportedVersionError:
        raise LockError(
            f"`{table.file}` is of the unknown lock version {table.data.get('lock-version')}",
            where=[f"{where}: lock-version: this Wherry knows version 1.0"],
            hint="update Wherry, or write the lock again with a tool that knows version 1.0",
        ) from None
    except PylockValidationError as error:
        context = f"{error.context}: " if error.context else ""
        lines = error.message.splitlines() or ["it does not follow PEP 751"]
        raise LockError(
            f"`{table.file}` is not a valid lock", where=[redact(f"{where}: {context}{lines[0]}")]
        ) from None
    except (RecursionError, ValueError) as error:
        cause = str(error) or "it is nested too deeply"
        raise LockError(
            f"`{table.file}` is not a valid lock", where=[redact(f"{where}: {cause:.300}")]
        ) from None


def _check_paths(pylock: Pylock, path: Path) -> None:
    """Check that files can have the paths of a lock."""
    for number, package in enumerate(pylock.packages):
        for source in (package.directory, package.archive, package.sdist, *(package.wheels or ())):
            if source is not None and source.path is not None and not is_path(source.path):
                raise LockError(
                    f"`{path.name}` is not a valid lock",
                    where=[f"{path}: packages[{number}]: {source.path[:100]!a} is not a path"],
                )


def provenance(inputs: Iterable[Path], base: Path, files: ProjectFiles) -> dict[str, Any]:
    """The ``[tool.wherry]`` table of a lock in ``base`` that was made from these files."""
    digests = {
        relpath(path, base).replace("\\", "/"): _digest(path, files) for path in sorted(inputs)
    }
    return {"inputs": digests}


def _inputs(lock: Table) -> Table:
    """The digests of the files that a lock of Wherry's was made from; empty for a lock that another tool wrote."""
    return lock.table("tool").table("wherry").table("inputs")


def _sources(lock: Table, path: Path) -> tuple[Path, ...]:
    return tuple(path.parent / name for name in _inputs(lock).data if is_path(name))


def check_provenance(lock: Table, path: Path, files: ProjectFiles) -> None:
    """Check that the files that a lock of Wherry's was made from have not changed since.

    Raises:
        LockError: one has.
    """
    changed = []
    for name, digest in _inputs(lock).each(str):
        source = path.parent / name
        if not is_path(name) or not source.is_file() or _digest(source, files) != digest:
            changed.append(f"`{ascii(name)[1:-1]}` has changed since")
    if changed:
        raise LockError(
            f"`{path.name}` is older than what it was made from",
            where=changed,
            hint=f"run `wherry lock{_options(lock)}`",
        )


def _options(lock: Table) -> str:
    """The option that names the file that a lock of Wherry's was made from; empty where it was found."""
    made_of = lock.table("tool").table("wherry").optional("lock", str)
    return f" --lock {ascii(made_of)[1:-1]}" if made_of is not None else ""


def _digest(path: Path, files: ProjectFiles) -> str:
    if path.name == "pyproject.toml":
        table = read_toml(path, files)
        project, tool = table.table("project").data, table.table("tool")
        content = {
            "project": {key: project[key] for key in _PROJECT if key in project},
            "dependency-groups": table.data.get("dependency-groups"),
            "uv": tool.data.get("uv"),
            "poetry": {
                key: value for key, value in tool.table("poetry").data.items() if key in _POETRY
            },
        }
        if pdm := {key: value for key, value in tool.table("pdm").data.items() if key in _PDM}:
            content["pdm"] = pdm
        wherry = tool.data.get("wherry")
        if isinstance(wherry, dict) and "indexes" in wherry:
            content["indexes"] = wherry["indexes"]
        data = json.dumps(content, sort_keys=True, default=str).encode()
    else:
        # Line ends are a matter of the checkout.
        data = read_bytes(path, files).replace(b"\r\n", b"\n")
    return f"sha256:{sha256(data).hexdigest()}"


def _check_satisfied(pylock: Pylock, path: Path, context: Context) -> None:
    """Check that the lock holds the dependencies that ``pyproject.toml`` beside it declares."""
    pyproject = path.parent / "pyproject.toml"
    # A named lock (`pylock.dev.toml`) may be for another purpose than the project's dependencies.
    if path.name != "pylock.toml" or not pyproject.is_file():
        return
    project = read_declared(read_toml(pyproject, context.files))
    if project.name is None or "dependencies" in project.dynamic:
        return
    locked: dict[str, list[Package]] = {}
    for package in pylock.packages:
        locked.setdefault(package.name, []).append(package)
    missing = [
        problem
        for requirement in applying(project.dependencies, context.target)
        for problem in _missing(requirement, locked)
    ]
    if missing:
        raise LockError(
            f"`{path.name}` is older than `pyproject.toml`",
            where=missing,
            hint=f"lock again with {pylock.created_by or 'the tool that made it'}",
        )


def _missing(requirement: Requirement, locked: dict[str, list[Package]]) -> Iterator[str]:
    packages = locked.get(canonicalize_name(requirement.name), [])
    versions = [package.version for package in packages if package.version is not None]
    if not packages:
        yield f"`pyproject.toml` asks for `{requirement.name}`, the lock does not have it"
    elif len(versions) == len(packages) and not any(
        requirement.specifier.contains(version, prereleases=True) for version in versions
    ):
        held = ", ".join(map(str, versions))
        yield (
            f"`pyproject.toml` asks for `{requirement.name}{requirement.specifier}`, "
            f"the lock has {held}"
        )
