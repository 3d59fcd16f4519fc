"""The project's own code as a bundle: its wheel where it has a build system, else its folder's files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wherry.errors import BuildError
from wherry.sources.declaration import normalized, read_declaration
from wherry.store.memo import memo_key
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry.bundle.bundle import Bundle
    from wherry.bundle.tree import Tree
    from wherry.context import Context
    from wherry.sources.declaration import Declaration

__all__ = ["Built", "TreeOptions", "plain_tree", "project_bundle", "project_digest"]


class Built(Struct, frozen=True):
    """The files of a source tree, as they ship.

    Attributes:
        name: of the distribution, normalized; a plain folder without metadata has its own name.
        version: None where a plain folder has none.
        digest: equal digests mean equal bundles. It is of no use on another machine.
    """

    bundle: Bundle
    name: str
    version: str | None
    digest: str


class TreeOptions(Struct, frozen=True, kw_only=True):
    """How a source tree is packaged.

    Attributes:
        include: gitignore patterns of files of the folder that ship besides, at their place in the folder.
        exclude: gitignore patterns of paths that do not ship. The wheel's ``.dist-info`` always does.
        skip: files and folders that are not part of the project, such as the one packages are written to.
        follow_links: follow symbolic links that leave the folder.
        build_project: build the folder where it names a build system; otherwise it is a plain folder.
        must_build: build the folder even if it names no build system, as is done with dependencies.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    skip: tuple[Path, ...] = ()
    follow_links: bool = False
    build_project: bool = True
    must_build: bool = False

    def declaration(self, root: Path, context: Context) -> Declaration:
        """How a folder is built by these options; errors as of ``read_declaration``."""
        return read_declaration(
            root, context.files, must_build=self.must_build, build=self.build_project
        )


def project_bundle(root: Path, options: TreeOptions, context: Context) -> Built:
    """The project's own code.

    With a build system: the files that its wheel installs, in their canonical form
    (``wherry.bundle.canonical``). The result of a hermetic build is remembered by the contents of all its inputs;
    any other is run again each time (``wherry.sources.hermetic``). Without: ``wherry.bundle.tree``.

    Raises:
        ProjectError: the folder or its ``pyproject.toml`` cannot be read.
        BuildError: the build fails, or the wheel does not run on the target.
        ContainerError: a container is needed, and there is none.
        EntryPathError, ConflictError: a file cannot stand in a package.
        SettingsError: a pattern is wrong.
        ToolError, StoreError: uv is missing; the store cannot be written.
    """
    root = Path(root).absolute()
    declaration = options.declaration(root, context)
    if declaration.backend is None:
        tree = plain_tree(declaration, options, context)
        return Built(
            bundle=tree.bundle,
            name=declaration.label,
            version=declaration.version,
            digest=tree.digest,
        )
    from wherry.bundle.bundle import Bundle
    from wherry.bundle.patterns import compile_patterns
    from wherry.sources.compiled_check import require_tags
    from wherry.sources.project_build import ProjectBuilder, read_project

    build = read_project(declaration, options.skip, context)
    source = build.source()
    host = ProjectBuilder(build, context)
    (wheel,) = context.builders.wheels([source], host=host)
    after = host.after
    key = after.key if after else context.builders.key(source) or build.key
    require_tags(wheel.filename, context.target)
    name, version = wheel.filename.split("-")[:2]
    owner = normalized(name)
    if declaration.name not in {None, owner}:
        raise BuildError(
            f"`{declaration.name}` cannot be built",
            where=[f"its backend made a wheel of another distribution: `{wheel.filename}`"],
        )
    patterns = compile_patterns(options.exclude, where="`exclude`")
    keep = None if patterns is None else (lambda path: not patterns.match(path))
    bundle = wheel.bundle(owner=owner, keep=keep)
    if options.include:
        included = plain_tree(declaration, options, context, included_only=True).bundle
        bundle = bundle.merge(Bundle.of(entry._replace(owner=owner) for entry in included))
    digest = _digest(declaration, options, key or wheel.digest, context)
    return Built(bundle=bundle, name=owner, version=version, digest=digest)


def project_digest(root: Path, options: TreeOptions, context: Context) -> str | None:
    """The digest that ``project_bundle`` would give, without building; errors as there.

    None if that is not known: the build is not hermetic, or was not prepared on this machine before.
    """
    root = Path(root).absolute()
    declaration = options.declaration(root, context)
    if declaration.backend is None:
        return plain_tree(declaration, options, context).digest
    from wherry.sources.project_build import read_project

    build = read_project(declaration, options.skip, context)
    key = context.builders.key(build.source())
    if key is None and context.builders.only_in_container:
        return None
    key = key or build.key
    return None if key is None else _digest(declaration, options, key, context)


def plain_tree(
    declaration: Declaration, options: TreeOptions, context: Context, *, included_only: bool = False
) -> Tree:
    """The files of the folder, or those that ship besides the wheel's."""
    from wherry.bundle.tree import TreeRules, included_files, read_tree

    read: Callable[..., Tree] = included_files if included_only else read_tree
    return context.files.once(
        (read, declaration.root, options),
        lambda: read(
            declaration.root,
            owner=declaration.label,
            rules=TreeRules(
                include=options.include,
                exclude=options.exclude,
                skip=options.skip,
                follow_links=options.follow_links,
            ),
            known=lambda path: (content := context.files.known(path)) and content.data,
        ),
    )


def _digest(declaration: Declaration, options: TreeOptions, contents: str, context: Context) -> str:
    """The digest of the bundle, by the key or the digest of the wheel."""
    included = ""
    if options.include:
        included = plain_tree(declaration, options, context, included_only=True).digest
    return memo_key(contents, options.exclude, options.include, included)
