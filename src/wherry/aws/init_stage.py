"""A stage of the settings, written from the functions that AWS has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from msgspec import field
from msgspec.structs import replace

from wherry.aws.client import Client
from wherry.aws.init_layers import AdoptedLayer, adopt_layers, is_own_layer
from wherry.aws.model import ObservedFunction, layer_name, same_handler
from wherry.aws.observe import observe_function
from wherry.errors import DeployError, SettingsError
from wherry.events import SILENT, Note, Reporter, SettingsWritten, Warned
from wherry.problems import did_you_mean, refuse_options
from wherry.settings.init.proposal import Proposal, propose
from wherry.settings.init.write import FirstSettings, insert, settings_file, text_for
from wherry.settings.model import MANAGED, StageSettings
from wherry.settings.project import Project, choose_target, read_project
from wherry.shims.shim import SHIM_HANDLER
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


__all__ = ["StageSource", "init_stage"]


class StageSource(TypedDict, total=False):
    """Where a stage is on AWS.

    Attributes:
        region: of the functions; by default that of the environment or the profile.
        profile: of the user's AWS configuration.
        runtime: of first settings; by default the functions'.
        architecture: of first settings; by default the functions'.
    """

    region: str | None
    profile: str | None
    runtime: str | None
    architecture: str | None


class _Found(Struct, frozen=True, kw_only=True):
    """The functions that AWS has, by their names in the settings, with layers that become those of the settings."""

    functions: Mapping[str, ObservedFunction]
    region: str
    adopted: tuple[AdoptedLayer, ...] = ()
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def init_stage(
    project: Path | str = ".",
    stage: str = "",
    functions: Sequence[str] = (),
    *,
    write: bool = True,
    reporter: Reporter = SILENT,
    **source: Unpack[StageSource],
) -> FirstSettings:
    """Write a stage for functions that AWS has: region, names, aliases and layers. Nothing on AWS is changed.

    A project without settings gets first settings too, as ``init`` proposes them.

    Args:
        project: the project's folder.
        stage: the name of the stage, which the settings do not have yet.
        functions: names or ARNs on AWS, or ``NAME=FUNCTION`` with the name in the settings.
        write: whether to write it; else it is only proposed.
        reporter: told where it comes from, and what to check.
        source: as ``StageSource`` describes it.

    Raises:
        DeployError: there is no such function on AWS, or it cannot be deployed.
        WherryError: the input is wrong, or something failed; nothing was written.
    """
    refuse_options(source, StageSource)
    if not re.fullmatch(r"[A-Za-z0-9_-]+", stage):
        raise SettingsError(
            f"`{stage}` is not a name for a stage",
            hint="it consists of letters, digits, `-` and `_`",
        )
    read = read_project(Path(project))
    path, has_settings = settings_file(read.root)
    if stage in read.settings.stages:
        raise SettingsError(
            f"the settings have a stage `{stage}`",
            hint="choose another name, or remove that stage from the settings first",
        )
    observed, client = _observe(stage, functions, source)
    first = next(iter(observed.values()))
    proposal = Proposal(table={})
    if not has_settings:
        proposal = propose(
            read,
            runtime=source.get("runtime") or first.latest.runtime,
            architecture=source.get("architecture") or first.latest.architecture,
        )
    packages = {kind: {**getattr(read.settings, kind)} for kind in ("functions", "layers")}
    packages |= {kind: proposal.table.get(kind, {}) for kind in packages if not has_settings}
    named = _named(observed, [*packages["functions"]] or [read.name])
    found = _Found(functions=named, region=client.region)
    if not has_settings:
        adopted = adopt_layers(read.root, named, packages["functions"], client)
        found = replace(found, adopted=adopted)
        proposal = replace(proposal, table=_with_layers(proposal.table, adopted))
    if has_settings:
        _compare_targets(read, found)
    switched = _compare_handlers(packages["functions"], found)
    table = _stage_table(found, stage, [*packages["layers"]], source.get("profile"))
    for name in switched:
        table["functions"][name]["manage"] = [*MANAGED, "handler"]
    key = f"stages.{stage}"
    comments = {
        **proposal.comments,
        **_as_on_aws(source),
        key: f"from {', '.join(one.aws_name for one in named.values())}; "
        'packages over 50 MiB need a bucket: bucket = "s3://…"',
    }
    settings = {**proposal.table, "stages": {stage: table}}
    asked = source.get("runtime") is not None
    notes = [note for note in proposal.notes if asked or not note.endswith(": as asked")]
    for note in (*notes, *found.notes):
        reporter.emit(Note(text=note))
    for warning in (*proposal.warnings, *found.warnings):
        reporter.emit(Warned(text=warning))
    if write:
        text = insert(path, settings, comments, beside=has_settings)
        reporter.emit(SettingsWritten(path=path))
    else:
        text = text_for(path, settings, comments)
    return FirstSettings(
        path=Path(project) / path.name, written=write, settings=settings, text=text
    )


def _as_on_aws(source: StageSource) -> dict[str, str]:
    """Comments for what first settings take from AWS."""
    return {
        key: "as the function on AWS has it"
        for key in ("runtime", "architecture")
        if source.get(key) is None
    }


def _observe(
    stage: str, functions: Sequence[str], source: StageSource
) -> tuple[dict[str, ObservedFunction], Client]:
    """The functions by what was asked for, and the client that sees them."""
    asked = [text.rpartition("=")[2] for text in functions]
    regions = {text.split(":")[3] for text in asked if text.startswith("arn:")}
    region = source.get("region")
    if len(regions | ({region} if region else set())) > 1:
        raise SettingsError(
            "a stage is in one region", where=[f"these name {', '.join(sorted(regions))}"]
        )
    settings = StageSettings(
        region=region or next(iter(regions), None), profile=source.get("profile")
    )
    client = Client(settings, name=stage)
    observed = {}
    with client.explaining():
        for text, name in zip(functions, asked, strict=True):
            function = observe_function(client, name, versions=True)
            if function is None:
                raise DeployError(
                    f"there is no function `{name}` in {client.region}",
                    hint="check the name, --region and --profile",
                )
            if function.package_type != "Zip":
                raise DeployError(
                    f"function `{name}` runs a container image",
                    hint="a function cannot change from an image to a zip: create another one",
                )
            observed[text] = function
    return observed, client


def _named(
    observed: Mapping[str, ObservedFunction], known: Sequence[str]
) -> dict[str, ObservedFunction]:
    """The functions by their names in the settings: as asked, the only one, or the one that AWS's name contains."""
    named: dict[str, ObservedFunction] = {}
    for text, function in observed.items():
        name, given, _ = text.rpartition("=")
        if not given:
            aws_name = function.arn.split(":")[6]
            fitting = [one for one in known if _contains(aws_name, one)]
            name = max(fitting, key=len) if fitting else known[0] if len(known) == 1 else ""
        if name not in known or name in named:
            raise SettingsError(
                f"which function of the settings is `{function.aws_name}`?",
                where=[f"the settings have {', '.join(f'`{one}`' for one in known)}"],
                hint=did_you_mean(name, known=known)
                or f"name it: --from {known[0]}={function.aws_name}",
            )
        named[name] = function
    return named


