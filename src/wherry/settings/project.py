"""A project, read from disk once and frozen."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import field
from msgspec.structs import replace

from wherry.bundle.default_excludes import VIRTUALENV_MARK, is_excluded_by_default
from wherry.errors import ProjectError, SettingsError, TargetError
from wherry.files import ProjectFiles, walk_folders
from wherry.problems import nearest
from wherry.settings.read import read_settings
from wherry.settings.source import (
    SettingsSource,
    metadata_string,
    named_source,
    own_source,
    read_toml,
)
from wherry.structs import Struct
from wherry.target import (
    RUNTIMES,
    Architecture,
    Target,
    admits,
    find_architecture,
    find_runtime,
    newest_runtime,
    parse_requires_python,
)
from wherry.untrusted import inner_string, inner_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.settings.model import Settings
    from wherry.settings.runtime import DefaultRuntime
    from wherry.target import PythonRequirement, Runtime

__all__ = [
    "DEFAULT_OUTPUT",
    "Project",
    "choose_target",
    "default_runtime",
    "read_project",
    "read_requires_python",
]

DEFAULT_OUTPUT = "dist/lambda"


class Project(Struct, frozen=True, kw_only=True):
    """A folder with a Python project.

    Attributes:
        root: its folder, absolute.
        name: its name: that of its settings, of its metadata, or of its folder.
        requires_python: the versions of Python in its metadata or its ``Pipfile``, as a PEP 440 specifier.
        has_build_system: whether ``pyproject.toml`` has a ``[build-system]`` table, so that its own code
            is packaged by its backend and not by copying its folder.
        inputs: the files that were read.
        warnings: what of them the user will probably want to change.
        files: read the files that describe it, each once.
    """

    root: Path
    name: str
    version: str | None
    requires_python: str | None
    has_build_system: bool
    settings: Settings
    inputs: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    files: ProjectFiles = field(default_factory=ProjectFiles)


def read_project(
    root: Path,
    *,
    config: Path | None = None,
    stage: str | None = None,
    install_path: Path | None = None,
    name: str | None = None,
    files: ProjectFiles | None = None,
) -> Project:
    """The project in a folder. Each of its files is opened and parsed once.

    Args:
        root: the folder.
        config: the file that holds the settings, in place of the project's own: Wherry's tables in TOML,
            ``drover.yml`` or ``settings.spindrift``. A relative path starts at the current folder, or else at
            the project.
        stage: the stage of ``drover.yml``, where it has several.
        install_path: a folder that an installer filled, to be packaged in place of what a lock gives.
        name: the project's name, in place of that in its metadata and settings.
        files: read its files; by default they are read anew.

    Raises:
        ProjectError: the folder holds no Python project, or its TOML files cannot be read.
        SettingsError: its settings are wrong.
    """
    root, files = Path(root).absolute(), files or ProjectFiles()
    if not root.is_dir():
        folder = root.parent if root.is_file() else "DIR"
        raise ProjectError(
            f"`{root}` is not a folder", hint=f"name the project's folder: --project {folder}"
        )
    pyproject = root / "pyproject.toml"
    has_pyproject = pyproject.is_file()
    document = read_toml(pyproject, files) if has_pyproject else {}
    if config is None:
        source = own_source(root, document, files)
    else:
        path = _find_config(root, config)
        source = named_source(path, files, stage=stage, install_path=install_path, name=name)
    if stage is not None and source.legacy is None:
        raise SettingsError(
            f"there is no stage `{stage}` to build for",
            where=["only the stages of a `drover.yml` build different packages"],
            hint="name it: --config drover.yml",
        )
    inputs = [pyproject] if has_pyproject else []
    if source.path is not None and source.path not in inputs:
        inputs.append(source.path)
    if not inputs and install_path is None:
        _require_project(root)
    settings = read_settings(source.table, source.where)
    if install_path is not None:
        settings = replace(settings, install_path=str(install_path))
    if name is not None:
        settings = replace(settings, name=name)
    metadata_name = metadata_string(document, "name")
    full_name = settings.name or metadata_name or root.name
    requires_python = read_requires_python(root, files)
    if (root / "Pipfile").is_file():
        inputs.append(root / "Pipfile")
    return Project(
        root=root,
        # Without characters that are unsafe in the name of a file.
        name=re.sub(r"[^A-Za-z0-9._-]+", "-", full_name).strip("-.") or "function",
        version=metadata_string(document, "version"),
        requires_python=requires_python,
        has_build_system="build-system" in document,
        settings=settings,
        inputs=tuple(inputs),
        notes=_notes(root, source, metadata_name, has_config=config is not None),
        warnings=source.legacy.warnings if source.legacy is not None else _misspelled(document),
        files=files,
    )


def _find_config(root: Path, config: Path) -> Path:
    path = config.absolute() if config.exists() else root / config
    if not path.is_file():
        raise SettingsError(
            f"there is no file `{config}`", hint="--config expects a file with settings"
        )
    return path


def _require_project(root: Path) -> None:
    """Refuse a folder without any file of a Python project; a Python file makes one, however deep it lies."""
    names = os.listdir(root)  # noqa: PTH208
    if any(
        name.endswith(".py")
        or re.fullmatch(
            r"pylock(\..+)?\.toml|requirements.*\.(txt|in)|setup\.cfg|Pipfile(\.lock)?", name
        )
        for name in names
    ):
        return
    for _, folders, below in walk_folders(root):
        if VIRTUALENV_MARK in below:
            folders.clear()
            continue
        if any(name.endswith(".py") for name in below):
            return
        folders[:] = [name for name in folders if not is_excluded_by_default(name, at_root=False)]
    raise ProjectError(
        f"no Python project in `{root}`",
        where=["it holds no pyproject.toml, no lock, no requirements.txt and no Python file"],
        hint="change to the project's folder, or name it: --project DIR",
    )


def _misspelled(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Warnings about tables of a ``pyproject.toml`` whose name is nearly that of Wherry's."""
    tables = inner_table(document, "tool")
    # Only a name that begins like it is compared: importing what compares takes time.
    names = [name for name in tables if name[:1] in "Ww" and name != "wherry"]
    return tuple(
        f"[tool.{name}] of `pyproject.toml` is not read: did you mean [tool.wherry]?"
        for name in names
        if nearest(name.lower(), ["wherry"], similarity=0.8)
    )


