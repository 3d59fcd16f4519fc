"""First settings in one call: proposed, and written to the project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from wherry.events import SILENT, Note, SettingsWritten, Warned
from wherry.settings.init.insert import file_of, insert, text_for
from wherry.settings.init.proposal import propose
from wherry.settings.project import read_project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.events import Reporter

__all__ = ["FirstSettings", "InitOptions", "init"]


class InitOptions(TypedDict, total=False):
    """What can be asked of first settings.

    Attributes:
        runtime: such as ``python3.13``; by default the newest that the project's ``requires-python`` admits.
        architecture: ``x86_64`` or ``arm64``.
        config: ``drover.yml`` or ``settings.spindrift``; by default the one in the project's folder.
        stage: the stage of ``drover.yml``, where it has several.
        install_path: the folder that ``pip install --target`` fills, if the project is built so.
    """

    runtime: str | None
    architecture: str | None
    config: Path | str | None
    stage: str | None
    install_path: Path | str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstSettings:
    """The settings of a project that had none.

    Attributes:
        path: the file that they belong in.
        written: whether they were written there.
        settings: ``[tool.wherry]``, as a table.
        text: the same as TOML.
    """

    path: Path
    written: bool
    settings: Mapping[str, Any]
    text: str

    def document(self) -> dict[str, Any]:
        """The JSON document of ``wherry init --json``."""
        return {
            "schema": 1,
            "path": self.path.as_posix(),
            "written": self.written,
            "settings": self.settings,
            "text": self.text,
        }


def init(
    project: Path | str = ".",
    *,
    write: bool = True,
    reporter: Reporter = SILENT,
    **options: Unpack[InitOptions],
) -> FirstSettings:
    """Propose settings for a project, and write them to its ``pyproject.toml``, or else ``wherry.toml``.

    Args:
        project: the project's folder.
        write: whether to write them; else they are only proposed.
        reporter: told where they come from, and what to check.
        options: what is asked, as ``InitOptions`` describes it.

    Raises:
        WherryError: the project has settings, or those of an older tool are wrong; nothing was written.
    """
    config, install_path = options.get("config"), options.get("install_path")
    found = read_project(Path(project))
    proposal = propose(
        found,
        runtime=options.get("runtime"),
        architecture=options.get("architecture"),
        config=None if config is None else Path(config),
        stage=options.get("stage"),
        install_path=None if install_path is None else Path(install_path).as_posix(),
    )
    for note in proposal.notes:
        reporter.emit(Note(text=note))
    for warning in proposal.warnings:
        reporter.emit(Warned(text=warning))
    path = file_of(found.root)
    if write:
        text = insert(path, proposal.table, proposal.comments)
        reporter.emit(SettingsWritten(path=path))
    else:
        text = text_for(path, proposal.table, proposal.comments)
    return FirstSettings(
        path=Path(project) / path.name, written=write, settings=proposal.table, text=text
    )
