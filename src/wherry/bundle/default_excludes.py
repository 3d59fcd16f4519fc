"""Files and folders of a project that are not part of its code, by their names."""

from __future__ import annotations

__all__ = ["REPOSITORY_FOLDERS", "VIRTUALENV_MARK", "is_excluded_by_default", "is_hidden"]

REPOSITORY_FOLDERS = frozenset({".git", ".hg", ".svn", ".jj"})
"""Folders (or files, in a worktree) of version control."""

VIRTUALENV_MARK = "pyvenv.cfg"
"""The file that marks a folder as a virtual environment (PEP 405)."""

_BYTE_CODE = (".pyc", ".pyo")
_ANYWHERE = frozenset({"__pycache__", "__pypackages__", "node_modules"})
_ANYWHERE_ENDS = (".egg-info", *_BYTE_CODE)
_AT_ROOT = frozenset(
    {
        "dist", "build", "cdk.out",
        "pyproject.toml", "wherry.toml", "poetry.toml", "pdm.toml", "uv.toml", "hatch.toml",
        "setup.py", "setup.cfg", "MANIFEST.in",
        "uv.lock", "poetry.lock", "pdm.lock", "Pipfile", "Pipfile.lock", "pylock.toml",
        "drover.yml", "settings.spindrift",
        "Makefile", "template.yml", "template.yaml", "samconfig.toml", "serverless.yml", "serverless.yaml",
    }
)  # fmt: skip
_AT_ROOT_ENDS = (".tf", ".tfvars", ".tfplan", ".tfstate")


def is_excluded_by_default(name: str, *, at_root: bool) -> bool:
    """Whether a file or folder with this name is excluded; ``at_root`` if it is directly in the project's folder."""
    # Names that begin with a dot are excluded everywhere: caches, folders of editors, and `.env` files, which
    # often hold secrets.
    if name.startswith(".") or name in _ANYWHERE or name.endswith(_ANYWHERE_ENDS):
        return True
    return at_root and (
        name in _AT_ROOT
        or name.endswith(_AT_ROOT_ENDS)
        or (name.startswith("requirements") and name.endswith((".txt", ".in")))
        or (name.startswith("pylock.") and name.endswith(".toml"))
        or ".tfstate." in name[:-1]
    )


def is_hidden(name: str) -> bool:
    """Whether a name begins with a dot, or is that of byte code, which a folder that `include` names does not bring with it."""
    return name.startswith(".") or name == "__pycache__" or name.endswith(_BYTE_CODE)
