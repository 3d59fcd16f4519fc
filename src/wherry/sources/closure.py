"""Whether a build is closed: nothing but the project's own files can decide what comes of it.

What a closed build gave may be remembered and used again as long as its inputs are the same. An open one
runs code that Wherry does not know: a ``setup.py`` that computes, a hook, a plugin. Such code can read the
clock, the network or the folder next door, so it is run each time; nothing stale is ever shipped.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.sources.families import FAMILIES, RULES, OpenError, build_settings, texts
from wherry.sources.inputs import LEFTOVERS

if TYPE_CHECKING:
    from wherry.sources.declaration import Declaration
    from wherry.sources.inputs import Inputs

__all__ = ["Closure", "environment_facts", "examine", "mentioned_leftovers"]

# Build requirements that do nothing but what the settings in the project's files say.
_KNOWN = frozenset(
    [
        "editables",
        "flit-core",
        "hatch-fancy-pypi-readme",
        "hatch-requirements-txt",
        "hatchling",
        "packaging",
        "pdm-backend",
        "poetry-core",
        "setuptools",
        "tomli",
        "typing-extensions",
        "uv-build",
        "wheel",
    ]
)
# And those that ask git besides.
_ASKING_GIT = frozenset({"hatch-vcs", "setuptools-scm", "vcs-versioning"})
# Environment variables that backends heed. Passwords of indexes are none.
_VARIABLES = re.compile(
    r"(SETUPTOOLS|HATCH|PDM|POETRY(?!_HTTP_BASIC)|PBR|FLIT|VCS_VERSIONING|DIST|GIT|EGG_INFO|UV_BUILD)_?\w*|PATH_INFO"
)
_OUTSIDE = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^~|\{env:|\{home|\$\{?HOME")


@dataclass(frozen=True, kw_only=True, slots=True)
class Closure:
    """What a build depends on beyond its inputs.

    Attributes:
        family: the backend's, one of the values of ``FAMILIES``; empty where it is not known.
        opening: why the build is open, in words; None when it is closed.
        state: a digest of what git says, where the backend asks it.
        asks_git: the version is taken from git.
        deciding: files that the backend reads for metadata.
    """

    family: str
    opening: str | None
    state: str = ""
    asks_git: bool = False
    deciding: frozenset[str] = frozenset()


def examine(declaration: Declaration, inputs: Inputs) -> Closure:
    """What is known about the build."""
    from wherry.sources.git import ignored_files, repository_state

    family = FAMILIES.get(declaration.backend or "", "")
    try:
        if not family:
            raise OpenError(f"the backend `{declaration.backend}` is not one of the known")
        if declaration.backend_path:
            raise OpenError("the backend is the project's own")
        asks_git = _check_requirements(declaration)
        for text in texts(build_settings(declaration, family)):
            if _OUTSIDE.search(text) or (os.path.isabs(text) and os.path.exists(text)):  # noqa: PTH110, PTH117
                raise OpenError(f"its settings point out of the project: `{text}`")
        asks_git_too, deciding = RULES[family](declaration, inputs.by_path)
    except OpenError as reason:
        return Closure(family=family, opening=str(reason))
    state = ""
    if asks_git or asks_git_too:
        found = repository_state(declaration.root)
        if found is None:
            return Closure(family=family, opening="its version comes from no git repository")
        state = found
    elif family == "poetry":
        state = ignored_files(declaration.root)
    return Closure(
        family=family,
        opening=None,
        state=state,
        asks_git=asks_git or asks_git_too,
        deciding=deciding,
    )


def mentioned_leftovers(declaration: Declaration) -> frozenset[str]:
    """The leftovers (`dist`, `build` …) that the project's build settings mention, and may ship from."""
    family = FAMILIES.get(declaration.backend or "", "")
    settings = list(texts(build_settings(declaration, family) if family else declaration.document))
    for name in ("setup.py", "setup.cfg", "MANIFEST.in", "hatch.toml", "pdm_build.py"):
        try:
            settings.append((declaration.root / name).read_text("utf-8", "replace"))
        except OSError:
            continue
    words = set(re.findall(r"[\w.-]+", "\n".join(settings)))
    return LEFTOVERS & words


def environment_facts() -> str:
    """The environment variables that backends heed, as text to be digested."""
    return json.dumps({k: v for k, v in sorted(os.environ.items()) if _VARIABLES.fullmatch(k)})


def _check_requirements(declaration: Declaration) -> bool:
    """Whether one of the build requirements asks git; all must be known."""
    from wherry.sources.declaration import normalized

    asks_git = False
    for requirement in declaration.requires:
        match = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", requirement)
        name = normalized(match[1]) if match else requirement
        if "@" in requirement or name not in _KNOWN | _ASKING_GIT:
            raise OpenError(f"it is built with `{name}`, which Wherry does not know")
        asks_git = asks_git or name in _ASKING_GIT
    return asks_git
