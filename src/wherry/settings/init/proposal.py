"""Proposing settings for a project: those of an older tool, or what its files suggest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec import field
from msgspec.structs import replace

from wherry.errors import SettingsError, TargetError
from wherry.settings.foreign.find import is_foreign, read_description, read_descriptions
from wherry.settings.init.described import Described, described_packages
from wherry.settings.init.scan import scan
from wherry.settings.init.units import is_built
from wherry.settings.legacy.read import find_legacy, is_legacy, require_distribution, translate
from wherry.settings.project import choose_target, read_requires_python
from wherry.settings.read import read_settings
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from wherry.lock.find import Choice
    from wherry.settings.foreign.model import Description
    from wherry.settings.legacy import Translation
    from wherry.settings.project import Project
    from wherry.target import Target

__all__ = ["Proposal", "propose"]

_COMMENTS = {
    "app": "the web application, as module:object",
    "handler": "what AWS Lambda calls",
    "include-regex": "matched at the start of each path",
    "extra-paths": "what lies in them goes to the root",
    "project": "the installed folder holds the project's code",
}


_DEPLOYING = re.compile(rb"(?m)^(aws-cdk[-.](?:lib|core)|pulumi)\b")


class Proposal(Struct, frozen=True, kw_only=True):
    """Settings for a project.

    Attributes:
        comments: a line for a key, by its path in the table.
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

    ``install_path`` is the folder that ``pip install --target`` fills, if the project is built so.

    Raises:
        SettingsError: the settings of the older tool are wrong, or the file holds none.
        ProjectError: they are for another project.
        TargetError: the runtime or architecture is unknown, or the project excludes it.
    """
    source = config if config is not None else find_legacy(project.root)
    if source is not None and not is_legacy(source):
        raise SettingsError(
            f"`{source.name}` holds Wherry's own settings, or none",
            hint="`--config` takes drover.yml, settings.spindrift, template.yaml or serverless.yml",
        )
    if source is None or is_foreign(source, project.files):
        if stage is not None:
            raise SettingsError(
                "there are no stages here", hint="name drover.yml: --config FILE --stage NAME"
            )
        proposal = _from_project(project, source, runtime, architecture, install_path)
    else:
        translation = translate(source, stage=stage, install_path=install_path)
        proposal = _from_translation(project, translation, runtime, architecture)
    read_settings(dict(proposal.table), "what `wherry init` would write")
    return proposal


def _from_project(
    project: Project,
    source: Path | None,
    runtime: str | None,
    architecture: str | None,
    install_path: str | None,
) -> Proposal:
    """The settings that the file of another deployment tool suggests, or else the project's own files."""
    warnings: list[str] = []
    notes: list[str] = []
    if install_path is None:
        if source is None:
            descriptions, warnings = read_descriptions(project.root, project.files)
        else:
            described = read_description(source, project.files, project.root)
            descriptions = [described] if described is not None else []
        for number, description in enumerate(descriptions):
            packages = described_packages(project, description)
            if packages.functions or packages.layers:
                proposal = _from_description(project, description, packages, runtime, architecture)
                others = [
                    f"skipped {other.where} of {other.tool}, which `--config {other.config}` would read"
                    for other in descriptions[number + 1 :]
                ]
                return replace(
                    proposal,
                    notes=(*proposal.notes, *others),
                    warnings=(*warnings, *proposal.warnings),
                )
            notes += description.notes
            warnings += [*description.warnings, *packages.warnings]
    proposal = _from_files(project, runtime, architecture, install_path)
    return replace(
        proposal, notes=(*notes, *proposal.notes), warnings=(*warnings, *proposal.warnings)
    )


def _from_translation(
    project: Project, translation: Translation, runtime: str | None, architecture: str | None
) -> Proposal:
    require_distribution(translation, project=project.name, root=project.root)
    table = dict(translation.table)
    named = table.pop("runtime", None)
    target, reason, warnings = _choose_target(
        project, named, translation.where, runtime, architecture
    )
    comments = {"runtime": _runtime_comment(reason)} if warnings or named is None else {}
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
    packages = scan(project)
    project = _restricted(project, packages.folders)
    target, reason = choose_target(project, runtime=runtime, architecture=architecture)
    table = target.document()
    comments = {
        "runtime": reason if runtime else _runtime_comment(reason),
        "architecture": _architecture_comment(target),
    }
    notes = [f"{target.runtime.name}: {reason}"]
    if project.has_build_system and not is_built(project.root, project.files):
        project = _as_it_is(project, table, comments)
    if install_path is not None:
        table["install-path"] = install_path
        comments["install-path"] = "made by `pip install --target`"
    warnings: list[str] = []
    if install_path is None and not _have_locks(packages.functions):
        choice = _lock_choice(project)
        notes.append(_lock_note(choice))
        warnings += _deploying_tools(choice, project)
    if packages.include:
        table["include"] = list(packages.include)
        comments["include"] = "the project's wheel does not hold it"
    if exclude := _own_excludes(project, packages.functions, None):
        table["exclude"] = exclude
    functions = {name: dict(settings) for name, settings in packages.functions.items()}
    if install_path is not None:
        for function in functions.values():
            function["project"] = False
    table |= _packages(functions, packages.layers)
    if not functions:
        notes.append("found no web application and no handler: one package holds the project")
    return Proposal(
        table=table,
        comments={**comments, **packages.comments},
        notes=(*notes, *packages.notes),
        warnings=tuple(warnings),
    )


