"""Which settings suit a project: those of an older tool, or what can be seen by looking at it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wherry.errors import SettingsError, TargetError
from wherry.init.applications import find_applications
from wherry.legacy import find_legacy, is_legacy, require_distribution, translate
from wherry.project import choose_target
from wherry.settings.read import read_settings
from wherry.target import find_runtime

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from wherry.init.applications import Application
    from wherry.project import Project

__all__ = ["Proposal", "propose"]

# Names of modules that say nothing about what they are for.
_EMPTY_NAMES = frozenset(
    {
        "app",
        "main",
        "handler",
        "handlers",
        "lambda_function",
        "index",
        "function",
        "api",
        "wsgi",
        "asgi",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """Settings for a project.

    Attributes:
        table: ``[tool.wherry]``.
        comments: a line for a key, by its path in the table.
        notes: how they were found.
        warnings: what the user should look at.
    """

    table: Mapping[str, Any]
    comments: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def propose(
    project: Project,
    *,
    runtime: str | None = None,
    architecture: str | None = None,
    config: Path | None = None,
    stage: str | None = None,
    install_path: str | None = None,
) -> Proposal:
    """The settings that suit a project.

    Args:
        project: the project, as it was read.
        runtime: the runtime, where it is asked for.
        architecture: the architecture, where it is asked for.
        config: an older tool's settings; without, those that lie in the project's folder.
        stage: the stage of ``drover.yml``.
        install_path: the folder that ``pip install --target`` makes, where that is how it is built.

    Raises:
        SettingsError: the older tool's settings are wrong, or there is none of it.
        ProjectError: they are about another project.
        TargetError: the runtime or architecture is unknown, or the project excludes it.
    """
    source = config if config is not None else find_legacy(project.root)
    if source is not None and not is_legacy(source):
        raise SettingsError(
            f"`{source.name}` holds Wherry's own settings, or none",
            hint="`--config` takes drover.yml or settings.spindrift",
        )
    if source is None and stage is not None:
        raise SettingsError(
            "there are no stages here", hint="name drover.yml: --config FILE --stage NAME"
        )
    if source is None:
        found = _looked_at(project, runtime, architecture, install_path)
    else:
        found = _translated(project, source, runtime, architecture, stage, install_path)
    read_settings(dict(found.table), "what `wherry init` would write")
    return found


def _translated(
    project: Project,
    source: Path,
    runtime: str | None,
    architecture: str | None,
    stage: str | None,
    install_path: str | None,
) -> Proposal:
    translation = translate(source, stage=stage, install_path=install_path)
    require_distribution(translation, project=project.name, root=project.root)
    table = dict(translation.table)
    warnings: list[str] = []
    said = table.pop("runtime", None)
    try:
        target, _ = choose_target(project, runtime=runtime or said, architecture=architecture)
    except TargetError:
        if runtime is not None:
            raise
        target, _ = choose_target(project, architecture=architecture)
        warnings.append(
            f"`{translation.where}` names {said}, which AWS has no more or the project does not run on: "
            f"{target.runtime.name} is written in its place"
        )
    comments = {"runtime": _runtime_comment(project)} if warnings or said is None else {}
    for name, function in table.get("functions", {}).items():
        comments |= _function_comments(name, function)
    for name in table.get("layers", {}):
        comments[f"layers.{name}"] = "everything that the function's patterns do not match"
    return Proposal(
        table={
            "runtime": target.runtime.name,
            **({"architecture": str(target.architecture)} if architecture else {}),
            **table,
        },
        comments=comments,
        notes=(f"read {translation.where}", *translation.notes[1:]),
        warnings=tuple(warnings),
    )


def _function_comments(name: str, function: Mapping[str, Any]) -> dict[str, str]:
    said = {
        "app": "the web application, as module:object",
        "handler": "what AWS Lambda calls",
        "include-regex": "matched at the start of each path",
        "extra-paths": "what lies in them goes to the root",
        "project": "the installed folder holds the project's code",
    }
    return {f"functions.{name}.{key}": said[key] for key in function if key in said}


def _looked_at(
    project: Project, runtime: str | None, architecture: str | None, install_path: str | None
) -> Proposal:
    target, why = choose_target(project, runtime=runtime, architecture=architecture)
    table: dict[str, Any] = {
        "runtime": target.runtime.name,
        "architecture": str(target.architecture),
    }
    comments = {
        "runtime": why if runtime else _runtime_comment(project),
        "architecture": "or arm64, which costs less"
        if str(target.architecture) == "x86_64"
        else "or x86_64",
    }
    notes = [f"{target.runtime.name}: {why}"]
    if install_path is not None:
        table["install-path"] = install_path
        comments["install-path"] = "made by `pip install --target`"
    else:
        notes.append(_lock_note(project))
    found = find_applications(project.root, has_build_system=project.has_build_system)
    functions = _functions(project, found)
    if functions:
        table["functions"] = {
            name: _settings(application) for name, application in functions.items()
        }
        for name, application in functions.items():
            key = "handler" if application.kind == "handler" else "app"
            comments[f"functions.{name}.{key}"] = f"{application.what} in {application.path}"
            notes.append(f"found {application.what} in {application.path}")
        others = [each for each in found if each not in functions.values()]
        notes += [f"passed over `{each.reference}`, {each.what} too" for each in others]
    else:
        notes.append("found no web application and no handler: one package holds the project")
    if install_path is not None:
        for function in table.get("functions", {}).values():
            function["project"] = False
    return Proposal(table=table, comments=comments, notes=tuple(notes))


def _runtime_comment(project: Project) -> str:
    if project.requires_python is None:
        return "the newest that AWS Lambda has"
    return "the newest that requires-python admits"


def _lock_note(project: Project) -> str:
    from wherry.events import SILENT
    from wherry.lock.find import find_locks
    from wherry.lock.model import LockRequest
    from wherry.target import Architecture, Target

    target = Target(runtime=find_runtime("python3.13"), architecture=Architecture.X86_64)
    request = LockRequest(root=project.root, target=target)
    locks = find_locks(request, SILENT)
    if not locks:
        return "there is no lock: `wherry lock` writes one"
    return f"dependencies are those of {locks[0].path.name}"


def _functions(project: Project, found: Sequence[Application]) -> Mapping[str, Application]:
    """The applications that become functions, by name.

    Of web applications the likeliest one; of handlers each that stands in a module of its own. A handler that
    an adapter makes of a web application goes before it.
    """
    handlers: dict[str, Application] = {}
    for each in found:
        if each.kind == "handler":
            handlers.setdefault(each.module, each)
    adapted = any(" by " in each.what for each in handlers.values())
    chosen = [each for each in found if each.kind != "handler" and not adapted][:1]
    chosen += handlers.values()
    if len(chosen) == 1:
        return {_name(project.name): chosen[0]}
    names: dict[str, Application] = {}
    for each in chosen:
        parts = each.module.split(".")
        telling = [part for part in parts if part not in _EMPTY_NAMES] or parts
        name = _name(telling[-1])
        names[name if name not in names else _name("-".join(parts))] = each
    return names


def _name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-") or "function"


def _settings(application: Application) -> dict[str, Any]:
    if application.kind == "handler":
        return {"handler": application.reference}
    if application.kind == "app":
        return {"app": application.reference}
    return {"app": application.reference, "interface": application.kind}
