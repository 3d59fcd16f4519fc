"""Checks of compiled files: the machine, the C library, the versions of symbols, and missing libraries.

A file is judged where init loads it: many distributions hold files for other systems that are never loaded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.checks.model import Rule
from wherry.contents.imports import When
from wherry.contents.model import is_compiled_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wherry.checks.model import Finding, Severity, Subject
    from wherry.contents.model import File
    from wherry.elf.proof import ObstacleKind
    from wherry.target.libraries import Provision

__all__ = ["RULES", "find"]

RULES = (
    Rule("ELF001", "a compiled file is for another machine or system, or is damaged"),
    Rule("ELF002", "a compiled file needs newer libraries than the runtime has"),
    Rule("ELF003", "a compiled file needs a library that is nowhere"),
    Rule("ELF004", "a compiled file is for musl, and the runtime has glibc"),
    Rule("ELF005", "an extension module is for another version of Python"),
)

_CODES: dict[ObstacleKind, str] = {
    "damaged": "ELF001",
    "machine": "ELF001",
    "musl": "ELF004",
    "version": "ELF002",
}
_SYSTEMS = {"mach-o": "macOS", "pe": "Windows"}
_SEVERITIES: dict[When, Severity] = {
    When.INIT: "error",
    When.GUARDED: "note",
    When.LAZY: "warning",
}
_TAG = re.compile(r"\.(?:cpython-|cp|pypy)(\d)(\d+)t?-?[^.]*")
_HINTS = {
    "ELF001": "package for {target}: Wherry takes the wheels of the target, whatever machine it runs on",
    "ELF002": "pin a version that has a wheel for an older `manylinux`, or build it in a container",
    "ELF003": "take a variant that does without it, such as `-headless`; or ship the library in `lib/` of a layer, "
    'or say that the runtime has it: [tool.wherry.runtimes."{runtime}"] libraries = [{library}]',
    "ELF004": "take the `manylinux` wheel in place of the `musllinux` one",
    "ELF005": "package for {runtime}, with wheels of that version of Python",
}


def find(subject: Subject) -> Iterator[Finding]:
    """Look at the compiled files that imports load, then at those of the project itself."""
    yield from _unusable(subject)
    told: set[tuple[str, str]] = set()
    for reached in subject.graph.reached.values():
        module = reached.module
        if module.kind != "extension" or module.file is None:
            continue
        severity = _SEVERITIES[reached.when]
        chain = subject.graph.chain(module.name)
        for finding in _of_file(subject, module.file, severity, chain):
            if (finding.code, finding.where) not in told:
                told.add((finding.code, finding.where))
                yield finding
    yield from _programs(subject)


def _unusable(subject: Subject) -> Iterator[Finding]:
    """Modules of which there are only files that this Python does not load."""
    contents = subject.contents
    told: set[str] = set()
    for missing in subject.graph.missing:
        files = contents.modules.unusable.get(missing.name)
        if not files or missing.name in told:
            continue
        told.add(missing.name)
        code, reason = _reason(subject, files)
        names = ", ".join(f"`{file.name}`" for file in files[:3])
        chain = [*subject.graph.chain(missing.importer), missing.name]
        severity = _SEVERITIES[missing.when]
        yield _finding(
            subject,
            files[0],
            code=code,
            severity=severity,
            message=f"there is only {names} of the module `{missing.name}`: {reason} ({' → '.join(chain)})",
        )


def _reason(subject: Subject, files: Sequence[File]) -> tuple[str, str]:
    """The code and the reason why none of these files is loaded."""
    target = subject.contents.target
    name = files[0].name
    if "-musl" in name:
        return "ELF004", "it is for musl, and the runtime has glibc"
    if "darwin" in name or name.endswith((".pyd", ".dylib")):
        system = "Windows" if name.endswith(".pyd") else "macOS"
        return "ELF001", f"it is for {system}"
    tag = _TAG.search(name)
    if tag is not None and (int(tag[1]), int(tag[2])) != target.runtime.python:
        return (
            "ELF005",
            f"it is for Python {tag[1]}.{tag[2]}, and the runtime has {target.runtime.python_version}",
        )
    return "ELF001", f"it is not for {target.architecture.machine}"


def _of_file(
    subject: Subject, file: File, severity: Severity, modules: Sequence[str]
) -> Iterator[Finding]:
    """The findings in an extension module and the libraries of the package that it needs."""
    compiled = subject.contents.compiled
    missing: dict[str, tuple[str, Provision]] = {}
    for chain in compiled.needed_by(file).values():
        each = chain[-1]
        facts = compiled.facts(each)
        links = [link.name for link in chain[1:]]
        via = " → ".join([*modules, *links])
        if facts.format in _SYSTEMS:
            message = f"it is for {_SYSTEMS[facts.format]}, not for Linux ({via})"
            yield _finding(subject, each, code="ELF001", severity=severity, message=message)
        if facts.format == "other" and not each.is_link:
            message = f"it holds no machine code, as a pointer of Git LFS does not ({via})"
            yield _finding(subject, each, code="ELF001", severity=severity, message=message)
        for obstacle in facts.obstacles:
            code = _CODES[obstacle.kind]
            message = f"{obstacle.text} ({via})"
            yield _finding(subject, each, code=code, severity=severity, message=message)
        if not facts.obstacles:
            for library in compiled.libraries(each):
                if library.provision != "there":
                    by = f"`{library.name}`" + (f" (for {' → '.join(links)})" if links else "")
                    missing.setdefault(library.name, (by, library.provision))
    judgements: tuple[tuple[Provision, Severity], ...] = (("absent", severity), ("unknown", "note"))
    for provision, judged in judgements:
        libraries = {name: by for name, (by, found) in missing.items() if found == provision}
        if libraries:
            yield _missing(subject, file, libraries, judged, " → ".join(modules))


def _missing(
    subject: Subject,
    file: File,
    libraries: Mapping[str, str],
    severity: Severity,
    via: str,
) -> Finding:
    names = ", ".join(libraries.values())
    known = "is not known to have" if severity == "note" else "does not have"
    if not subject.contents.options.complete:
        severity = "note"
    return _finding(
        subject,
        file,
        code="ELF003",
        severity=severity,
        message=f"it needs {names}, which {subject.contents.target.runtime.name} {known} ({via})",
        library=", ".join(f'"{name}"' for name in libraries),
    )


def _programs(subject: Subject) -> Iterator[Finding]:
    """Compiled files of the project itself that are for other machines alone."""
    contents = subject.contents
    files = [
        file
        for file in contents.own_files
        if is_compiled_name(file.name) or (file.executable and "." not in file.name)
    ]
    reached = {
        each.module.file.place for each in subject.graph.reached.values() if each.module.file
    }
    suitable = {file.name for file in files if not contents.compiled.facts(file).obstacles}
    for file in files:
        facts = contents.compiled.facts(file)
        if file.place in reached or file.name in suitable or facts.format != "elf":
            continue
        for obstacle in facts.obstacles:
            yield _finding(
                subject,
                file,
                code=_CODES[obstacle.kind],
                severity="warning",
                message=obstacle.text,
            )


def _finding(
    subject: Subject,
    file: File,
    *,
    code: str,
    severity: Severity,
    message: str,
    library: str = "",
) -> Finding:
    target = subject.contents.target
    return subject.finding(
        code,
        severity,
        message,
        _HINTS[code].format(target=target, runtime=target.runtime.name, library=library),
        file=file,
    )
