"""A project, read from disk once and frozen.

Settings stand in ``[tool.wherry]`` of ``pyproject.toml``, or in ``wherry.toml`` without that prefix.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry.errors import ProjectError, SettingsError, TargetError
from wherry.requires_python import parse_requires_python
from wherry.settings import read_settings
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

    from wherry.settings import Settings
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
    """

    root: Path
    name: str
    version: str | None
    requires_python: str | None
    has_build_system: bool
    settings: Settings
    inputs: tuple[Path, ...]


def read_project(root: Path) -> Project:
    """The project in a folder.

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
    if own.is_file():
        if table:
            raise SettingsError(
                "two places hold Wherry's settings",
                where=["pyproject.toml has [tool.wherry]", "wherry.toml stands beside it"],
                hint="keep one of them",
            )
        table, where = _read_toml(own), "wherry.toml"
        inputs.append(own)
    if not inputs and not _looks_like_a_project(root):
        raise ProjectError(
            f"no Python project in `{root}`",
            where=["it holds no pyproject.toml, no lock, no requirements.txt and no Python file"],
            hint="change to the project's folder, or name it: --project DIR",
        )
    project = _table(document, "project")
    poetry = _table(_table(document, "tool"), "poetry")
    settings = read_settings(table, where)
    requires_python = _text(project, "requires-python") or _poetry_python(poetry)
    pipfile = root / "Pipfile"
    if requires_python is None and pipfile.is_file():
        requires_python = _pipfile_python(_read_toml(pipfile))
        inputs.append(pipfile)
    name = settings.name or _text(project, "name") or _text(poetry, "name") or root.name
    return Project(
        root=root,
        name=re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "function",
        version=_text(project, "version") or _text(poetry, "version"),
        requires_python=requires_python,
        has_build_system="build-system" in document,
        settings=settings,
        inputs=tuple(inputs),
    )


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
        found = find_runtime(asked, runtimes=runtimes)
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
