"""A stage of a project: what its functions and layers are called on AWS, and the way there. Nothing is built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.aws.cloud import Cloud
from wherry.aws.desired import find_stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.project import Project
    from wherry.settings.stages import StageSettings

__all__ = ["Site", "find_site"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A stage of a project.

    Attributes:
        project: with its settings.
        stage: of the settings.
        cloud: to call.
        functions: AWS's names by those of the settings, as far as they were asked for.
        layers: the same for layers.
    """

    project: Project
    stage: StageSettings
    cloud: Cloud
    functions: Mapping[str, str]
    layers: Mapping[str, str]


def find_site(
    project: Path | str,
    stage: str,
    *,
    names: Sequence[str] = (),
    name: str | None = None,
    config: Path | str | None = None,
) -> Site:
    """The stage of a project.

    Args:
        project: the project's folder.
        stage: of the settings.
        names: the functions and layers that are meant; all when empty.
        name: what the function is called, where the settings name none.
        config: a file with the settings, in place of the project's.

    Raises:
        ProjectError: there is no project.
        SettingsError: the settings are wrong, or have no such stage, function or layer.
    """
    from wherry.compose.recipe import recipes
    from wherry.legacy import is_legacy
    from wherry.project import read_project

    path = None if config is None else Path(config)
    of_file = stage if path is not None and is_legacy(path) else None
    found = read_project(Path(project), config=path, stage=of_file, name=name)
    said = find_stage(found, stage)
    meant = [
        one
        for one in recipes(found.settings, name=found.name, names=names)
        # Layers that a named function needs come along there, and are not meant here.
        if not names or one.name in names
    ]
    return Site(
        project=found,
        stage=said,
        cloud=Cloud(said, name=stage),
        functions={
            one.name: said.function_on_aws(one.name, project=found.name, stage=stage)
            for one in meant
            if one.kind == "function"
        },
        layers={
            one.name: said.layer_on_aws(one.name, project=found.name, stage=stage)
            for one in meant
            if one.kind == "layer"
        },
    )
