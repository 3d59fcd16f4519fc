"""From TOML tables to the settings' model. Everything that is wrong is reported at once, with its key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from wherry.errors import SettingsError
from wherry.problems import Problems
from wherry.settings import values
from wherry.settings.consistency import check_consistency
from wherry.settings.model import (
    ContentSettings,
    FunctionSettings,
    HookSettings,
    LayerSettings,
    QuotaSettings,
    Settings,
)
from wherry.settings.tables import add_unknown, read_table
from wherry.target import RUNTIMES, Runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wherry.indexes.declared import DeclaredIndex
    from wherry.settings.container_options import ContainerOptions
    from wherry.settings.stages import StageSettings

    Content = TypeVar("Content", bound=ContentSettings)

__all__ = [
    "CONTENT_READERS",
    "FUNCTION_READERS",
    "HOOK_READERS",
    "LAYER_READERS",
    "QUOTA_READERS",
    "READERS",
    "RUNTIME_KEYS",
    "TABLES",
    "read_settings",
]

READERS: Mapping[str, Callable[[object], Any]] = {
    "runtime": values.string,
    "architecture": values.string,
    "name": values.string,
    "lock": values.string,
    "install-path": values.string,
    "output": values.string,
    "groups": values.strings,
    "extras": values.strings,
    "include": values.strings,
    "exclude": values.strings,
    "provided": values.names,
    "strip": values.stripped,
    "conflicts": values.conflicts,
}
"""The keys of ``[tool.wherry]`` that hold a value."""

TABLES = ("container", "functions", "hooks", "indexes", "layers", "quotas", "runtimes", "stages")
"""The keys of ``[tool.wherry]`` that hold tables with keys of their own."""

QUOTA_READERS: Mapping[str, Callable[[object], Any]] = {
    "direct-upload": values.number(0),
    "unzipped": values.number(0),
    "layers": values.number(0),
}

HOOK_READERS: Mapping[str, Callable[[object], Any]] = {
    **values.HOOKS_OF_A_PACKAGE,
    "inputs": values.file_patterns,
    "always": values.boolean,
}

CONTENT_READERS: Mapping[str, Callable[[object], Any]] = {
    "include": values.name_patterns,
    "exclude": values.name_patterns,
    "include-files": values.file_patterns,
    "exclude-files": values.file_patterns,
    "include-regex": values.regular_expressions,
    "exclude-regex": values.regular_expressions,
    "provided": values.names,
    "project": values.boolean,
    "rename": values.renames,
    "extra-paths": values.extra_paths,
    "extra-distributions": values.requirements,
    "layers": values.layer_names,
    "groups": values.strings,
    "extras": values.strings,
    "package": values.string,
    "strip": values.stripped,
    "hooks": values.hooks,
}

FUNCTION_READERS: Mapping[str, Callable[[object], Any]] = {
    "app": values.string,
    "interface": values.choice("wsgi", "asgi"),
    "handler": values.string,
    **CONTENT_READERS,
}

LAYER_READERS: Mapping[str, Callable[[object], Any]] = {
    **CONTENT_READERS,
    "layout": values.choice("python", "site-packages"),
    "runtimes": values.strings,
    "architectures": values.strings,
}

RUNTIME_KEYS = ("glibc", "patch", "system")

_NAME = re.compile(r"[A-Za-z0-9_-]{1,140}")


def read_settings(table: object, where: str) -> Settings:
    """The settings in a table.

    Args:
        table: ``[tool.wherry]`` as TOML has it.
        where: what messages call the place of the table.

    Raises:
        SettingsError: they are wrong; the error names every problem, and the nearest known keys.
    """
    if not isinstance(table, dict):
        raise SettingsError(f"{where} is not a table")
    problems = Problems(SettingsError, f"the settings in {where} are wrong")
    plain = {key: value for key, value in table.items() if key not in TABLES}
    attributes = read_table(plain, READERS, problems, known=[*READERS, *TABLES])
    for key, read in _TABLE_READERS.items():
        if key in table:
            attributes[key] = read(table[key], problems)
    settings = Settings(**attributes)
    check_consistency(settings, problems)
    problems.raise_all()
    return settings


def _quotas(value: object, problems: Problems) -> QuotaSettings:
    if not isinstance(value, dict):
        problems.add("quotas", f"expected a table of numbers: {', '.join(QUOTA_READERS)}")
        return QuotaSettings()
    return QuotaSettings(**read_table(value, QUOTA_READERS, problems, prefix="quotas."))


def _hooks(value: object, problems: Problems) -> HookSettings:
    if not isinstance(value, dict):
        problems.add("hooks", f"expected a table: {', '.join(HOOK_READERS)}")
        return HookSettings()
    return HookSettings(**read_table(value, HOOK_READERS, problems, prefix="hooks."))


def _functions(value: object, problems: Problems) -> Mapping[str, FunctionSettings]:
    return _packages("functions", value, FUNCTION_READERS, FunctionSettings, problems)


def _layers(value: object, problems: Problems) -> Mapping[str, LayerSettings]:
    return _packages("layers", value, LAYER_READERS, LayerSettings, problems)


def _packages(
    kind: str,
    tables: object,
    readers: Mapping[str, Callable[[object], Any]],
    model: type[Content],
    problems: Problems,
) -> Mapping[str, Content]:
    """The settings of all functions, or of all layers, by name."""
    if not isinstance(tables, dict):
        problems.add(kind, f"expected a table for each: [tool.wherry.{kind}.NAME]")
        return {}
    packages = {}
    for name, table in tables.items():
        key = f"{kind}.{name}"
        if not isinstance(table, dict):
            if name in readers:
                problems.add(key, f"it belongs in a table with a name: [tool.wherry.{kind}.NAME]")
            else:
                problems.add(key, f"expected a table: [tool.wherry.{kind}.{name}]")
        elif not _NAME.fullmatch(name):
            problems.add(
                key,
                "a name consists of at most 140 letters, digits, `-` and `_`, as AWS requires",
            )
        else:
            packages[name] = model(**read_table(table, readers, problems, prefix=f"{key}."))
    return packages


def _runtimes(value: object, problems: Problems) -> Mapping[str, Runtime]:
    """Facts about runtimes that are newer than this Wherry: ``[tool.wherry.runtimes."python3.15"]``."""
    if not isinstance(value, dict):
        problems.add("runtimes", "expected a table for each runtime")
        return {}
    runtimes: dict[str, Runtime] = {}
    for name, facts in value.items():
        key = f'runtimes."{name}"'
        match = re.fullmatch(r"python(\d+)\.(\d+)", name)
        if match is None or not isinstance(facts, dict):
            problems.add(key, "expected a table named as AWS names runtimes (`python3.15`)")
            continue
        for fact in facts:
            if fact not in RUNTIME_KEYS:
                add_unknown(fact, RUNTIME_KEYS, problems, prefix=f"{key}.")
        known = RUNTIMES.get(name)
        glibc = facts.get("glibc", None if known is None else ".".join(map(str, known.glibc)))
        patch = facts.get("patch", known.patch if known else 0)
        parsed = re.fullmatch(r"(\d+)\.(\d+)", glibc) if isinstance(glibc, str) else None
        if parsed is None:
            problems.add(f"{key}.glibc", 'expected the version of the C library, such as "2.34"')
        elif not isinstance(patch, int) or isinstance(patch, bool) or patch < 0:
            problems.add(f"{key}.patch", "expected a number of at least 0")
        else:
            runtimes[name] = Runtime(
                name=name,
                python=(int(match[1]), int(match[2])),
                patch=patch,
                system=str(facts.get("system", known.system if known else "unknown")),
                glibc=(int(parsed[1]), int(parsed[2])),
                deprecation=known.deprecation if known else None,
            )
    return runtimes


# The modules of these tables are imported only for projects that have them.


def _indexes(value: object, problems: Problems) -> tuple[DeclaredIndex, ...]:
    from wherry.settings.indexes import read_indexes

    return read_indexes(value, problems)


def _container(value: object, problems: Problems) -> ContainerOptions:
    from wherry.settings.containers import read_container

    return read_container(value, problems)


def _stages(value: object, problems: Problems) -> Mapping[str, StageSettings]:
    from wherry.settings.stage_readers import read_stages

    return read_stages(value, problems)


# In the order in which problems are reported.
_TABLE_READERS: Mapping[str, Callable[[object, Problems], Any]] = {
    "runtimes": _runtimes,
    "quotas": _quotas,
    "indexes": _indexes,
    "container": _container,
    "hooks": _hooks,
    "layers": _layers,
    "functions": _functions,
    "stages": _stages,
}