def _from_description(
    project: Project,
    description: Description,
    packages: Described,
    runtime: str | None,
    architecture: str | None,
) -> Proposal:
    """Settings as another tool describes the project."""
    functions, warnings = packages.functions, packages.warnings
    project = _restricted(project, [function.folder for function in description.functions])
    where = description.where
    target, reason, unfit = _choose_target(
        project, description.runtime, where, runtime, architecture or description.architecture
    )
    named = None if unfit else description.runtime
    warnings += unfit
    comments = {
        **description.comments,
        "runtime": "as asked"
        if runtime
        else description.comments.get("runtime", f"as in {where}")
        if named
        else _runtime_comment(reason),
        "architecture": "as asked"
        if architecture
        else f"as in {where}"
        if description.architecture
        else _architecture_comment(target),
    }
    warnings += _other_targets(description, functions, project, target)
    table = target.document() | dict(description.settings)
    if project.has_build_system and not packages.is_built:
        project = _as_it_is(project, table, comments)
    if exclude := _own_excludes(project, functions, description):
        table["exclude"] = list(dict.fromkeys([*table.get("exclude", ()), *exclude]))
    table |= _packages(functions, packages.layers)
    notes = [f"read {where} of {description.tool}"]
    if not named and not runtime:
        notes.append(f"{target.runtime.name}: {reason}")
    if not _have_locks(functions):
        notes.append(_lock_note(_lock_choice(project)))
    return Proposal(
        table=table,
        comments=comments,
        notes=(*notes, *description.notes, *packages.notes),
        warnings=(*description.warnings, *warnings),
    )


def _choose_target(
    project: Project, named: str | None, where: str, runtime: str | None, architecture: str | None
) -> tuple[Target, str, list[str]]:
    """The target, the reason, and a warning where it is another than the one that the file ``where`` names."""
    try:
        return *choose_target(project, runtime=runtime or named, architecture=architecture), []
    except TargetError:
        if runtime is not None or named is None:
            raise
    target, reason = choose_target(project, architecture=architecture)
    warning = (
        f"{where} names {named}, which AWS no longer has or the project does not run on: "
        f"{target.runtime.name} is written instead"
    )
    return target, reason, [warning]


def _restricted(project: Project, folders: Iterable[str]) -> Project:
    """The project, with the ``requires-python`` of the folders that functions are packaged from added to its own."""
    own = [project.requires_python]
    own += [read_requires_python(project.root / each, project.files) for each in folders if each]
    return replace(project, requires_python=",".join(dict.fromkeys(filter(None, own))) or None)


def _as_it_is(project: Project, table: dict[str, Any], comments: dict[str, str]) -> Project:
    """Settle that the project's folder ships as it is, although it names a backend."""
    table["build-project"] = False
    comments["build-project"] = "a wheel of the project would not hold the code"
    return replace(project, has_build_system=False)


def _packages(functions: Mapping[str, Any], layers: Mapping[str, Any]) -> dict[str, Any]:
    named = {"functions": functions, "layers": layers}
    return {kind: dict(packages) for kind, packages in named.items() if packages}


def _architecture_comment(target: Target) -> str:
    return "or arm64, which costs less" if str(target.architecture) == "x86_64" else "or x86_64"


def _other_targets(
    description: Description, functions: Mapping[str, Any], project: Project, target: Target
) -> Iterator[str]:
    """Warnings about functions for which the file names another runtime or architecture."""
    for function in description.functions:
        for kind, named, chosen in (
            ("runtime", function.runtime, target.runtime.name),
            ("architecture", function.architecture, str(target.architecture)),
        ):
            most = description.runtime if kind == "runtime" else description.architecture
            if function.name not in functions or named in {None, chosen, most}:
                continue
            what = f"`{function.name}` is for {named} in {description.where}"
            try:
                choose_target(project, **{kind: named})
            except TargetError:
                yield f"{what}, which AWS no longer has or the project does not run on: it is built for {chosen}"
            else:
                yield f"{what}: build it with `wherry build {function.name} --{kind} {named}`"


def _have_locks(functions: Mapping[str, Any]) -> bool:
    """Whether every function has a folder or a lock of its own."""
    return bool(functions) and all(
        any(key in function for key in ("root", "lock", "package"))
        for function in functions.values()
    )


def _own_excludes(
    project: Project, functions: Mapping[str, Any], description: Description | None
) -> list[str]:
    """Patterns for files that are not code, of a project whose folder is packaged as it is."""
    plain = any(not function.keys() & {"root", "package"} for function in functions.values())
    if project.has_build_system or not plain:
        return []
    if description is not None and "!/app.py" in description.settings.get("exclude", ()):
        return []
    names = ["tests/", "test/"]
    if description is not None:
        names += [description.path.name, "samconfig.toml", "package.json", "package-lock.json"]
    return [f"/{name}" for name in names if (project.root / name).exists()]


def _runtime_comment(reason: str) -> str:
    """The reason for the runtime, without the versions that stand elsewhere in the project."""
    decided = reason.partition("; ")[0]
    if decided == "the newest runtime":
        return "the newest that AWS Lambda has"
    if decided.startswith("the newest runtime that requires-python"):
        return "the newest that requires-python admits"
    return decided


def _lock_choice(project: Project) -> Choice | None:
    from wherry.lock.find import choose_lock
    from wherry.lock.model import LockRequest

    return choose_lock(LockRequest(root=project.root), project.files)


def _lock_note(choice: Choice | None) -> str:
    if choice is None:
        return "there is no lock: `wherry lock` writes one"
    return f"dependencies are those of {choice.path.name}"


def _deploying_tools(choice: Choice | None, project: Project) -> Iterator[str]:
    """A warning where the requirements are those of an application of the AWS CDK or of Pulumi."""
    if choice is None or choice.path.suffix != ".txt":
        return
    if found := _DEPLOYING.search(project.files.read(choice.path)):
        yield (
            f"{choice.path.name} names `{found[1].decode()}`, which deploys functions and would be a part of them: "
            "keep what they import in a file of its own, and name that in `lock`"
        )
