"""Suggestions that would make a package smaller, each with the bytes that it is about and the line of settings that does it.

All are measured in the package: what its files take in the zip file, their headers included. What no import from the
handler on reaches is told as far as that is known.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.contents.model import is_compiled_name
from wherry.contents.services import CREDENTIALS, SDKS, data_of, service_uses
from wherry.contents.sources import source_of
from wherry.contents.unneeded import HEADERS, STUBS, paths_of_tests
from wherry.errors import WherryError
from wherry.inspect.replacements import find_debugging, find_replacements
from wherry.inspect.saving import SMALLEST, Present, suggestion, toml_list
from wherry.sizes import first
from wherry.target.provided import provided_distributions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from wherry.contents.distributions import Installed
    from wherry.inspect.measure import Measured
    from wherry.inspect.model import FileSize, Inspected, Suggestion

__all__ = ["find_suggestions"]

_MOST_NAMED = 8
_SPECIAL = re.compile(r"([\\*?\[\]!#])")


def find_suggestions(
    measured: Sequence[Measured], package: Inspected, present: Present
) -> tuple[Suggestion, ...]:
    """The suggestions for a package, those first that save most; a layer is measured with each of its functions."""
    finders: tuple[Callable[[Sequence[Measured], Inspected, Present], Iterable[Suggestion]], ...] = (
        _unneeded, _provided, _services, _excluded, _duplicates, find_replacements, find_debugging,
    )  # fmt: skip
    found = [each for finder in finders for each in finder(measured, package, present)]
    return tuple(
        sorted(
            (each for each in found if each.size >= SMALLEST),
            key=lambda each: (-each.size, each.text),
        )
    )


def _seen_path(package: Inspected, file: FileSize) -> str:
    """The path that patterns of settings match: in layers that which Python sees."""
    if package.kind != "layer":
        return file.path
    return re.sub(r"^python/(?:lib/python3\.\d+/site-packages/)?", "", file.path)


def _unneeded(
    measured: Sequence[Measured], package: Inspected, present: Present
) -> Iterator[Suggestion]:
    """Tests, stubs and headers of distributions: what the setting ``slim`` leaves out."""
    files = [file for file in package.files if file.owner != measured[0].own_name]
    kinds = {
        "stubs": {file.path for file in files if file.path.endswith(STUBS)},
        "headers": {file.path for file in files if file.path.endswith(HEADERS)},
    }
    if paths_of_tests((file.path for file in files), (), package.kind):
        reached = _reached(measured[0], package)
        tests = paths_of_tests((file.path for file in files), reached, package.kind)
        kinds = {"tests": tests, **kinds}
    named: list[str] = []
    goes: set[str] = set()
    for kind, paths in kinds.items():
        files_of_kind = [file for file in files if file.path in paths - goes]
        if suggestion("", files_of_kind, "").size >= SMALLEST:
            named.append(kind)
            goes |= paths
    if named:
        which = f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else named[0]
        more = ", which nothing imports" if "tests" in named else ""
        yield suggestion(
            f"{which} of distributions{more}",
            (file for file in files if file.path in goes),
            toml_list("slim", [*present.of("slim"), *named]),
        )


def _reached(measured: Measured, package: Inspected) -> set[str]:
    """The places of the modules that a function imports, or that importing a layer does."""
    contents = measured.alone(package)
    return {
        each.module.file.place
        for each in contents.graph.reached.values()
        if each.module.kind == "source" and each.module.file is not None
    }


def _provided(
    measured: Sequence[Measured], package: Inspected, present: Present
) -> Iterator[Suggestion]:
    """boto3 with all that it needs, if the runtime has that: all or nothing, as the setting wants it."""
    runtime, requirements = measured[0].contents.target.runtime, measured[0].requirements
    names = {each.name for each in package.distributions}
    if "boto3" not in names:
        return
    goes = ["boto3"]
    for name in goes:  # grows meanwhile
        goes += [each for each in requirements.get(name, ()) if each not in goes]
    shared = {
        target
        for name, targets in requirements.items()
        if name not in goes
        for target in targets
        if target in goes
    }
    if {*goes} <= provided_distributions(runtime):
        yield suggestion(
            f"boto3 and what it needs: {runtime.name} has its own, in versions that AWS chooses",
            (file for file in package.files if file.owner in goes),
            toml_list("provided", [*present.of("provided"), "boto3", *sorted(shared - {"boto3"})]),
        )


def _excluded(
    measured: Sequence[Measured], package: Inspected, present: Present
) -> Iterator[Suggestion]:
    """Distributions that nothing imports and nothing requires that is imported, and those that a layer has, too."""
    contents = measured[0].contents
    if package.kind != "function":
        return
    unreached = [
        each.name
        for each in package.distributions
        if contents.is_certain
        and each.loaded == "unreached"
        and each.name != measured[0].own_name
        and not _has_plugins(contents.distribution(each.name))
    ]
    elsewhere = {
        (each.name, each.version) for each in contents.distributions if each.part != package.name
    }
    twice = [
        each.name
        for each in package.distributions
        if each.name not in unreached and (each.name, each.version) in elsewhere
    ]
    texts = []
    if unreached:
        texts.append("distributions that neither the handler nor anything that it imports needs")
    if twice:
        texts.append(f"distributions that a layer has, too ({_several(twice)})")
    if texts:
        yield suggestion(
            ", and ".join(texts),
            (file for file in package.files if file.owner in {*unreached, *twice}),
            present.prefix
            + toml_list("exclude", [*present.of("exclude"), *sorted([*unreached, *twice])]),
        )


def _has_plugins(distribution: Installed | None) -> bool:
    """Whether others may find a distribution by its entry points; or whether that is not known."""
    if distribution is None:
        return True
    file = distribution.info.get("entry_points.txt")
    if file is None:
        return False
    try:
        text = file.read(most=1 << 16).decode(errors="replace")
    except WherryError:
        return True
    groups = set(re.findall(r"^\s*\[([^\]\n]*)\]", text, re.MULTILINE))
    return not groups <= {"console_scripts", "gui_scripts"}


def _duplicates(
    measured: Sequence[Measured], package: Inspected, present: Present
) -> Iterator[Suggestion]:
    """Own data of the same content under several paths, and copies of libraries that are loaded under another."""
    same: dict[tuple[int, int], list[FileSize]] = {}
    for file in package.files:
        if file.unzipped_size >= SMALLEST:
            same.setdefault((file.crc, file.unzipped_size), []).append(file)
    copies: list[FileSize] = []
    kept: list[FileSize] = []
    for files in same.values():
        loaded = [file for file in files if file.loaded in {"init", "lazy"}]
        # Distributions open their data by their paths.
        own = [file for file in files if file.owner == measured[0].own_name and not file.loaded]
        compiled = [file for file in files if is_compiled_name(file.path) and file not in loaded]
        goes = compiled if loaded else own if len(own) < len(files) else own[1:]
        copies += goes
        kept += [file for file in files if file not in goes][:1] if goes else []
    if copies:
        patterns = [_pattern(_seen_path(package, file)) for file in copies]
        yield suggestion(
            f"files of the same content as {_several([f'`{file.path}`' for file in kept])}, if no code opens them",
            copies,
            present.prefix + toml_list("exclude-files", [*present.of("exclude-files"), *patterns]),
        )


def _pattern(path: str) -> str:
    """The pattern of .gitignore that is this path alone."""
    return "/" + _SPECIAL.sub(r"\\\1", path)


def _several(names: Sequence[str]) -> str:
    return first(names, _MOST_NAMED)


def _services(
    measured: Sequence[Measured], package: Inspected, present: Present
) -> Iterator[Suggestion]:
    """The descriptions that ``botocore-services`` leaves out; none where a call does not tell its service."""
    data: dict[str, list[FileSize]] = {}
    for file in package.files:
        if file.owner == "botocore" and (service := data_of(file.path)) is not None:
            data.setdefault(service, []).append(file)
    known = all(each.contents.is_certain for each in measured) and present.complete
    if not data or not known or present.of("botocore-services"):
        return
    used: set[str] = set()
    for each in measured:
        services = _used(each)
        if services is None:
            return
        used |= services & set(data)
    if not used:
        return
    kept = {*used, *CREDENTIALS}
    yield suggestion(
        f"descriptions of AWS services other than {', '.join(sorted(used))}, which no code asks for by name",
        (file for name, files in data.items() if name not in kept for file in files),
        toml_list("botocore-services", sorted(used)),
    )


def _used(measured: Measured) -> set[str] | None:
    """The services that sources ask for: own ones, those of distributions that need botocore, and others that are reached.

    None if unknown.
    """
    needing = {
        name
        for name, targets in measured.requirements.items()
        if {"boto3", "botocore", "aiobotocore"} & set(targets)
    } - SDKS
    reached = {
        each.module.file.place
        for each in measured.contents.graph.reached.values()
        if each.module.file is not None
    }
    used: set[str] = set()
    for file in measured.contents.files.values():
        owner = measured.owner(file)
        if (
            not file.path.endswith(".py")
            or owner in SDKS
            or (owner not in {*needing, measured.own_name} and file.place not in reached)
        ):
            continue
        source = source_of(file)
        if source is None:
            return None
        for use in service_uses(source):
            if use.service is None:
                return None
            used.add(use.service)
    return used
