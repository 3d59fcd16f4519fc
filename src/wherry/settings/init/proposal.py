"""Proposing settings for a project: those of an older tool, or what its files suggest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wherry.errors import SettingsError, TargetError
from wherry.settings.init.applications import find_applications
from wherry.settings.legacy.read import find_legacy, is_legacy, require_distribution, translate
from wherry.settings.model import plain_name
from wherry.settings.project import choose_target
from wherry.settings.read import read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from wherry.settings.init.applications import Application
    from wherry.settings.legacy import Translation
    from wherry.settings.project import Project

__all__ = ["Proposal", "propose"]

# Names of modules that say nothing about their purpose.
_GENERIC_NAMES = frozenset(
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


_COMMENTS = {
    "app": "the web application, as module:object",
    "handler": "what AWS Lambda calls",
    "include-regex": "matched at the start of each path",
    "extra-paths": "what lies in them goes to the root",
    "project": "the installed folder holds the project's code",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """Settings for a project.

    Attributes:
        table: ``[tool.wherry]``.
        comments: a line for a key, by its path in the table.
        notes: where they come from.
        warnings: what the user should check.
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
    """Propose settings for a project.

    Args:
        project: the project.
        runtime: the runtime that the user asks for.
        architecture: the architecture that the user asks for.
        config: the file of an older tool; by default the one in the project's folder.
        stage: the stage of ``drover.yml``.
        install_path: the folder that ``pip install --target`` fills, if the project is built so.

    Raises:
        SettingsError: the settings of the older tool are wrong, or the file holds none.
        ProjectError: they are for another project.
        TargetError: the runtime or architecture is unknown, or the project excludes it.
    """
    source = config if config is not None else find_legacy(project.root)
    if source is not None and not is_legacy(source):
        raise SettingsError(
            f"`{source.name}` holds Wherry's own settings, or none",
            hint="`--config` takes drover.yml or settings.spindrift",
        )
    if source is None:
        if stage is not None:
            raise SettingsError(
                "there are no stages here", hint="name drover.yml: --config FILE --stage NAME"
            )
        proposal = _from_files(project, runtime, architecture, install_path)
    else:
        translation = translate(source, stage=stage, install_path=install_path)
        proposal = _from_translation(project, translation, runtime, architecture)
    read_settings(dict(proposal.table), "what `wherry init` would write")
    return proposal


def _from_translation(
    project: Project, translation: Translation, runtime: str | None, architecture: str | None
) -> Proposal:
    require_distribution(translation, project=project.name, root=project.root)
    table = dict(translation.table)
    warnings: list[str] = []
    named = table.pop("runtime", None)
    try:
        target, _ = choose_target(project, runtime=runtime or named, architecture=architecture)
    except TargetError:
        if runtime is not None:
            raise
        target, _ = choose_target(project, architecture=architecture)
        warnings.append(
            f"`{translation.where}` names {named}, which AWS no longer has or the project does not run on: "
            f"{target.runtime.name} is written instead"
        )
    comments = {"runtime": _runtime_comment(project)} if warnings or named is None else {}
    for name, function in table.get("functions", {}).items():
        comments |= {
            f"functions.{name}.{key}": comment
            for key, comment in _COMMENTS.items()
            if key in function
        }
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


def _from_files(
    project: Project, runtime: str | None, architecture: str | None, install_path: str | None
) -> Proposal:
    target, reason = choose_target(project, runtime=runtime, architecture=architecture)
    table: dict[str, Any] = {
        "runtime": target.runtime.name,
        "architecture": str(target.architecture),
    }
    comments = {
        "runtime": reason if runtime else _runtime_comment(project),
        "architecture": "or arm64, which costs less"
        if str(target.architecture) == "x86_64"
        else "or x86_64",
    }
    notes = [f"{target.runtime.name}: {reason}"]
    if install_path is not None:
        table["install-path"] = install_path
        comments["install-path"] = "made by `pip install --target`"
    else:
        notes.append(_lock_note(project))
    applications = find_applications(project.root, has_build_system=project.has_build_system)
    functions = _functions(project, applications)
    if functions:
        table["functions"] = {
            name: _settings(application) for name, application in functions.items()
        }
        for name, application in functions.items():
            key = "handler" if application.kind == "handler" else "app"
            comments[f"functions.{name}.{key}"] = f"{application.description} in {application.path}"
            notes.append(f"found {application.description} in {application.path}")
        notes += [
            f"passed over `{application.reference}`, also {application.description}"
            for application in applications
            if application not in functions.values()
        ]
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
    from wherry.lock.find import choose_lock
    from wherry.lock.model import LockRequest

    choice = choose_lock(LockRequest(root=project.root), project.files)
    if choice is None:
        return "there is no lock: `wherry lock` writes one"
    return f"dependencies are those of {choice.path.name}"


def _functions(project: Project, applications: Sequence[Application]) -> Mapping[str, Application]:
    """The applications that become functions, by name.

    The likeliest web application, and one handler of each module. A handler that an adapter makes of a web
    application is preferred to it.
    """
    handlers: dict[str, Application] = {}
    for application in applications:
        if application.kind == "handler":
            handlers.setdefault(application.module, application)
    adapted = any(" by " in handler.description for handler in handlers.values())
    web = [application for application in applications if application.kind != "handler"]
    chosen = [] if adapted else web[:1]
    chosen += handlers.values()
    if len(chosen) == 1:
        return {_name(project.name): chosen[0]}
    names: dict[str, Application] = {}
    for application in chosen:
        parts = application.module.split(".")
        specific = [part for part in parts if part not in _GENERIC_NAMES] or parts
        name = _name(specific[-1])
        names[name if name not in names else _name("-".join(parts))] = application
    return names


def _name(text: str) -> str:
    return plain_name(text).strip("-") or "function"


def _settings(application: Application) -> dict[str, Any]:
    if application.kind == "handler":
        return {"handler": application.reference}
    if application.kind == "app":
        return {"app": application.reference}
    return {"app": application.reference, "interface": application.kind}
