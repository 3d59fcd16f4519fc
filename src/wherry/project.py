"""A project, read from disk once and frozen.

Settings stand in ``[tool.wherry]`` of ``pyproject.toml``, or in ``wherry.toml`` without that prefix, or in
the file of an older tool (``wherry.legacy``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry.errors import ProjectError, SettingsError, TargetError
from wherry.requires_python import parse_requires_python
from wherry.settings.read import read_settings
from wherry.target import (
    RUNTIMES,
    Architecture,
    Target,
    admits,
    find_architecture,
    find_runtime,
    newest_runtime,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.legacy import Translation
    from wherry.settings.model import Settings
    from wherry.target import PythonRequirement

__all__ = ["DEFAULT_OUTPUT", "Project", "choose_target", "read_project"]

DEFAULT_OUTPUT = "dist/lambda"


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A folder with a Python project.

    Attributes:
        root: its folder, absolute.
        name: its name, as its metadata or else its folder has it.
        version: its version, where its metadata says one.
        requires_python: what its metadata says, or else its ``Pipfile``, as a PEP 440 specifier.
        has_build_system: whether ``pyproject.toml`` has a ``[build-system]`` table, so that its own code
            is packaged by its backend and not by copying its folder.
        settings: ``[tool.wherry]``.
        inputs: the files that the above was read from.
        notes: what to tell about the settings.
    """

    root: Path
    name: str
    version: str | None
    requires_python: str | None
    has_build_system: bool
    settings: Settings
    inputs: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def read_project(
    root: Path,
    *,
    config: Path | None = None,
    stage: str | None = None,
    install_path: Path | None = None,
    name: str | None = None,
) -> Project:
    """The project in a folder.

    Args:
        root: the folder.
        config: the file that holds the settings, in place of the project's own: Wherry's tables in TOML,
            ``drover.yml`` or ``settings.spindrift``. A relative path starts at the current folder, or else at
            the project.
        stage: the stage of ``drover.yml``, where it has several.
        install_path: a folder that an installer filled, to be packaged in place of what a lock gives.
        name: what the project is called, in place of what its metadata and settings say.

    Raises:
        ProjectError: the folder holds no Python project, or its TOML files cannot be read.
        SettingsError: its settings are wrong.
    """
    root = Path(root).absolute()
    if not root.is_dir():
        raise ProjectError(
            f"`{root}` is not a folder", hint="name the project's folder: --project DIR"
        )
    pyproject = root / "pyproject.toml"
    own = root / "wherry.toml"
    inputs: list[Path] = []
    document: dict[str, Any] = {}
    table: object = {}
    where = "pyproject.toml [tool.wherry]"
    if pyproject.is_file():
        document = _read_toml(pyproject)
        inputs.append(pyproject)
        table = _table(document, "tool").get("wherry", {})
    given = None
    if config is not None:
        given = _read_config(root, config, stage=stage, install_path=install_path, name=name)
        table, where = given.table, given.where
        inputs.append(given.path)
    elif own.is_file():
        if table:
            raise SettingsError(
                "two places hold Wherry's settings",
                where=["pyproject.toml has [tool.wherry]", "wherry.toml stands beside it"],
                hint="keep one of them",
            )
        table, where = _read_toml(own), "wherry.toml"
        inputs.append(own)
    if stage is not None and (given is None or given.legacy is None):
        raise SettingsError(
            f"there is no stage `{stage}` to build for",
            where=["only the stages of a `drover.yml` build different packages"],
            hint="name it: --config drover.yml",
        )
    if not inputs and install_path is None and not _looks_like_a_project(root):
        raise ProjectError(
            f"no Python project in `{root}`",
            where=["it holds no pyproject.toml, no lock, no requirements.txt and no Python file"],
            hint="change to the project's folder, or name it: --project DIR",
        )
    project = _table(document, "project")
    poetry = _table(_table(document, "tool"), "poetry")
    settings = read_settings(table, where)
    if install_path is not None:
        settings = replace(settings, install_path=str(install_path))
    if name is not None:
        settings = replace(settings, name=name)
    requires_python = _text(project, "requires-python") or _poetry_python(poetry)
    pipfile = root / "Pipfile"
    if requires_python is None and pipfile.is_file():
        requires_python = _pipfile_python(_read_toml(pipfile))
        inputs.append(pipfile)
    metadata_name = _text(project, "name") or _text(poetry, "name")
    notes: tuple[str, ...] = ()
    if given is not None and given.legacy is not None:
        from wherry.legacy import require_distribution

        require_distribution(given.legacy, project=metadata_name or root.name, root=root)
        notes = given.legacy.notes
    elif given is None and not table:
        notes = _notes_of_others(root)
    called = settings.name or metadata_name or root.name
    return Project(
        root=root,
        name=re.sub(r"[^A-Za-z0-9._-]+", "-", called).strip("-.") or "function",
        version=_text(project, "version") or _text(poetry, "version"),
        requires_python=requires_python,
        has_build_system="build-system" in document,
        settings=settings,
        inputs=tuple(inputs),
        notes=notes,
    )


