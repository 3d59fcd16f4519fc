"""The inputs that decide the files that a source tree ships, known without building it, and the same on every machine.

Of a plain folder these are the files that ship. Of a project with a build system they are all files that its backend
could ship, the parts of ``pyproject.toml`` that it reads, and its build requirements as they are written. Locks and
Wherry's own settings do not count, nor do files that git ignores, unless they lie beside modules.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from wherry.errors import DigestError, WherryError
from wherry.files import read_regular
from wherry.lock.formats import LockFormat
from wherry.sources.backends.interface import keys, texts
from wherry.store.memo import memo_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wherry.bundle.bundle import Bundle
    from wherry.context import Context
    from wherry.sources.declaration import Declaration
    from wherry.sources.inputs import InputFile
    from wherry.sources.project import TreeOptions
    from wherry.sources.project_build import ProjectBuild

__all__ = ["ProjectInputs", "read_project_inputs"]

_DESCRIPTION = "pyproject.toml"
# Those that set a version or other settings of a build.
_VARIABLES = re.compile(
    r"(SETUPTOOLS|PBR|VCS_VERSIONING|PDM_BUILD|HATCH_BUILD|HATCH_METADATA|HATCH_VCS|UV_BUILD)_\w+|DIST_EXTRA_CONFIG"
)
_LOCKS = [each.value for each in LockFormat if each not in {LockFormat.PYPROJECT, LockFormat.SETUP}]
# Settings by which backends that leave out what git ignores ship it all the same.
_SHIP_IGNORED = {
    "hatch": {"artifacts", "ignore-vcs", "force-include", "include"},
    "poetry": {"include", "packages"},
}


class ProjectInputs(NamedTuple):
    """The inputs that decide the files of a source tree.

    Attributes:
        digest: equal digests give equal files.
        files: the files that count, sorted.
    """

    digest: str
    files: tuple[Path, ...]


def read_project_inputs(root: Path, options: TreeOptions, context: Context) -> ProjectInputs:
    """Read a source tree; arguments and errors as ``wherry.sources.project.project_bundle``.

    Raises:
        DigestError: more than its files decides what a build gives.
    """
    from wherry.sources.project import plain_tree
    from wherry.sources.project_build import read_project

    root = root.absolute()
    declaration = options.declaration(root, context)
    if declaration.backend is None:
        tree = plain_tree(declaration, options, context)
        return ProjectInputs(tree.digest, tuple(_sources(tree.bundle)))
    build = read_project(declaration, options.skip, context)
    if build.hermeticity.reason is not None:
        raise DigestError(
            f"what `{declaration.label}` is made of is not known without building it",
            where=[build.hermeticity.reason],
            hint="compare packages after a build instead: `wherry build --json` has their `code_sha256`",
        )
    counted = [file for file in build.inputs.files if file.path != _DESCRIPTION]
    counted = list(_without_ignored(_without_locks(counted, declaration), build, options))
    included, more = "", []
    if options.include:
        tree = plain_tree(declaration, options, context, included_only=True)
        included, more = tree.digest, list(_sources(tree.bundle))
    described = [root / _DESCRIPTION] if (root / _DESCRIPTION).is_file() else []
    digest = memo_key(
        declaration.backend,
        context.build_rules.requires(declaration.requires, declaration.label),
        *context.build_rules.facts(declaration.label),
        _description(declaration, context),
        _version_from_git(build),
        {name: value for name, value in os.environ.items() if _VARIABLES.fullmatch(name)},
        _digest(counted),
        options.exclude,
        options.include,
        included,
    )
    files = {*described, *more, *(file.source for file in counted)}
    return ProjectInputs(digest, tuple(sorted(files)))


def _sources(bundle: Bundle) -> Iterator[Path]:
    from wherry.bundle.entry import SourceFile

    return (each.payload.path for each in bundle if isinstance(each.payload, SourceFile))


def _digest(files: list[InputFile]) -> str:
    """A digest of paths, of whether the owner may execute each, and of contents."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.path}\0{bool(file.mode & 0o100):d}{file.sha256}\n".encode())
    return digest.hexdigest()


def _description(declaration: Declaration, context: Context) -> str:
    """The part of ``pyproject.toml`` that a backend reads: neither comments nor Wherry's settings."""
    document = declaration.document
    if any(_DESCRIPTION in text for text in texts(dict(document))):
        # It may ship.
        return context.files.digest(declaration.root / _DESCRIPTION)
    kept = {"project": declaration.project, "tool": _tools(declaration)}
    return json.dumps(kept, sort_keys=True, default=str)


def _tools(declaration: Declaration) -> dict[str, Any]:
    """The tables of ``[tool]`` but for Wherry's."""
    return {name: table for name, table in declaration.tool().items() if name != "wherry"}


def _version_from_git(build: ProjectBuild) -> str:
    from wherry.tools.git import described_version

    return described_version(build.declaration.root) if build.hermeticity.asks_git else ""


def _without_locks(files: list[InputFile], declaration: Declaration) -> list[InputFile]:
    """The files without the locks in the project's folder, as long as no build setting names them."""
    mentioned = _words(declaration)
    return [
        file
        for file in files
        if file.path in mentioned
        or not (file.path == "wherry.toml" or any(each.has_name(file.path) for each in _LOCKS))
    ]


def _words(declaration: Declaration) -> set[str]:
    """The words of the settings of a build."""
    found = [*texts(dict(declaration.project)), *texts(_tools(declaration))]
    setup_cfg = declaration.root / "setup.cfg"
    if setup_cfg.is_file():
        found.append(read_regular(setup_cfg).decode(errors="replace"))
    return set(re.findall(r"[\w.-]+", "\n".join(found)))


def _without_ignored(
    files: list[InputFile], build: ProjectBuild, options: TreeOptions
) -> Iterator[InputFile]:
    """The files without those that git ignores and the backend does not ship."""
    from wherry.bundle.tree import TreeRules, tree_files

    declaration = build.declaration
    if not any(file.path.rpartition("/")[2] == ".gitignore" for file in files):
        yield from files
        return
    rules = TreeRules(skip=options.skip, follow_links=True, everything=True)
    try:
        kept = {each.path for each in tree_files(declaration.root, owner="project", rules=rules)}
    except WherryError:
        # A link that leads nowhere, say.
        yield from files
        return
    module = (declaration.backend or "").partition(".")[0].replace("hatchling", "hatch")
    ships = _SHIP_IGNORED.get(module)
    never = ships is not None and not (keys(declaration.tool(module)) & ships)
    modules = {path.partition("/")[0] for path in kept if path.endswith((".py", ".pyi"))}
    words = _words(declaration)
    for file in files:
        top, slash, _ = file.path.partition("/")
        beside_modules = bool(slash) and (top in modules or top in words)
        if (
            file.path in kept
            or top == ".."
            or (not never and (beside_modules or file.path in words))
        ):
            yield file