def _contains(aws_name: str, name: str) -> bool:
    """Whether a name on AWS contains the parts of another name, next to each other."""
    parts, wanted = (re.split(r"[-_.]+", text.lower()) for text in (aws_name, name))
    return any(parts[start : start + len(wanted)] == wanted for start in range(len(parts)))


def _compare_targets(project: Project, found: _Found) -> None:
    """Warn of functions for another runtime or architecture than the project is built for."""
    target, _ = choose_target(project)
    for name, function in found.functions.items():
        for kind, actual, built in (
            ("runtime", function.latest.runtime, target.runtime.name),
            ("architecture", function.latest.architecture, str(target.architecture)),
        ):
            if actual != built:
                found.warnings.append(
                    f"function `{function.aws_name}` has the {kind} {actual}, and `{name}` is built for {built}: "
                    f'change one of them, or put "{kind}" into `manage` of the stage'
                )


def _compare_handlers(functions: Mapping[str, Any], found: _Found) -> list[str]:
    """Warn of functions with another handler than in the settings; the names of those that get another adapter."""
    switched = []
    for name, function in found.functions.items():
        app, handler = (_setting(functions.get(name), key) for key in ("app", "handler"))
        if app is not None and not same_handler(SHIM_HANDLER, function.latest.handler):
            # The package has no other handler: without this one the function would fail.
            switched.append(name)
            found.notes.append(
                f"the first deployment changes the handler of function `{function.aws_name}`: {function.latest.handler} → "
                f"{SHIM_HANDLER}"
            )
        if handler is not None and not same_handler(handler, function.latest.handler):
            found.warnings.append(
                f"function `{function.aws_name}` has the handler {function.latest.handler}, and `{name}` of the "
                f'settings {handler}: put "handler" into `manage` of the stage to have it changed'
            )
    return switched