def _notes_of_others(root: Path) -> tuple[str, ...]:
    """What to say of an older tool's settings that lie there unread."""
    return tuple(
        f"`{name}` was not read: name it with `--config {name}`, or write what it says as Wherry's own "
        "settings with `wherry init`"
        for name in ("drover.yml", "drover.yaml", "settings.spindrift")
        if (root / name).is_file()
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Config:
    """A file of settings that was named: its table, and what it is of an older tool."""

    path: Path
    table: object
    where: str
    legacy: Translation | None = None


def _read_config(
    root: Path, config: Path, *, stage: str | None, install_path: Path | None, name: str | None
) -> _Config:
    path = config.absolute() if config.exists() else root / config
    if not path.is_file():
        raise SettingsError(
            f"there is no file `{config}`", hint="--config wants a file that holds settings"
        )
    from wherry.legacy import is_legacy, translate

    if is_legacy(path):
        legacy = translate(path, stage=stage, install_path=install_path, name=name)
        table: object = {**legacy.table, "stages": legacy.stages} if legacy.stages else legacy.table
        return _Config(path=path, table=table, where=legacy.where, legacy=legacy)
    document = _read_toml(path)
    if "tool" in document or path.name == "pyproject.toml":
        table = _table(document, "tool").get("wherry", {})
        return _Config(path=path, table=table, where=f"{path.name} [tool.wherry]")
    return _Config(path=path, table=document, where=path.name)


def choose_target(
    project: Project, *, runtime: str | None = None, architecture: str | None = None
) -> tuple[Target, str]:
    """The target to build for, and a line that says why: what was asked for, the settings, the defaults.

    Raises:
        TargetError: it is unknown, or the project's ``requires-python`` excludes it.
    """
    settings = project.settings
    runtimes = {**RUNTIMES, **settings.runtimes}
    requires = _requirement(project.requires_python)
    asked = runtime or settings.runtime
    if asked is None:
        found = newest_runtime(requires, runtimes=runtimes)
        why = (
            f"the newest runtime that requires-python `{project.requires_python}` admits"
            if requires is not None
            else "the newest runtime"
        )
    else:
        try:
            found = find_runtime(asked, runtimes=runtimes)
        except TargetError as error:
            if runtime is not None:
                raise
            newest = newest_runtime(requires, runtimes=runtimes).name
            raise TargetError(
                error.message,
                where=[*error.where, "the settings name it"],
                hint=f"choose another there, or on the command line, which wins: --runtime {newest}",
            ) from error
        why = "as asked" if runtime else "by the settings"
        if requires is not None and not admits(requires, found):
            fits = [name for name, other in runtimes.items() if admits(requires, other)]
            raise TargetError(
                f"the project does not run on {found.name}",
                where=[f"its requires-python is `{project.requires_python}`"],
                hint=f"choose one of {', '.join(fits)}" if fits else None,
            )
    asked = architecture or settings.architecture
    chosen = find_architecture(asked) if asked else Architecture.X86_64
    return Target(runtime=found, architecture=chosen), why


def _read_toml(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ProjectError(f"cannot read `{path}`", where=[error.strerror or str(error)]) from error
    except UnicodeDecodeError as error:
        raise ProjectError(f"`{path.name}` is not UTF-8", where=[str(error)]) from error
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise ProjectError(
            f"`{path.name}` is not valid TOML", where=[str(error) or type(error).__name__]
        ) from error


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key, {})
    return value if isinstance(value, dict) else {}


def _text(table: Mapping[str, Any], key: str) -> str | None:
    value = table.get(key)
    return value if isinstance(value, str) and value else None


def _looks_like_a_project(root: Path) -> bool:
    names = [entry.name for entry in root.iterdir()]
    return any(
        name.endswith(".py")
        or re.fullmatch(r"pylock(\..+)?\.toml|requirements.*\.(txt|in)|Pipfile(\.lock)?", name)
        for name in names
    ) or any((root / name / "__init__.py").is_file() for name in names)


def _poetry_python(poetry: Mapping[str, Any]) -> str | None:
    """Poetry's own spelling of requires-python (``^3.11``), as PEP 440 has it, where that can say it."""
    value = _text(_table(poetry, "dependencies"), "python")
    if value is None or value == "*":
        return None
    from wherry.lock.poetry.constraint import parse_constraint

    try:
        alternatives = parse_constraint(value).alternatives
    except ValueError as error:
        raise ProjectError(
            "the project's Python cannot be understood", where=[str(error)]
        ) from error
    # PEP 440 knows no "or"; the lock says the rest.
    return str(alternatives[0]) if len(alternatives) == 1 else None


def _pipfile_python(pipfile: Mapping[str, Any]) -> str | None:
    """The version of Python that a ``Pipfile`` is for; AWS Lambda has its own patch level."""
    requires = _table(pipfile, "requires")
    value = _text(requires, "python_version") or _text(requires, "python_full_version") or ""
    match = re.match(r"\d+(\.\d+)?(?!\d)", value)
    return f"=={match[0]}.*" if match else None


def _requirement(text: str | None) -> PythonRequirement | None:
    if text is None:
        return None
    try:
        return parse_requires_python(text)
    except ValueError as error:  # packaging's InvalidSpecifier is one
        raise ProjectError(
            "the project's requires-python cannot be understood", where=[str(error)]
        ) from error