def _notes(
    root: Path, source: SettingsSource, metadata_name: str | None, *, has_config: bool
) -> tuple[str, ...]:
    """The notes for the user about the settings."""
    if source.legacy is not None:
        from wherry.settings.legacy.read import require_distribution

        require_distribution(source.legacy, project=metadata_name or root.name, root=root)
        return source.legacy.notes
    if has_config or source.table:
        return ()
    from wherry.settings.legacy import LEGACY_FILES

    return tuple(
        f"`{name}` was not read: name it with `--config {name}`, or convert it to Wherry's own settings "
        "with `wherry init`"
        for name in LEGACY_FILES
        if (root / name).is_file()
    )


def read_requires_python(root: Path, files: ProjectFiles) -> str | None:
    """The versions of Python in the metadata or the ``Pipfile`` of a folder; None where nothing names them.

    Raises:
        ProjectError: a file cannot be read, or Poetry's form of it is wrong.
    """
    pyproject, pipfile = root / "pyproject.toml", root / "Pipfile"
    document = read_toml(pyproject, files) if pyproject.is_file() else {}
    own = inner_string(document, "project", "requires-python") or _poetry_python(document)
    if own is None and pipfile.is_file():
        own = _pipfile_python(read_toml(pipfile, files))
    return own


def _poetry_python(document: Mapping[str, Any]) -> str | None:
    """Poetry's own spelling of requires-python (``^3.11``), if PEP 440 can express it."""
    value = inner_string(document, "tool", "poetry", "dependencies", "python")
    if value is None or value == "*":
        return None
    from wherry.lock.poetry.constraint import parse_constraint

    try:
        alternatives = parse_constraint(value).alternatives
    except ValueError as error:
        raise ProjectError(
            "the project's Python cannot be understood", where=[str(error)]
        ) from error
    # PEP 440 has no "or"; the lock says the rest.
    return str(alternatives[0]) if len(alternatives) == 1 else None


