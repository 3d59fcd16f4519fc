"""First settings in one call: proposed, and written to the project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from wherry.errors import OutputError, ProjectError, SettingsError
from wherry.events import SILENT, Note, SettingsWritten, Warned
from wherry.files import ProjectFiles, reason_of
from wherry.problems import refuse_options
from wherry.settings.init.proposal import Proposal, propose
from wherry.settings.legacy.toml import render
from wherry.settings.project import read_project
from wherry.settings.source import read_toml
from wherry.store.temporary import replace_file
from wherry.structs import Struct
from wherry.untrusted import inner_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wherry.events import Reporter

__all__ = ["FirstSettings", "InitOptions", "init", "insert", "settings_file", "text_for"]


class InitOptions(TypedDict, total=False):
    """The options of first settings.

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


class FirstSettings(Struct, frozen=True, kw_only=True):
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
    remarks: Callable[[Path, Mapping[str, Any]], Sequence[str]] = lambda _root, _table: (),
    settle: Callable[[Proposal], Proposal] = lambda proposal: proposal,
    **options: Unpack[InitOptions],
) -> FirstSettings:
    """Propose settings for a project, and write them to its ``pyproject.toml``, or else ``wherry.toml``.

    Args:
        project: the project's folder.
        write: whether to write them; else they are only proposed.
        reporter: told where they come from, and what to check.
        remarks: given the project's folder and the settings, returns lines of comments that are put beside those of the
            whole project.
        settle: given the proposal, returns the one that is made.
        options: what is asked, as ``InitOptions`` describes it.

    Raises:
        WherryError: the project has settings, or those of an older tool are wrong; nothing was written.
    """
    refuse_options(options, InitOptions)
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
    proposal = settle(proposal)
    for note in proposal.notes:
        reporter.emit(Note(text=note))
    for warning in proposal.warnings:
        reporter.emit(Warned(text=warning))
    path, _ = settings_file(found.root)
    lines = remarks(found.root, proposal.table)
    if write:
        text = insert(path, proposal.table, proposal.comments, remarks=lines)
        reporter.emit(SettingsWritten(path=path))
    else:
        text = text_for(path, proposal.table, proposal.comments, lines)
    return FirstSettings(
        path=Path(project) / path.name, written=write, settings=proposal.table, text=text
    )


def settings_file(root: Path) -> tuple[Path, bool]:
    """The file for a project's settings, and whether it holds some: ``pyproject.toml``, or ``wherry.toml``."""
    pyproject, own = root / "pyproject.toml", root / "wherry.toml"
    if own.is_file() or not pyproject.is_file():
        return own, own.is_file()
    return pyproject, "wherry" in inner_table(read_toml(pyproject, ProjectFiles()), "tool")


def text_for(
    path: Path, table: Mapping[str, Any], comments: Mapping[str, str], remarks: Sequence[str] = ()
) -> str:
    """The settings as text for that file, with lines of comments after the keys of the whole project."""
    prefix = ("tool", "wherry") if path.name == "pyproject.toml" else ()
    text = render(table, prefix=prefix, comments=comments)
    if not remarks:
        return text
    own = {key: value for key, value in table.items() if not isinstance(value, dict)}
    head = render(own, prefix=prefix, comments=comments)
    if not text.startswith(head):
        head = ""
    return head + "".join(f"{line}\n" for line in remarks) + text[len(head) :]


def insert(
    path: Path,
    table: Mapping[str, Any],
    comments: Mapping[str, str],
    *,
    beside: bool = False,
    remarks: Sequence[str] = (),
) -> str:
    """Append settings to a file, or write them to a new one; all or nothing.

    With ``beside``, the file holds other settings, beside which these are put. Returns the text that was added.

    Raises:
        SettingsError: the file, or another one of the project, holds settings; or its syntax allows no
            further table.
        ProjectError: it cannot be read.
        OutputError: it cannot be written.
    """
    import tomllib

    files = ProjectFiles()
    try:
        content = files.read(path)
    except FileNotFoundError:
        content = b""
    except OSError as error:
        raise ProjectError(f"cannot read `{path}`", where=[reason_of(error)]) from error
    if not beside:
        _refuse_settings(path, files)
    text = text_for(path, table, comments, remarks)
    mark = "\ufeff" if content.startswith(b"\xef\xbb\xbf") else ""
    old = content.decode("utf-8-sig")
    newline = "\r\n" if "\r\n" in old else "\n"
    if old and not old.endswith("\n"):
        old += newline
    new = old + (newline if old.strip() else "") + text.replace("\n", newline)
    try:
        document = tomllib.loads(new)
    except tomllib.TOMLDecodeError as error:
        # Such as `tool = { … }`: an inline table cannot be extended.
        raise SettingsError(
            f"`{path.name}` does not allow [tool.wherry] at its end",
            where=[str(error)],
            hint="run `wherry init --dry-run`, and put what it prints where it belongs",
        ) from error
    keys = ("tool", "wherry") if path.name == "pyproject.toml" else ()
    before = inner_table(tomllib.loads(old), *keys) if beside else {}
    if inner_table(document, *keys) != _merged(before, table):
        raise SettingsError(
            f"`{path.name}` would not hold the intended settings",
            hint="run `wherry init --dry-run`, and put what it prints where it belongs",
        )
    try:
        replace_file(path, f"{mark}{new}".encode())
    except OSError as error:
        raise OutputError(f"cannot write `{path}`", where=[reason_of(error)]) from error
    return text


def _merged(table: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Both tables, with the tables in them merged."""
    merged = dict(table)
    for key, value in other.items():
        mine = merged.get(key)
        if isinstance(mine, dict) and isinstance(value, dict):
            merged[key] = _merged(mine, value)
        else:
            merged[key] = value
    return merged


def _refuse_settings(path: Path, files: ProjectFiles) -> None:
    """Refuse a project that has settings of Wherry."""
    holder = None
    if path.with_name("wherry.toml").exists():
        holder = "wherry.toml holds them"
    elif path.name == "pyproject.toml" and "wherry" in inner_table(read_toml(path, files), "tool"):
        holder = "pyproject.toml holds [tool.wherry]"
    if holder is not None:
        raise SettingsError(
            "the project already has settings",
            where=[holder],
            hint="`wherry init --dry-run` prints what it would write",
        )
