"""Translating ``settings.spindrift``: one plain or Flask application in one zip."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.settings.legacy.statement import parse_statement
from wherry.settings.legacy.translation import Translation

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.problems import Problems
    from wherry.settings.legacy.document import Section

__all__ = ["translate_spindrift"]

_TYPES = ("plain", "flask")


def translate_spindrift(
    document: Section,
    path: Path,
    problems: Problems,
    *,
    name: str | None,
    install_path: str | None,
) -> Translation:
    """Translate the settings; every one of them may be missing.

    Args:
        document: the file.
        path: its path.
        problems: collects what is wrong; this function raises it.
        name: the name of the package, in place of that in the file.
        install_path: the folder that ``pip install --target`` made.

    Raises:
        SettingsError: something is wrong with them.
    """
    document.know("package", "output")
    table: dict[str, Any] = {}
    notes: list[str] = []
    package = document.section("package")
    output = document.section("output")
    own_name: str | None = None
    if package is not None:
        package.know("type", "name", "entry", "runtime")
        own_name = package.text("name")
        if runtime := package.text("runtime"):
            table["runtime"] = runtime
    if install_path is not None:
        table["install-path"] = install_path
    if output is not None:
        output.know("path")
        if output_path := output.text("path"):
            table["output"] = output_path
            if not output_path.endswith(".zip"):
                notes.append(f"`{output_path}` does not end in .zip, and is taken for a folder")
    function = {} if package is None else _function(package, notes)
    if install_path is not None:
        function["project"] = False
    label = re.sub(r"[^A-Za-z0-9_-]+", "-", name or own_name or "").strip("-")
    if label:
        table["name"] = label
    if function or label:
        table["functions"] = {label or "app": function}
    problems.raise_all()
    return Translation(
        table=table,
        kind="spindrift",
        where=path.name,
        notes=tuple(notes),
        # A name that the user gives does not tell which distribution is meant.
        distribution=None if name else own_name,
        install_path=install_path,
    )


def _function(package: Section, notes: list[str]) -> dict[str, Any]:
    kind = package.text("type")
    if kind == "flask-eb":
        package.values["type"].wrong(
            "Wherry packages for AWS Lambda, not for Elastic Beanstalk",
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
        target = parse_statement(entry)
    except ValueError as error:
        value.wrong(str(error), hint="an entry is such as `from yourwebapp.main import app`")
        return {}
    if kind == "plain":
        if target.call:
            value.wrong(
                f"`{entry}` makes the handler when it is called: AWS Lambda expects a function"
            )
            return {}
        return {"handler": f"{target.module}.{target.name}"}
    if kind is None:
        notes.append(
            f"package.type is not set: `{target.module}:{target.name}` is taken for a web application"
        )
    app = {"app": f"{target.module}:{target.name}{'()' if target.call else ''}"}
    return {**app, "interface": "wsgi"} if kind == "flask" else app
