"""What lies in a project's folder and is no part of the project's code."""

from __future__ import annotations

import re

__all__ = ["REPOSITORY_FOLDERS", "VIRTUALENV_MARK", "is_junk"]

REPOSITORY_FOLDERS = frozenset({".git", ".hg", ".svn", ".jj"})
"""Folders (or files, in a worktree) in which version control keeps its own."""

VIRTUALENV_MARK = "pyvenv.cfg"
"""The file that makes a folder a virtual environment (PEP 405)."""

# Names that begin with a dot are junk wherever they stand: caches, editors' folders, and `.env` files,
# which hold secrets more often than not.
_ANYWHERE = re.compile(
    r"""(?x)
    \. .*
    | __pycache__ | __pypackages__ | node_modules | .+\.egg-info
    | .+\.py[co]
    """
)
_AT_ROOT = re.compile(
    r"""(?x)
    dist | build | cdk\.out
    | pyproject\.toml | wherry\.toml | poetry\.toml | pdm\.toml | uv\.toml | hatch\.toml
    | setup\.py | setup\.cfg | MANIFEST\.in
    | uv\.lock | poetry\.lock | pdm\.lock | Pipfile | Pipfile\.lock | pylock(?:\..+)?\.toml
    | requirements.*\.(?:txt|in)
    | drover\.yml | settings\.spindrift
    """
)


def is_junk(name: str, *, at_root: bool) -> bool:
    """Whether a file or folder of this name is junk; ``at_root``: it stands in the project's own folder."""
    return bool(_ANYWHERE.fullmatch(name) or (at_root and _AT_ROOT.fullmatch(name)))
