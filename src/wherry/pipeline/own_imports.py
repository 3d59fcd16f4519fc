"""The key of what a function reaches: the files of dependencies, and the imports, but not the text, of own modules.

An answer that is remembered by this key holds through edits that change no import and take away nothing that is
imported, and no dependency is read for it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from wherry.compose.model import own_owners
from wherry.contents.facts import HOST
from wherry.contents.imports import LARGEST_SOURCE, has_word, is_too_large
from wherry.contents.model import file_of_entry
from wherry.contents.sources import source_facts
from wherry.store.memo import memo_key
from wherry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.bundle.bundle import Bundle
    from wherry.compose.model import Package
    from wherry.contents.imports import Import
    from wherry.contents.model import File
    from wherry.context import Context

__all__ = ["imports_key"]


def imports_key(packages: Sequence[Package], label: str, context: Context) -> str:
    """The key of what is found out about a function with its layers, or a layer, by the imports in it.

    Args:
        packages: the function's, and those of its layers.
        label: a name for them that stays the same.
        context: of the run.
    """
    owners = own_owners(packages)
    own: list[File] = []
    others: list[str] = []
    for package in packages:
        modules, digest = _files(package, owners, context)
        own += modules
        others.append(digest)
    facts = source_facts(context.target.runtime, lambda _: True)
    facts.attach(context.store, {"": own}, {"": label})
    imports = [
        [file.place, facts.of(file).flags, _without_lines(facts.of(file).imports)] for file in own
    ]
    facts.remember()
    absent = _absent({file: facts.of(file).imports for file in own})
    package = packages[0]
    return memo_key(
        __version__,
        HOST,
        repr(context.target),
        package.handler,
        package.layers,
        [one.name for one in package.provided],
        others,
        imports,
        absent,
    )


def _absent(imports: Mapping[File, Sequence[Import]]) -> list[tuple[str, list[str]]]:
    """The names that own modules may import from each other, where their texts do not have them."""
    wanted: dict[str, set[str]] = {}
    for file, each in imports.items():
        folders = ["", *file.path.split("/")[:-1]]
        for one in each:
            # The last part of the module's name: of a package, the name of its folder.
            last = one.module.rpartition(".")[2] or folders[-one.level :][0]
            wanted.setdefault(last, set()).update(one.names)
    found = []
    for file in imports:
        *folders, name = file.path.removesuffix(".py").split("/")
        names = wanted.get(name if name != "__init__" else folders[-1] if folders else "")
        if names and not is_too_large(text := file.read(most=LARGEST_SOURCE)):
            found.append((file.place, sorted(each for each in names if not has_word(text, each))))
    return found


def _files(
    package: Package, owners: frozenset[str], context: Context
) -> tuple[Sequence[File], str]:
    """The own modules of a package, and a digest of its other files; several functions may share a layer."""

    def find() -> tuple[Bundle, Sequence[File], str]:
        own, others = [], [package.kind]
        for entry in package.bundle:
            if "__pycache__/" in entry.path:
                # It follows from its source.
                continue
            if entry.owner in owners and entry.path.endswith(".py"):
                own.append(file_of_entry(entry, package))
            else:
                others.append(f"{entry.path}\0{entry.payload.crc}")
        return package.bundle, own, hashlib.sha256("\n".join(others).encode()).hexdigest()

    # The bundle is kept beside, so that no other one gets its identity.
    key = ("files by owners", id(package.bundle), owners)
    _, own, digest = context.files.once(key, find)
    return own, digest


def _without_lines(imports: Sequence[Import]) -> list[list[object]]:
    """Imports without their lines, which every edit moves."""
    modules = {each.line: each.module for each in imports}
    return [
        [each.when, each.level, each.module, each.names, modules.get(each.instead)]
        for each in imports
    ]
