"""Inspecting packages, compared with what is on AWS where a stage is named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from wherry.events import SILENT, Reporter
from wherry.pipeline.inspect import InspectReport, inspect_packages
from wherry.store.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from wherry.pipeline.options import InspectOptions
    from wherry.store import Store

__all__ = ["inspect"]


def inspect(
    project: Path | str = ".",
    *,
    store: Store | None = None,
    reporter: Reporter = SILENT,
    **options: Unpack[InspectOptions],
) -> InspectReport:
    """Show what is in a project's packages, which are built first, or in zip archives of any tool.

    Args:
        project: the project's folder; not read where ``files`` are given.
        store: where files are kept, and what was found out is remembered; by default the user's.
        reporter: told what happens.
        options: what is asked, as ``wherry.InspectOptions`` and ``wherry.BuildOptions`` describe it.

    Raises:
        WherryError: a package cannot be built, a file or AWS not be read, or what is asked about is not there.
    """
    stage = options.get("against")
    if not isinstance(stage, str) or not _is_stage(project, stage, options):
        return inspect_packages(project, store=store, reporter=reporter, **options)
    from wherry.aws.live_packages import download_packages
    from wherry.aws.stage import read_stage

    read = read_stage(project, stage, name=options.get("name"), config=options.get("config"))
    with temporary_folder("inspect") as folder:

        def before(names: Collection[str]) -> Mapping[str, Path]:
            functions, layers = (
                {name: aws_name for name, aws_name in part.items() if name in names}
                for part in (read.functions, read.layers)
            )
            return download_packages(read.client, functions, layers, folder)

        return inspect_packages(project, store=store, reporter=reporter, before=before, **options)


def _is_stage(project: Path | str, name: str, options: InspectOptions) -> bool:
    """Whether settings have a stage of that name, and it is no file."""
    if options.get("files") or Path(name).is_file():
        return False
    from wherry.aws.stage import legacy_stage
    from wherry.settings.project import read_project

    config = options.get("config")
    path, legacy = None if config is None else Path(config), legacy_stage(config, name)
    read = read_project(
        Path(project),
        config=path,
        stage=legacy or options.get("stage"),
        name=options.get("name"),
    )
    return name in read.settings.stages
