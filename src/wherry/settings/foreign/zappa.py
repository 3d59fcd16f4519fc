"""``zappa_settings.json`` of Zappa: one web application, and functions that its events call."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.settings.foreign.document import Document, texts
from wherry.settings.foreign.environment import environment_setting
from wherry.settings.foreign.model import (
    LAYER_ARN,
    Description,
    ForeignFunction,
    architecture_of,
    commonest,
)
from wherry.settings.foreign.virtual_environment import environment_with
from wherry.settings.model import plain_name
from wherry.untrusted import inner_string, inner_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["read_zappa"]

_MAX_EXTENDS = 20
_REFERENCE = re.compile(r"[A-Za-z_][\w.]*\.[A-Za-z_]\w*")


def read_zappa(path: Path, document: Document) -> Description | None:
    """The application of the first stage that has one; None where no stage has."""
    stages = {
        name: stage
        for name in document
        if (stage := _stage(document, name)) and _application(stage) is not None
    }
    if not stages:
        return None
    first, stage = next(iter(stages.items()))
    application = _application(stage) or {}
    warnings = [
        f"{path.name}: stage `{name}` has another application than `{first}`, which is taken"
        for name, other in stages.items()
        if _application(other) != application
    ]
    # Without a name of an application, Zappa's runtime makes Django's with these settings.
    django = None if _reference(stage) else inner_string(stage, "django_settings")
    chosen = {"DJANGO_SETTINGS_MODULE": django} if django else {}
    at_start = {**chosen, **inner_table(stage, "environment_variables")}
    if at_start:
        names = ", ".join(f"`{each}`" for each in [*at_start][:20])
        warnings.append(
            f"only Zappa's runtime sets {names}: put that into `environment` of the stage"
        )
    if inner_string(stage, "remote_env"):
        warnings.append(
            "only Zappa's runtime reads `remote_env`: put its variables into `environment` of the stage"
        )
    name = inner_string(stage, "project_name") or ""
    layers = [text for text in texts(stage.get("layers")) if LAYER_ARN.fullmatch(text)]
    attached: dict[str, Any] = {"layers": layers} if layers else {}
    attached |= environment_setting(at_start, inner_table(stage, "aws_environment_variables"))
    named = commonest(inner_string(each, "runtime") for each in stages.values())
    # Without a name Zappa takes the Python that it runs on.
    environment = None if named else environment_with("zappa", path.parent)
    functions = [
        ForeignFunction(
            name=plain_name(name).strip("-"),
            settings={**application, **attached},
            runtime=inner_string(stage, "runtime"),
            architecture=architecture_of(stage.get("architecture")),
        )
    ]
    functions += [
        ForeignFunction(name=plain_name(handler), settings={"handler": handler, **attached})
        for handler in _events(stage)
    ]
    exclude = [text for text in texts(stage.get("exclude")) if _is_pattern(text)]
    exclude += [text for text in texts(stage.get("exclude_glob")) if _is_pattern(text)]
    return Description(
        tool="Zappa",
        path=path,
        functions=tuple(functions),
        settings={"exclude": list(dict.fromkeys(exclude))} if exclude else {},
        runtime=environment.runtime if environment else named,
        comments={"runtime": "that of the virtual environment with Zappa"} if environment else {},
        architecture=commonest(
            architecture_of(each.get("architecture")) for each in stages.values()
        ),
        notes=(f"{path.name}: the application of stage `{first}`",) if len(stages) > 1 else (),
        warnings=tuple(warnings),
    )


def _stage(document: Document, name: str) -> Mapping[str, Any]:
    """The settings of a stage, with those of the stages that it extends."""
    settings: dict[str, Any] = {}
    seen: set[str] = set()
    while name not in seen and len(seen) < _MAX_EXTENDS:
        seen.add(name)
        stage = inner_table(document, name)
        settings = {**stage, **settings}
        name = inner_string(stage, "extends") or name
    return settings


def _application(stage: Mapping[str, Any]) -> dict[str, Any] | None:
    """The settings of the stage's web application."""
    kind = "asgi" if stage.get("app_type") == "asgi" else "wsgi"
    if reference := _reference(stage):
        module, _, name = reference.rpartition(".")
        # Without a type Zappa looks at the object, as Wherry does.
        interface = {"interface": kind} if "app_type" in stage else {}
        return {"app": f"{module}:{name}", **interface}
    django = inner_string(stage, "django_settings")
    if django is not None and re.fullmatch(r"\w+(\.\w+)*", django):
        package = django.partition(".")[0]
        return {"app": f"{package}.{kind}:application", "interface": kind}
    return None


def _reference(stage: Mapping[str, Any]) -> str | None:
    """The dotted name of the stage's web application."""
    reference = inner_string(stage, "app_function") or inner_string(stage, "app_module")
    return reference if reference and _REFERENCE.fullmatch(reference) else None


def _events(stage: Mapping[str, Any]) -> Iterator[str]:
    """The functions that events call, each once."""
    events = stage.get("events")
    names = (
        [inner_string(event, "function") for event in events] if isinstance(events, list) else []
    )
    return iter(dict.fromkeys(name for name in names if name and _REFERENCE.fullmatch(name)))


def _is_pattern(text: str) -> bool:
    # Zappa matches installed files as well: these name distributions.
    return not text.startswith(("!", "boto", "#")) and text.isprintable()