def _is_of_pipfile(project: Project) -> bool:
    """Whether it is a ``Pipfile`` that names the version of Python: an interpreter to lock with, not a limit."""
    pipfile = project.root / "Pipfile"
    return pipfile.is_file() and project.requires_python == _pipfile_python(
        read_toml(pipfile, project.files)
    )


def _pipfile_python(pipfile: Mapping[str, Any]) -> str | None:
    """The version of Python that a ``Pipfile`` is for, without its patch level, which AWS Lambda chooses."""
    version = inner_string(pipfile, "requires", "python_version") or inner_string(
        pipfile, "requires", "python_full_version"
    )
    match = re.match(r"\d+(\.\d+)?(?!\d)", version or "")
    return f"=={match[0]}.*" if match else None


def choose_target(
    project: Project, *, runtime: str | None = None, architecture: str | None = None
) -> tuple[Target, str]:
    """The target to build for, and a line with the reason: the options, the settings, or the defaults.

    Raises:
        TargetError: it is unknown, or the project's ``requires-python`` excludes it.
    """
    settings = project.settings
    name = architecture or settings.architecture
    chosen_runtime, reason = _choose_runtime(project, runtime)
    return Target(
        runtime=chosen_runtime,
        architecture=find_architecture(name) if name else Architecture.X86_64,
    ), reason


def default_runtime(project: Project) -> DefaultRuntime:
    """The runtime that the project is built for when neither an option nor the settings name one.

    Raises:
        ProjectError: its ``requires-python`` cannot be understood.
        TargetError: that admits no runtime.
    """
    from wherry.settings.runtime import find_default

    runtimes = {**RUNTIMES, **project.settings.runtimes}
    return project.files.once(
        ("default runtime", project.root, project.requires_python),
        lambda: find_default(
            project.root,
            project.files,
            _requires_python(project),
            text=project.requires_python,
            runtimes=runtimes,
        ),
    )


def _requires_python(project: Project) -> PythonRequirement | None:
    text = project.requires_python
    try:
        return None if text is None else parse_requires_python(text)
    except ValueError as error:  # packaging's InvalidSpecifier is one
        raise ProjectError(
            "the project's requires-python cannot be understood", where=[str(error)]
        ) from error


def _choose_runtime(project: Project, option: str | None) -> tuple[Runtime, str]:
    runtimes = {**RUNTIMES, **project.settings.runtimes}
    requires = _requires_python(project)
    name = option or project.settings.runtime
    if name is None:
        default = default_runtime(project)
        return default.runtime, default.reason
    try:
        runtime = find_runtime(name, runtimes=runtimes)
    except TargetError as error:
        if option is not None:
            raise
        newest = newest_runtime(requires, runtimes=runtimes).name
        raise TargetError(
            error.message,
            where=[*error.where, "the settings name it"],
            hint=f"choose another there, or on the command line, which has precedence: --runtime {newest}",
        ) from error
    reason = "as asked" if option else "by the settings"
    if requires is not None and not admits(requires, runtime):
        if _is_of_pipfile(project):
            return (
                runtime,
                f"{reason}, although the `Pipfile` is for Python {project.requires_python}",
            )
        admitted = [name for name, other in runtimes.items() if admits(requires, other)]
        raise TargetError(
            f"the project does not run on {runtime.name}",
            where=[f"its requires-python is `{project.requires_python}`"],
            hint=f"choose one of {', '.join(admitted)}" if admitted else None,
        )
    return runtime, reason
