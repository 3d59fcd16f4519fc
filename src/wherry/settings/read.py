"""From the TOML tables to the model. All that is wrong is reported at once, with the key where it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from wherry.errors import SettingsError
from wherry.settings import values
from wherry.settings.containers import read_container
from wherry.settings.findings import Findings
from wherry.settings.indexes import read_indexes
from wherry.settings.model import (
    ContentSettings,
    FunctionSettings,
    HookSettings,
    LayerSettings,
    QuotaSettings,
    Settings,
)
from wherry.settings.stages import read_stages
from wherry.target import RUNTIMES, Architecture, Runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    "direct-upload": values.quota,
    "unzipped": values.quota,
    "layers": values.quota,
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
        where: what messages call its place.

    Raises:
        SettingsError: they are wrong; every finding is told, with the nearest known key.
    """
    findings = Findings(where)
    if not isinstance(table, dict):
        raise SettingsError(f"{where} is not a table")
    plain = {key: value for key, value in table.items() if key not in TABLES}
    found = _read(plain, READERS, findings, known=[*READERS, *TABLES])
    found["runtimes"] = _runtimes(table.get("runtimes", {}), findings)
    found["quotas"] = _quotas(table.get("quotas", {}), findings)
    found["indexes"] = read_indexes(table.get("indexes", []), findings)
    found["container"] = read_container(table.get("container", {}), findings)
    found["hooks"] = _hooks(table.get("hooks", {}), findings)
    found["layers"] = _packages("layers", table, LAYER_READERS, LayerSettings, findings)
    found["functions"] = _packages("functions", table, FUNCTION_READERS, FunctionSettings, findings)
    found["stages"] = read_stages(table.get("stages", {}), findings)
    settings = Settings(**found)
    _check_together(settings, findings)
    findings.finish()
    return settings


