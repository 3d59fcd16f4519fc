"""From TOML tables to the settings' model. Everything that is wrong is reported at once, with its key."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from wherry.errors import SettingsError
from wherry.problems import Problems
from wherry.settings import slimming, values
from wherry.settings.model import (
    ContentSettings,
    FunctionSettings,
    HookSettings,
    LayerSettings,
    QuotaSettings,
    Settings,
)
from wherry.settings.reader import named_tables, read_table
from wherry.target import RUNTIMES, Architecture, Runtime
from wherry.target.quotas import MEMORY, STORAGE, TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Model = TypeVar("Model", ContentSettings, HookSettings, QuotaSettings)
    from wherry.settings.reader import Readers

__all__ = [
    "CONTENT_READERS",
    "FUNCTION_READERS",
    "HOOK_READERS",
    "LAYER_READERS",
    "NAME",
    "OF_APP",
    "QUOTA_READERS",
    "READERS",
    "RUNTIME_READERS",
    "TABLES",
    "read_settings",
]

_SLIMMING_READERS: Readers = {
    "strip": values.stripped,
    "slim": slimming.slim,
    "botocore-services": slimming.botocore_services,
    "bytecode": values.choice("off", "init", "all"),
    "bytecode-budget": slimming.size,
}
"""The keys of the whole project that a function or layer may have, too."""

READERS: Readers = {
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
    **_SLIMMING_READERS,
    "follow-links": values.boolean,
    "build-project": values.boolean,
    "conflicts": values.conflicts,
}
"""The keys of ``[tool.wherry]`` that hold a value."""

QUOTA_READERS: Readers = {
    "direct-upload": values.number(0),
    "unzipped": values.number(0),
    "layers": values.number(0),
}

HOOK_READERS: Readers = {
    **values.HOOKS_OF_A_PACKAGE,
    "inputs": values.file_patterns,
    "always": values.boolean,
}

CONTENT_READERS: Readers = {
    "root": values.project_path,
    "lock": values.project_path,
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
    **_SLIMMING_READERS,
    "hooks": values.hooks,
}


def _routes(value: object) -> Any:
    # Imported only for projects that have this setting.
    from wherry.settings.local import read_routes

    return read_routes(value)


def _cors(value: object) -> Any:
    from wherry.settings.local import read_cors

    return read_cors(value)


FUNCTION_READERS: Readers = {
    "app": values.string,
    "interface": values.choice("wsgi", "asgi"),
    "handler": values.string,
    "base-path": values.matching(
        r"(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+", "a path such as /shop, without a slash at its end"
    ),
    "stage-in-path": values.boolean,
    "text-types": values.all_matching(
        r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+", "is not a media type such as application/yaml"
    ),
    "events": values.matching(r"(/[A-Za-z0-9._~-]+)+", "a path such as /events"),
    "environment": values.variables,
    "timeout": values.number(*TIMEOUT),
    "memory": values.number(*MEMORY),
    "ephemeral-storage": values.number(*STORAGE),
    "boto3": values.boolean,
    "routes": _routes,
    "cors": _cors,
    **CONTENT_READERS,
}

_NO_FUNCTION = FunctionSettings()
OF_APP = ("interface", "base-path", "stage-in-path", "text-types", "events")
"""The settings of a function that are of no use without an ``app``."""

LAYER_READERS: Readers = {
    **CONTENT_READERS,
    "layout": values.choice("python", "site-packages"),
    "runtimes": values.strings,
    "architectures": values.strings,
}

RUNTIME_READERS: Readers = {
    "glibc": values.glibc,
    "patch": values.number(0),
    "system": values.string,
    "libraries": values.strings,
}

NAME = r"[A-Za-z0-9_-]{1,140}"


def read_settings(table: object, where: str) -> Settings:
    """The settings in a table as TOML has it; messages call its place ``where``.

    Raises:
        SettingsError: they are wrong; the error names every problem, and the nearest known keys.
    """
    if not isinstance(table, dict):
        raise SettingsError(f"{where} is not a table")
    if "tool" in table:
        raise SettingsError(
            f"the settings in {where} are wrong",
            where=["tool: there is no such setting"],
            hint="leave out `tool.wherry`, as in [functions.api]: it belongs in pyproject.toml",
        )
    problems = Problems(SettingsError, f"the settings in {where} are wrong")
    plain = {key: value for key, value in table.items() if key not in TABLES}
    attributes = read_table(plain, READERS, problems, known=[*READERS, *TABLES])
    for key, read in TABLES.items():
        if key in table:
            attributes[key] = read(table[key], problems)
    settings = Settings(**attributes)
    _check_consistency(settings, problems)
    problems.raise_all()
    return settings


def _table(
    key: str,
    readers: Readers,
    model: type[Model],
    expected: str,
    value: object,
    problems: Problems,
) -> Model:
    if not isinstance(value, dict):
        problems.add(key, f"{expected}: {', '.join(readers)}")
        return model()
    return model(**read_table(value, readers, problems, prefix=f"{key}."))


def _packages(
    kind: str,
    readers: Readers,
    model: type[Model],
    value: object,
    problems: Problems,
) -> Mapping[str, Model]:
    """The settings of all functions, or of all layers, by name."""
    wrong_name = "a name consists of at most 140 letters, digits, `-` and `_`, as AWS requires"
    tables = named_tables(kind, value, readers, problems, NAME, wrong_name)
    return {
        name: model(
            **read_table(table, readers, problems, prefix=f"{kind}.{name}.", of_project=READERS)
        )
        for name, table in tables
    }


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
        known = RUNTIMES.get(name) or Runtime(
            name=name, python=(int(match[1]), int(match[2])), system="unknown", glibc=(0, 0)
        )
        required = {} if name in RUNTIMES else {"glibc": None}
        attributes = read_table({**required, **facts}, RUNTIME_READERS, problems, prefix=f"{key}.")
        runtimes[name] = replace(known, **attributes)
    return runtimes


def _rare_table(key: str, value: object, problems: Problems) -> object:
    # Imported only for projects that have one of these tables.
    from wherry.settings import checks, container, indexes, stages

    readers = {
        "indexes": indexes.read_indexes,
        "check": checks.read_check,
        "container": container.read_container,
        "licenses": checks.read_licenses,
        "stages": stages.read_stages,
    }
    return readers[key](value, problems)


TABLES: Mapping[str, Callable[[object, Problems], Any]] = {
    "runtimes": _runtimes,
    "quotas": partial(
        _table, "quotas", QUOTA_READERS, QuotaSettings, "expected a table of numbers"
    ),
    "indexes": partial(_rare_table, "indexes"),
    "container": partial(_rare_table, "container"),
    "check": partial(_rare_table, "check"),
    "licenses": partial(_rare_table, "licenses"),
    "hooks": partial(_table, "hooks", HOOK_READERS, HookSettings, "expected a table"),
    "layers": partial(_packages, "layers", LAYER_READERS, LayerSettings),
    "functions": partial(_packages, "functions", FUNCTION_READERS, FunctionSettings),
    "stages": partial(_rare_table, "stages"),
}
"""The readers of the keys of ``[tool.wherry]`` that hold tables, in the order in which problems are reported."""


def _check_consistency(settings: Settings, problems: Problems) -> None:
    """Add the problems that show only when settings are compared with one another."""
    _check_file_names(settings, problems)
    for name, function in settings.functions.items():
        if function.app and function.handler:
            problems.add(f"functions.{name}", "`app` and `handler` exclude each other")
        for key in OF_APP if not function.app else ():
            field = key.replace("-", "_")
            if getattr(function, field) != getattr(_NO_FUNCTION, field):
                problems.add(f"functions.{name}.{key}", "it belongs to an `app`, and none is set")
    for name, layer in settings.layers.items():
        _check_targets(f"layers.{name}", layer, settings, problems)
        _check_lower_layers(f"layers.{name}.layers", layer, settings, problems)
    for kind, packages in (("functions", settings.functions), ("layers", settings.layers)):
        for name, package in packages.items():
            for layer_name in package.layers:
                if not layer_name.startswith("arn:") and layer_name not in settings.layers:
                    problems.add(f"{kind}.{name}.layers", f"there is no layer `{layer_name}`")
                    problems.suggest(layer_name, settings.layers)
    if settings.layers:
        _check_order(settings, problems)


def _check_order(settings: Settings, problems: Problems) -> None:
    from graphlib import CycleError, TopologicalSorter

    try:
        TopologicalSorter({name: layer.layers for name, layer in settings.layers.items()}).prepare()
    except CycleError as error:
        cycle = error.args[1][::-1]
        problems.add(
            f"layers.{cycle[0]}.layers", f"layers depend on each other: {' → '.join(cycle)}"
        )


def _check_file_names(settings: Settings, problems: Problems) -> None:
    files: dict[str, str] = {}
    for kind, names in (("functions", settings.functions), ("layers", settings.layers)):
        for name in names:
            key = f"{kind}.{name}"
            # Some file systems do not distinguish upper and lower case.
            other = files.setdefault(name.lower(), key)
            if other != key:
                problems.add(key, f"it would be written to the same file as `{other}`")


def _check_targets(key: str, layer: LayerSettings, settings: Settings, problems: Problems) -> None:
    if layer.layout == "site-packages" and len(layer.runtimes) > 1:
        problems.add(
            f"{key}.layout", "`site-packages` is for one runtime; use `python` for several"
        )
    known: tuple[tuple[str, tuple[str, ...], list[str]], ...] = (
        ("architecture", layer.architectures, list(Architecture)),
        ("runtime", layer.runtimes, [*RUNTIMES, *settings.runtimes]),
    )
    for noun, names, names_known in known:
        for name in names:
            if name not in names_known:
                problems.add(f"{key}.{noun}s", f"there is no {noun} `{name}`")
                problems.suggest(name, names_known)


def _check_lower_layers(
    key: str, layer: LayerSettings, settings: Settings, problems: Problems
) -> None:
    for name in layer.layers:
        if name.startswith("arn:"):
            problems.add(key, f"a function takes `{name}`; a layer cannot")
        elif name in settings.layers and settings.layers[name].layout != layer.layout:
            problems.add(
                key,
                f"`{name}` has another layout, and Python would look into one before the other",
            )
