"""A check of names that modules import from others, which do not have them.

Versions of distributions that do not fit each other fail so: ``cannot import name``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.checks.imports import chain_of, severity_at_start
from wherry.checks.model import Finding, Rule
from wherry.contents.graph import Missing, absolute_name
from wherry.contents.imports import LARGEST_SOURCE, Flag, When, has_word
from wherry.errors import WherryError
from wherry.sizes import first

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from wherry.checks.model import Subject

__all__ = ["RULES", "find"]

RULES = (Rule("IMP003", "a name that is imported when the function starts is not in its module"),)

# What gives a module names that its text does not show.
_OPEN = Flag.UNKNOWN | Flag.MODULES | Flag.FOLDERS | Flag.NAMES
# The bytes of text times the names that are looked for in it: more is no module that somebody wrote.
_MOST = 1 << 28


def find(subject: Subject) -> Iterator[Finding]:
    """Look for the names that are imported for certain in the texts of their modules."""
    wanted: dict[str, dict[str, Missing]] = {}
    contents = subject.contents
    for reached in contents.init_graph.reached.values():
        importer = reached.module
        for each in contents.imports(importer).imports:
            base = absolute_name(each, importer)
            if each.when is When.INIT and base:
                for name in each.names:
                    full = f"{base}.{name}"
                    missing = Missing(
                        name=full, importer=importer.name, line=each.line, when=When.INIT
                    )
                    wanted.setdefault(base, {}).setdefault(name, missing)
    for base, names in wanted.items():
        told: dict[str, list[str]] = {}
        for name in _absent(subject, base, names):
            told.setdefault(names[name].importer, []).append(name)
        for absent in told.values():
            yield from _findings(subject, base, absent, names[absent[0]])


def _absent(subject: Subject, base: str, names: Collection[str]) -> Iterator[str]:
    """The names that are neither modules nor words in the text of a module; what follows a dot is another object's."""
    contents, table = subject.contents, subject.contents.modules
    module = table.find(base)
    if module is None or base in table.unusable:
        return
    if module.file is None and base.partition(".")[0] in contents.provided:
        return
    if module.file is not None and module.file.size * len(names) > _MOST:
        return
    facts = contents.imports(module)
    if facts.flags & _OPEN or any("*" in each.names for each in facts.imports):
        return
    try:
        text = module.file.read(most=LARGEST_SOURCE) if module.file is not None else b""
    except WherryError:
        return
    for name in names:
        full = f"{base}.{name}"
        # Python itself sets names with underscores, and reads `ﬁ` as `fi`.
        if (
            name != "*"
            and name.isascii()
            and not name.startswith("__")
            and not has_word(text, name)
            and table.find(full) is None
            and full not in table.unusable
        ):
            yield name


def _findings(subject: Subject, base: str, names: list[str], missing: Missing) -> Iterator[Finding]:
    contents, table = subject.contents, subject.contents.modules
    importer, module = table.find(missing.importer), table.find(base)
    chain = contents.init_graph.chain(missing.importer)
    severity = severity_at_start(subject, missing, "IMP003")
    if (
        importer is None
        or importer.file is None
        or severity is None
        # A text that is not understood may be meant for another version of Python.
        or not all(contents.parses(contents.init_graph.reached[each].module) for each in chain)
    ):
        return
    owner = subject.owner(importer.file.place)
    hint = f"add the distribution that has `{missing.name}` to the dependencies"
    where = "the folder"
    if module is not None and module.file is not None:
        other, where = subject.owner(module.file.place), f"`{module.file.path}`"
        hint = f"take versions of `{owner}` and `{other}` that fit each other"
        if other == owner:
            hint = f"define `{names[0]}` there, or ship the module of that name"
    yield Finding(
        code="IMP003",
        severity=severity,
        package=importer.file.part,
        where=f"{importer.file.path}:{missing.line}",
        message=f"`{missing.importer}` imports {first([f'`{name}`' for name in names], 3)} from `{base}`, and neither "
        f"{where} nor a module has {'it' if len(names) == 1 else 'them'}{chain_of(subject, missing)}",
        hint=hint,
        owner=owner,
    )