def _read(
    table: Mapping[str, object],
    readers: Mapping[str, Callable[[object], Any]],
    findings: Findings,
    *,
    known: list[str],
    prefix: str = "",
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key not in readers:
            findings.unknown(key, known, prefix)
            continue
        try:
            found[key.replace("-", "_")] = readers[key](value)
        except ValueError as error:
            findings.add(f"{prefix}{key}", str(error))
    return found


def _quotas(value: object, findings: Findings) -> QuotaSettings:
    if not isinstance(value, dict):
        findings.add("quotas", f"a table of numbers is wanted: {', '.join(QUOTA_READERS)}")
        return QuotaSettings()
    known = list(QUOTA_READERS)
    return QuotaSettings(**_read(value, QUOTA_READERS, findings, known=known, prefix="quotas."))


def _hooks(value: object, findings: Findings) -> HookSettings:
    if not isinstance(value, dict):
        findings.add("hooks", f"a table is wanted: {', '.join(HOOK_READERS)}")
        return HookSettings()
    known = list(HOOK_READERS)
    return HookSettings(**_read(value, HOOK_READERS, findings, known=known, prefix="hooks."))


def _packages(
    kind: str,
    table: Mapping[str, object],
    readers: Mapping[str, Callable[[object], Any]],
    model: type[Content],
    findings: Findings,
) -> Mapping[str, Content]:
    """The tables of all functions, or of all layers."""
    tables = table.get(kind, {})
    if not isinstance(tables, dict):
        findings.add(kind, f"a table for each is wanted: [tool.wherry.{kind}.NAME]")
        return {}
    found = {}
    for name, content in tables.items():
        key = f"{kind}.{name}"
        if not isinstance(content, dict):
            if name in readers:
                findings.add(key, f"it belongs below a name: [tool.wherry.{kind}.NAME]")
            else:
                findings.add(key, f"a table is wanted: [tool.wherry.{kind}.{name}]")
        elif not _NAME.fullmatch(name):
            findings.add(
                key, "a name has letters, digits, `-` and `_` alone, as AWS wants, and at most 140"
            )
        else:
            found[name] = model(
                **_read(content, readers, findings, known=list(readers), prefix=f"{key}.")
            )
    return found


def _check_together(settings: Settings, findings: Findings) -> None:
    """What each value alone cannot tell."""
    files: dict[str, str] = {}
    for kind, names in (("function", settings.functions), ("layer", settings.layers)):
        for name in names:
            # As file systems that keep no capitals apart see it.
            other = files.setdefault(name.lower(), f"{kind}s.{name}")
            if other != f"{kind}s.{name}":
                findings.add(
                    f"{kind}s.{name}", f"it would be written to the same file as `{other}`"
                )
    for name, function in settings.functions.items():
        if function.app and function.handler:
            findings.add(f"functions.{name}", "`app` and `handler` exclude each other")
        if function.interface and not function.app:
            findings.add(f"functions.{name}.interface", "it is of an `app`, and none is said")
    for name, layer in settings.layers.items():
        if layer.layout == "site-packages" and len(layer.runtimes) > 1:
            findings.add(
                f"layers.{name}.layout",
                "below `site-packages` is the content of one runtime; for several it is `python`",
            )
        for architecture in layer.architectures:
            if architecture not in list(Architecture):
                findings.suggest(
                    f"layers.{name}.architectures",
                    architecture,
                    list(Architecture),
                    f"there is no architecture `{architecture}`",
                )
        for runtime in layer.runtimes:
            runtimes = {**RUNTIMES, **settings.runtimes}
            if runtime not in runtimes:
                findings.suggest(
                    f"layers.{name}.runtimes", runtime, runtimes, f"there is no runtime `{runtime}`"
                )
        for other in layer.layers:
            if other.startswith("arn:"):
                findings.add(f"layers.{name}.layers", f"a function takes `{other}`; a layer cannot")
            elif other in settings.layers and settings.layers[other].layout != layer.layout:
                findings.add(
                    f"layers.{name}.layers",
                    f"`{other}` has another layout, and Python would look into one before the other",
                )
    for kind, packages in (("functions", settings.functions), ("layers", settings.layers)):
        for name, package in packages.items():
            for taken in package.layers:
                if not taken.startswith("arn:") and taken not in settings.layers:
                    findings.suggest(
                        f"{kind}.{name}.layers",
                        taken,
                        settings.layers,
                        f"there is no layer `{taken}`",
                    )
    if cycle := _cycle(settings):
        findings.add(
            f"layers.{cycle[0]}.layers", f"layers stand on each other: {' → '.join(cycle)}"
        )


def _cycle(settings: Settings) -> list[str]:
    """The names along a circle of layers that stand on each other; empty when there is none."""
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done or name not in settings.layers:
            return []
        for other in settings.layers[name].layers:
            if cycle := walk(other, [*path, name]):
                return cycle
        done.add(name)
        return []

    for name in settings.layers:
        if cycle := walk(name, []):
            return cycle
    return []


def _runtimes(value: object, findings: Findings) -> Mapping[str, Runtime]:
    """Facts about runtimes that are newer than this Wherry: ``[tool.wherry.runtimes."python3.15"]``."""
    if not isinstance(value, dict):
        findings.add("runtimes", "a table for each runtime is wanted")
        return {}
    runtimes: dict[str, Runtime] = {}
    for name, facts in value.items():
        key = f'runtimes."{name}"'
        match = re.fullmatch(r"python(\d+)\.(\d+)", name)
        if match is None or not isinstance(facts, dict):
            findings.add(key, "a table named as AWS names runtimes (`python3.15`) is wanted")
            continue
        for fact in facts:
            if fact not in RUNTIME_KEYS:
                findings.unknown(fact, RUNTIME_KEYS, prefix=f"{key}.")
        known = RUNTIMES.get(name)
        glibc = facts.get("glibc", None if known is None else ".".join(map(str, known.glibc)))
        patch = facts.get("patch", known.patch if known else 0)
        parsed = re.fullmatch(r"(\d+)\.(\d+)", glibc) if isinstance(glibc, str) else None
        if parsed is None:
            findings.add(f"{key}.glibc", 'the version of the C library is wanted, such as "2.34"')
        elif not isinstance(patch, int) or isinstance(patch, bool) or patch < 0:
            findings.add(f"{key}.patch", "a number is wanted")
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
