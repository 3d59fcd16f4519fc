"""Whether a build is hermetic: nothing but the project's own files decides its result.

The result of a hermetic build is remembered, and used again as long as the inputs are the same. Any other build runs
code that Wherry does not know: a ``setup.py`` that computes, a hook, a plugin. Such code can read the clock, the
network or the folder next door, so it is run each time, and nothing stale is ever shipped.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from wherry.sources.backends.interface import NotHermeticError, SourceFiles, texts
from wherry.sources.backends.table import ROWS, find_backend
from wherry.sources.inputs import LEFTOVERS, InputOptions

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.files import ProjectFiles
    from wherry.sources.backends.interface import Backend
    from wherry.sources.declaration import Declaration
    from wherry.sources.inputs import Inputs

__all__ = ["Hermeticity", "environment_facts", "examine", "input_options"]

# Build requirements that do nothing unless the backend uses them.
_LIBRARIES = frozenset(
    {"editables", "packaging", "setuptools", "tomli", "typing-extensions", "wheel"}
)
_OUTSIDE = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^~|\{env:|\{home|\$\{?HOME")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


class Hermeticity(NamedTuple):
    """The dependence of a build on more than its inputs.

    Attributes:
        backend: the backend; None where it is unknown.
        reason: why the build is not hermetic; None where it is.
        state: a digest of git's answers, where the backend asks git.
        asks_git: whether the version is taken from git.
        metadata_files: files that the backend reads for metadata.
    """

    backend: Backend | None
    reason: str | None
    state: str = ""
    asks_git: bool = False
    metadata_files: frozenset[str] = frozenset()


def examine(declaration: Declaration, inputs: Inputs, files: ProjectFiles) -> Hermeticity:
    """Whether a build is hermetic, as far as its settings and files tell without running it."""
    from wherry.tools.git import ignored_files, repository_state

    backend = find_backend(declaration.backend)
    try:
        if backend is None:
            raise NotHermeticError(f"the backend `{declaration.backend}` is unknown")
        if declaration.backend_path:
            raise NotHermeticError("the backend is part of the project")
        asks_git = _check_requirements(declaration, backend)
        for text in texts(_build_settings(declaration, backend)):
            if _OUTSIDE.search(text) or (os.path.isabs(text) and os.path.exists(text)):  # noqa: PTH110, PTH117
                raise NotHermeticError(f"its settings point out of the project: `{text}`")
        if backend.compiles:
            raise NotHermeticError(f"the backend `{declaration.backend}` compiles")
        sources = SourceFiles(by_path=inputs.by_path, reader=files)
        version = backend.require_hermetic(declaration, sources)
    except NotHermeticError as error:
        return Hermeticity(backend=backend, reason=str(error))
    asks_git = asks_git or version.git
    state = ""
    if asks_git:
        found = repository_state(declaration.root)
        if found is None:
            reason = "its version comes from git, and it is in no repository"
            return Hermeticity(backend=backend, reason=reason)
        state = found
    elif backend.omits_ignored_files:
        state = ignored_files(declaration.root)
    return Hermeticity(
        backend=backend,
        reason=None,
        state=state,
        asks_git=asks_git,
        metadata_files=version.files,
    )


def input_options(
    declaration: Declaration, skip: tuple[Path, ...], files: ProjectFiles
) -> InputOptions:
    """How the inputs of a project are read.

    The leftovers (`dist`, `build` …) that the project's build settings mention count, as it may ship from them.
    """
    backend = find_backend(declaration.backend)
    settings = list(
        texts(_build_settings(declaration, backend) if backend else declaration.document)
    )
    names = ("setup.py", "setup.cfg", "MANIFEST.in", "hatch.toml", "pdm_build.py")
    settings += [declaration.text(name, files) for name in names]
    words = set(re.findall(r"[\w.-]+", "\n".join(settings)))
    # `examine` will read these.
    setup_cfg = declaration.text("setup.cfg", files)
    wanted = backend.metadata_paths(declaration, setup_cfg) if backend else ()
    return InputOptions(mentioned=LEFTOVERS & words, skip=skip, wanted=wanted)


def environment_facts() -> str:
    """The environment variables that backends read, as text to be digested."""
    starts = ["GIT", *(start for row in ROWS for start in row.variables)]
    # Passwords of indexes are not settings of a build.
    pattern = re.compile(rf"(?!POETRY_HTTP_BASIC)({'|'.join(starts)})_?\w*")
    return json.dumps({k: v for k, v in sorted(os.environ.items()) if pattern.fullmatch(k)})


def _build_settings(declaration: Declaration, backend: Backend) -> dict[str, object]:
    """The settings that a backend may read paths from."""
    project = declaration.project
    paths = {key: project[key] for key in ("readme", "license", "license-files") if key in project}
    return {"project": paths, "tool": backend.build_settings(declaration)}


def _check_requirements(declaration: Declaration, backend: Backend) -> bool:
    """Whether one of the build requirements asks git; all must be known."""
    from wherry.sources.declaration import normalized

    asks_git = False
    for requirement in declaration.requires:
        match = _REQUIREMENT.match(requirement)
        name = normalized(match[1]) if match else requirement
        known = name in _LIBRARIES or name in backend.plugins or name in backend.git_plugins
        if "@" in requirement or not known:
            raise NotHermeticError(f"it is built with `{name}`, which Wherry does not know")
        asks_git = asks_git or name in backend.git_plugins
    return asks_git
