"""Translating ``drover.yml``: an installed folder, split by regular expressions into a function and a layer."""

from __future__ import annotations

import os
import re
import warnings
from typing import TYPE_CHECKING, Any

from wherry.errors import SettingsError
from wherry.problems import did_you_mean
from wherry.settings import values
from wherry.settings.legacy import Translation, filled
from wherry.settings.model import plain_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from wherry.problems import Problems
    from wherry.settings.legacy.document import Section

__all__ = ["translate_drover"]

_KEYS = (
    "region_name",
    "function_name",
    "compatible_runtime",
    "function_file_patterns",
    "function_extra_paths",
    "requirements_layer_name",
    "supplemental_layer_arns",
    "package_exclude_patterns",
    "upload_bucket",
)
_REQUIRED = ("region_name", "function_name", "compatible_runtime", "function_file_patterns")
_BUCKET_KEYS = ("region_name", "bucket_name", "prefix")
_layer_arns = values.all_matching(
    r"arn:[\w-]+:lambda:[\w-]+:\d{12}:layer:[\w-]+:\d+",
    "is not the ARN of a layer version (arn:aws:lambda:…:layer:NAME:1)",
)


def translate_drover(
    document: Section,
    path: Path,
    problems: Problems,
    *,
    stage: str | None,
    install_path: str | None,
) -> Translation:
    """Translate the settings of one stage.

    ``problems`` is raised here; ``stage`` may be None if there is only one.

    Raises:
        SettingsError: there is no such stage, or something is wrong in any stage.
    """
    stages = document.section("stages")
    known = {"stages"}
    # A mapping beside `stages` is not a setting if it is only merged into stages.
    inside = document.values["stages"].identities() if "stages" in document.values else frozenset()
    known |= {name for name, value in document.values.items() if value.identity in inside}
    document.know(*known)
    document.require("stages")
    translated: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    warned: dict[str, list[str]] = {}
    if stages is not None:
        for name, value in stages.values.items():
            section = value.section()
            if section is not None:
                remarks = warned.setdefault(name, [])
                translated[name] = _stage(section, install_path, path.parent, remarks)
        if not stages.values:
            problems.add("stages", "there is no stage", line=stages.line)
    problems.raise_all()
    chosen = _choose(list(translated), stage, path)
    table, deployment = translated[chosen]
    return Translation(
        table=table,
        where=f"{path.name}, stage {chosen}",
        stages={chosen: deployment},
        warnings=tuple(warned[chosen]),
    )


def _choose(names: Sequence[str], stage: str | None, path: Path) -> str:
    if stage is None and len(names) == 1:
        return names[0]
    if stage is not None and stage in names:
        return stage
    where = [f"`{path.name}` has {', '.join(f'`{name}`' for name in names)}"]
    if stage is None:
        raise SettingsError(
            f"`{path.name}` has several stages", where=where, hint=f"choose one: --stage {names[0]}"
        )
    raise SettingsError(
        f"there is no stage `{stage}`", where=where, hint=did_you_mean(stage, known=names)
    )


def _stage(
    section: Section, install_path: str | None, root: Path, warned: list[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """``[tool.wherry]`` and ``[tool.wherry.stages.STAGE]``."""
    section.know(*_KEYS)
    section.require(*_REQUIRED)
    function = section.text("function_name") or "function"
    runtime = section.text("compatible_runtime")
    patterns = _accepted(section, "function_file_patterns", values.regular_expressions)
    # drover's default, `.*__pycache__.*`, names files that Wherry never ships.
    excludes = _accepted(section, "package_exclude_patterns", values.regular_expressions)
    extra_paths = [
        text
        for _, text in section.texts("function_extra_paths")
        if _exists(root / text, text, warned)
    ]
    arns = dict.fromkeys(_accepted(section, "supplemental_layer_arns", _layer_arns))
    layer = section.text("requirements_layer_name") or f"{function}-requirements"
    name = _plain(function)
    layer_name = _plain(layer)
    if layer_name == name:
        # Two packages cannot have the same file.
        layer_name = f"{name}-requirements"
    function_table = {
        # In drover's order: of two copies of a file, that of the requirements is found.
        "layers": [*arns, layer_name],
        # With no pattern everything would be included, but drover then puts everything into the layer.
        "include-regex": patterns or ["(?!)"],
        "exclude-regex": excludes,
        "extra-paths": [{"path": path, "to": ""} for path in extra_paths],
        "project": None if install_path is None else False,
    }
    table = {
        "runtime": runtime,
        "install-path": install_path,
        "functions": {name: filled(function_table)},
        "layers": {layer_name: filled({"exclude-regex": [*patterns, *excludes]})},
    }
    return filled(table), _deployment(section, name, function, layer_name, layer)


def _exists(path: Path, text: str, warned: list[str]) -> bool:
    """Whether an extra path is there; drover passes over one that is not."""
    # `Path.exists` fails for a name that is too long.
    there = os.path.exists(path)  # noqa: PTH110
    if not there:
        warned.append(f"`function_extra_paths` names `{text}`, which does not exist")
    return there


def _plain(name: str) -> str:
    """The name of a function without what is unsafe in the name of a file; of an ARN the name alone."""
    if match := re.fullmatch(
        r"(?:arn:[\w-]+:lambda:[\w-]*:\d*:|\d{12}:)?function:([\w-]+)(?::.*)?", name
    ):
        name = match[1]
    return plain_name(name).strip("-") or "function"


def _accepted(section: Section, key: str, read: Callable[[object], tuple[str, ...]]) -> list[str]:
    """The strings of a key that a reader of lists accepts."""
    accepted: list[str] = []
    for value, text in section.texts(key):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                accepted += read([text])
        except ValueError as error:
            value.wrong(str(error))
    return accepted


def _deployment(
    section: Section, name: str, function: str, layer_name: str, layer: str
) -> dict[str, Any]:
    region = section.text("region_name")
    deployment: dict[str, Any] = {"region": region}
    bucket = section.section("upload_bucket")
    if bucket is not None:
        bucket.know(*_BUCKET_KEYS)
        bucket.require("region_name", "bucket_name")
        prefix = (bucket.text("prefix") or "").strip("/")
        bucket_name = bucket.text("bucket_name")
        if bucket_name:
            deployment["bucket"] = f"s3://{bucket_name}{f'/{prefix}' if prefix else ''}"
        bucket_region = bucket.text("region_name")
        deployment["bucket-region"] = None if bucket_region == region else bucket_region
    # drover sets the runtime, and the layers to exactly its own.
    deployment["manage"] = ["code", "layers", "runtime"]
    deployment["functions"] = {name: {"name": function, "layers": "exclusive"}}
    deployment["layers"] = {layer_name: {"name": layer}}
    return filled(deployment)
