"""Files and folders of a project that are not part of its code."""

from __future__ import annotations

import re

__all__ = ["REPOSITORY_FOLDERS", "VIRTUALENV_MARK", "is_excluded_by_default", "is_hidden"]

REPOSITORY_FOLDERS = frozenset({".git", ".hg", ".svn", ".jj"})
"""Folders (or files, in a worktree) of version control."""

VIRTUALENV_MARK = "pyvenv.cfg"
"""The file that marks a folder as a virtual environment (PEP 405)."""

# Names that begin with a dot are excluded everywhere: caches, folders of editors, and `.env` files, which
# often hold secrets.
_ANYWHERE = re.compile(
    r"""(?x)
    \. .*
    | __pycache__ | __pypackages__ | node_modules | .+\.egg-info
    | .+\.py[co]
    """
)
# Those that a folder which `include` names does not bring with it.
_HIDDEN = re.compile(r"\..*|__pycache__|.+\.py[co]")
_AT_ROOT = re.compile(
    r"""(?x)
    dist | build | cdk\.out
    | pyproject\.toml | wherry\.toml | poetry\.toml | pdm\.toml | uv\.toml | hatch\.toml
    | setup\.py | setup\.cfg | MANIFEST\.in
    | uv\.lock | poetry\.lock | pdm\.lock | Pipfile | Pipfile\.lock | pylock(?:\..+)?\.toml
    | requirements.*\.(?:txt|in)
    | drover\.yml | settings\.spindrift
    | Makefile | template\.ya?ml | samconfig\.toml | serverless\.ya?ml
    | .+\.tf | .+\.tfvars | .+\.tfplan | .+\.tfstate(?:\..+)?
    """
)


def is_excluded_by_default(name: str, *, at_root: bool) -> bool:
    """Whether a file or folder with this name is excluded; ``at_root`` if it is directly in the project's folder."""
    return bool(_ANYWHERE.fullmatch(name) or (at_root and _AT_ROOT.fullmatch(name)))


def is_hidden(name: str) -> bool:
    """Whether a name begins with a dot, or is that of byte code."""
    return _HIDDEN.fullmatch(name) is not None