def _setting(settings: object, key: str) -> Any:
    return settings.get(key) if isinstance(settings, dict) else getattr(settings, key, None)


def _stage_table(
    found: _Found, stage: str, layers: Sequence[str], profile: str | None
) -> dict[str, Any]:
    """``[tool.wherry.stages.STAGE]``."""
    aliases = {name: _alias(one, stage, found) for name, one in found.functions.items()}
    common = {*aliases.values()}
    shared = next(iter(common)) if len(common) == 1 else None
    table: dict[str, Any] = {"region": found.region}
    if profile is not None:
        table["profile"] = profile
    if shared is not None:
        table["alias"] = shared
    table["functions"] = {
        name: {
            "name": function.aws_name,
            **({"alias": alias} if (alias := aliases[name]) and alias != shared else {}),
        }
        for name, function in found.functions.items()
    }
    own = _own_layers(found, layers)
    if own:
        table["layers"] = {name: {"name": aws_name} for name, aws_name in own.items()}
    return table


def _alias(function: ObservedFunction, stage: str, found: _Found) -> str | None:
    """The alias that callers use: the only one, or the one that is called as the stage."""
    names = [alias.name for alias in function.aliases]
    name = stage if stage in names else names[0] if len(names) == 1 else None
    if not names:
        found.notes.append(
            f"function `{function.aws_name}` has no alias: callers get $LATEST, and going back takes longer"
        )
    elif name is None:
        found.warnings.append(
            f"function `{function.aws_name}` has the aliases {', '.join(names)}: put that of this stage into it, "
            f'alias = "{names[0]}"'
        )
    return name


def _with_layers(table: Mapping[str, Any], adopted: Sequence[AdoptedLayer]) -> Mapping[str, Any]:
    """First settings, with layers that were made by hand."""
    if not adopted:
        return table
    functions = {
        name: {
            **settings,
            **(
                {"layers": own}
                if (own := [one.name for one in adopted if name in one.functions])
                else {}
            ),
        }
        for name, settings in table["functions"].items()
    }
    layers = {one.name: one.settings for one in adopted}
    return {**table, "functions": functions, "layers": {**table.get("layers", {}), **layers}}


def _own_layers(found: _Found, layers: Sequence[str]) -> dict[str, str]:
    """Names on AWS of layers of the settings, as far as the functions have them; the others are told."""
    own = {one.name: layer_name(one.arn) for one in found.adopted}
    for one in found.adopted:
        found.notes.append(
            f"the layer {one.arn} has distributions of the project, and becomes the layer `{one.name}`"
        )
    adopted = {one.arn for one in found.adopted}
    for function in found.functions.values():
        for arn in function.latest.layers:
            assert isinstance(arn, str)  # noqa: S101  observed layers are published
            aws_name = layer_name(arn)
            fitting = [name for name in layers if _contains(aws_name, name)]
            if arn in adopted:
                continue
            if is_own_layer(arn, function) and fitting:
                own.setdefault(max(fitting, key=len), aws_name)
            else:
                found.notes.append(
                    f"function `{function.aws_name}` keeps its layer {arn}, which is not in the settings"
                )
    return own
