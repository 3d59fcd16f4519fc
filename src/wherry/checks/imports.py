"""Checks of imports: modules and names in them that are missing, that a newer Python has removed, or that differ in case."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.checks.model import Rule
from wherry.contents.graph import Missing, absolute_name
from wherry.contents.imports import Flag, When, has_word
from wherry.contents.modules import search_path
from wherry.contents.sources import source_of
from wherry.sizes import first
from wherry.target.standard_library import last_version

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from wherry.checks.model import Finding, Severity, Subject
    from wherry.contents.model import File
    from wherry.contents.modules import Module

__all__ = ["RULES", "find"]

# What puts modules into `sys.modules`, or finders before those of Python.
_REPLACES = re.compile(
    rb"modules *(?:\[[^\n]*\] *=[^=]|\.(?:update|setdefault|pop)\b)|meta_path|path_hooks"
)

RULES = (
    Rule("IMP001", "a module that is imported when the function starts is nowhere"),
    Rule("IMP002", "a module that is imported later, or under a condition, is nowhere"),
    Rule("IMP003", "a name that is imported when the function starts is not in its module"),
    Rule("RT002", "a module of the standard library is gone from this version of Python"),
    Rule("CASE001", "a module is imported by a name that has another case than its file"),
)

# What gives a module names that its text does not show.
_OPEN = Flag.UNKNOWN | Flag.MODULES | Flag.FOLDERS | Flag.NAMES
# The bytes of text times the names that are looked for in it: more is no module that somebody wrote.
_MOST = 1 << 28


def find(subject: Subject) -> Iterator[Finding]:
    """Look at the imports that lead nowhere."""
    contents = subject.contents
    cases: dict[str, str] = {}
    for module in contents.modules:
        cases.setdefault(module.name.lower(), module.name)
    folders = _folders(contents.files)
    seen: set[str] = set()
    for missing in subject.graph.missing:
        # Compiled files for other targets have codes of their own.
        if missing.name in seen or missing.name in contents.modules.unusable:
            continue
        seen.add(missing.name)
        finding = _finding(subject, missing, cases, folders)
        if finding is not None:
            yield finding
    yield from _absent_names(subject)


def _finding(
    subject: Subject, missing: Missing, cases: Mapping[str, str], folders: Mapping[str, str]
) -> Finding | None:
    contents, name = subject.contents, missing.name
    importer = contents.modules.find(missing.importer)
    if importer is None or importer.file is None:
        return None
    owner = subject.owner(importer.file.place)
    chain = _chain_of(subject, missing)
    gone, cased = last_version(name), cases.get(name.lower())
    instead = f" in place of `{missing.instead}`" if missing.instead else ""
    code, hint = "IMP001", f"add the distribution that has `{name}` to the dependencies"
    message = f"`{missing.importer}` imports `{name}`{instead}, which is neither in the package nor in the runtime{chain}"
    if gone is not None:
        code = "RT002"
        message = f"`{missing.importer}` imports `{name}`, which Python no longer has since {_next(gone)}{chain}"
        hint = f"take a newer version of `{owner}`, or a runtime up to python{gone}"
        if owner == subject.name:
            hint = f"replace `{name}`, or take a runtime up to python{gone}"
    elif cased is not None:
        code = "CASE001"
        message = f"`{missing.importer}` imports `{name}`, and the package has `{cased}`{chain}"
        hint = f"write `import {cased}`: upper and lower case differ on Lambda, unlike on macOS and Windows"
    elif _is_told(subject, owner, name):
        # That a distribution is absent says more.
        return None
    elif name.startswith("."):
        message = f"`{missing.importer}` imports `{name}`, which leads out of all packages{chain}"
        hint = f"write `import {name.lstrip('.') or '…'}`, or name the handler as a module of its package"
    elif "." in name:
        hint = _hint_of_submodule(subject, name)
    elif inner := contents.modules.folders_of(name):
        hint = f"it lies in `{inner[0].replace('.', '/')}/`, where Python does not look: move it to the root"
    elif place := folders.get(name):
        searched = ", ".join(search_path(contents.target))
        hint = f"it lies in `{place}`, and Python looks in: {searched}"
    severity = _severity_at_start(subject, missing, code)
    if missing.when is not When.INIT:
        code = "IMP002" if code == "IMP001" else code
        # Distributions have many that are never needed.
        lazy = missing.when is When.LAZY and owner == subject.name
        severity = "warning" if lazy else "note"
    if severity is None:
        return None
    return subject.finding(code, severity, message, hint, file=importer.file, line=missing.line)


def _hint_of_submodule(subject: Subject, name: str) -> str:
    """The hint for a module that its package lacks."""
    above = subject.contents.modules.find(name.rpartition(".")[0])
    if above is None or above.file is None:
        return f"add the distribution that has `{name}` to the dependencies"
    owner = subject.owner(above.file.place)
    if owner != subject.name:
        return f"`{above.file.path}` of `{owner}` is there without it: take versions that fit each other"
    return f"`{above.file.path}` is there without it: a setting such as `exclude` may leave it out, or it was not made yet"


def _folders(files: Mapping[str, File]) -> dict[str, str]:
    """The folders on Lambda that are no packages, by the names of the modules and packages in them."""
    folders: dict[str, str] = {}
    for place in files:
        if place.endswith(".py"):
            folder, _, name = place.removesuffix("/__init__.py").rpartition("/")
            if f"{folder}/__init__.py" not in files:
                folders.setdefault(name.removesuffix(".py"), folder)
    return folders


def _is_told(subject: Subject, owner: str, name: str) -> bool:
    """Whether the requirement that brings a module is told to be absent."""
    absent = subject.contents.absent.get(owner, ())
    plain = (each.replace("-", "_").removeprefix("python_") for each in absent)
    return len(absent) == 1 or name.lower() in plain


def _severity_at_start(subject: Subject, missing: Missing, code: str) -> Severity | None:
    """The severity of an import at init; None if the module may be created in another way."""
    contents = subject.contents
    if not contents.options.complete:
        return "note"
    for reached in contents.init_graph.reached.values():
        flags = contents.imports(reached.module).flags
        if flags & Flag.MODULES and any(
            _names(reached.module, name) for name in (missing.name, missing.instead) if name
        ):
            return None
        if (
            flags & (Flag.PATH | Flag.MODULES)
            and _is_beside(reached.module, missing.name)
            # A module that is there has to be replaced.
            and (code != "IMP003" or _mentions(reached.module, _REPLACES))
        ):
            # As `tlz` does, which has a finder of its own.
            return None
        file = reached.module.file
        if flags & Flag.PATH and file is not None and contents.owner_of(file.place) is None:
            # Own code that changes the search path knows why.
            return "note"
    if any(
        contents.imports(module).flags & Flag.PATH
        for module in map(contents.modules.find, _with_parents(missing.importer))
        if module is not None
    ):
        # As `pkg_resources` does, for what it brings along.
        return "note"
    if not contents.is_certain or (code != "CASE001" and contents.modules.folders_of(missing.name)):
        return "warning"
    return "error"


def _with_parents(name: str) -> list[str]:
    """A module and the packages that it lies in."""
    parts = name.split(".")
    return [".".join(parts[:number]) for number in range(len(parts), 0, -1)]


def _is_beside(module: Module, name: str) -> bool:
    """Whether a dotted name is of the same top-level package as a module."""
    return "." in name and module.name.partition(".")[0] == name.partition(".")[0]


def _names(module: Module, name: str) -> bool:
    """Whether a module that changes ``sys.modules`` mentions a name in quotes."""
    return _mentions(module, re.compile(rb"['\"]" + re.escape(name.encode()) + rb"\b"))


def _mentions(module: Module, pattern: re.Pattern[bytes]) -> bool:
    if module.file is None:
        return False
    source = source_of(module.file)
    return source is None or pattern.search(source) is not None


def _chain_of(subject: Subject, missing: Missing) -> str:
    """The modules from the handler to what is missing, in brackets; empty where the handler itself imports it."""
    names = subject.graph.chain(missing.importer)
    return f" ({' → '.join([*names, missing.name])})" if len(names) > 1 else ""


def _next(version: str) -> str:
    major, minor = version.split(".")
    return f"{major}.{int(minor) + 1}"


def _absent_names(subject: Subject) -> Iterator[Finding]:
    """The names that are imported for certain and are not in the texts of their modules.

    Versions of distributions that do not fit each other fail so: ``cannot import name``.
    """
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
        for name in _absent_of(subject, base, names):
            told.setdefault(names[name].importer, []).append(name)
        for absent in told.values():
            yield from _of_names(subject, base, absent, names[absent[0]])


def _absent_of(subject: Subject, base: str, names: Collection[str]) -> Iterator[str]:
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
    text = source_of(module.file) if module.file is not None else b""
    if text is None:
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


def _of_names(subject: Subject, base: str, names: list[str], missing: Missing) -> Iterator[Finding]:
    contents, table = subject.contents, subject.contents.modules
    importer, module = table.find(missing.importer), table.find(base)
    chain = contents.init_graph.chain(missing.importer)
    severity = _severity_at_start(subject, missing, "IMP003")
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
    yield subject.finding(
        "IMP003",
        severity,
        f"`{missing.importer}` imports {first([f'`{name}`' for name in names], 3)} from `{base}`, and neither "
        f"{where} nor a module has {'it' if len(names) == 1 else 'them'}{_chain_of(subject, missing)}",
        hint,
        file=importer.file,
        line=missing.line,
    )
