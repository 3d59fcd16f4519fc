"""``settings.spindrift``: one plain or Flask application in one zip."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.legacy.statement import parse_statement
from wherry.legacy.translation import Translation

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.legacy.document import Findings, Section

__all__ = ["translate_spindrift"]

_TYPES = ("plain", "flask")


def translate_spindrift(
    document: Section,
    path: Path,
    findings: Findings,
    *,
    name: str | None,
    install_path: str | None,
) -> Translation:
    """The settings; every one of them may be missing.

    Args:
        document: the file.
        path: where it lies.
        findings: what is wrong with it is collected here, and raised before this returns.
        name: what the package is called, in place of what the file says.
        install_path: the folder that ``pip install --target`` made.

    Raises:
        SettingsError: something is wrong with them.
    """
    document.know("package", "output")
    table: dict[str, Any] = {}
    notes: list[str] = []
    package = document.section("package")
    output = document.section("output")
    said: str | None = None
    if package is not None:
        package.know("type", "name", "entry", "runtime")
        said = package.text("name")
        if runtime := package.text("runtime"):
            table["runtime"] = runtime
    if install_path is not None:
        table["install-path"] = install_path
    if output is not None:
        output.know("path")
        if place := output.text("path"):
            table["output"] = place
            if not place.endswith(".zip"):
                notes.append(f"`{place}` does not end in .zip, and is taken for a folder")
    function = {} if package is None else _function(package, notes)
    if install_path is not None:
        function["project"] = False
    label = re.sub(r"[^A-Za-z0-9_-]+", "-", name or said or "").strip("-")
    if label:
        table["name"] = label
    if function or label:
        table["functions"] = {label or "app": function}
    findings.finish()
    return Translation(
        table=table,
        kind="spindrift",
        where=path.name,
        notes=tuple(notes),
        # What the user calls the package says nothing about which one is meant.
        distribution=None if name else said,
        install_path=install_path,
    )


def _function(package: Section, notes: list[str]) -> dict[str, Any]:
    kind = package.text("type")
    if kind == "flask-eb":
        package.values["type"].wrong(
            "Wherry packages for AWS Lambda, and not for Elastic Beanstalk",
            hint="for AWS Lambda write `type: flask`",
        )
        return {}
    if kind is not None and kind not in _TYPES:
        package.values["type"].wrong(
            f"there is no type `{kind}`", hint=f"the types are {' and '.join(_TYPES)}"
        )
        return {}
    entry = package.text("entry")
    if entry is None:
        return {}
    value = package.values["entry"]
    try:
        named = parse_statement(entry)
    except ValueError as error:
        value.wrong(str(error), hint="an entry is such as `from yourwebapp.main import app`")
        return {}
    if kind == "plain":
        if named.call:
            value.wrong(
                f"`{entry}` makes the handler when it is called: AWS Lambda wants a function"
            )
            return {}
        return {"handler": f"{named.module}.{named.name}"}
    if kind is None:
        notes.append(
            f"package.type is not said: `{named.module}:{named.name}` is taken for a web application"
        )
    app = {"app": f"{named.module}:{named.name}{'()' if named.call else ''}"}
    return {**app, "interface": "wsgi"} if kind == "flask" else app
