"""One project in several lock formats, for tests that go through all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.locks import PYPROJECT, RELEASES, content_hash, write
from support.projects import EMPTY_LOCK, TINY_BACKEND
from support.tools import run_uv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.index import Index

__all__ = ["FORMATS"]


def uv(root: Path, index: Index) -> None:
    workspace = (
        '\n[tool.uv.workspace]\nmembers = ["one"]\n[tool.uv.sources]\none = {workspace = true}\n'
        f'[[tool.uv.index]]\nname = "main"\nurl = "{index.simple}"\ndefault = true\n'
    )
    member = (
        '[project]\nname = "one"\nversion = "1"\nrequires-python = ">=3.11"\n'
        '[build-system]\nrequires = []\nbuild-backend = "tiny"\nbackend-path = ["."]\n'
    )
    write(root, pyproject__toml=PYPROJECT.replace('"native"', '"native", "one"') + workspace)
    write(
        root / "one",
        pyproject__toml=member,
        tiny__py=TINY_BACKEND.replace('"shop-1.0', '"one-1').replace("shop", "one"),
    )
    run_uv("lock", "--quiet", cwd=root)


def poetry(root: Path, index: Index) -> None:
    pyproject = '[tool.poetry]\nname = "shop"\n[tool.poetry.dependencies]\nalpha = "*"\n'
    lock = (
        '[[package]]\nname = "alpha"\nversion = "1.0"\noptional = false\npython-versions = "*"\n'
        f'files = [{{file = "{RELEASES[0].filename}", hash = "sha256:{RELEASES[0].sha256}"}}]\n'
        f'[metadata]\nlock-version = "2.0"\npython-versions = "*"\ncontent-hash = "{content_hash(pyproject)}"\n'
    )
    write(root, pyproject__toml=pyproject, poetry__lock=lock)


def pylock(root: Path, index: Index) -> None:
    pyproject = '[project]\nname = "shop"\nversion = "1"\n[tool.pdm]\n'
    write(root, pyproject__toml=pyproject, pylock__toml=EMPTY_LOCK, uv__lock="")


def requirements(root: Path, index: Index) -> None:
    text = f"-i {index.simple}\n-e .\n-r more.txt\n-c limits.txt\n"
    write(root, requirements__txt=text, more__txt="-c limits.txt\n", limits__txt="alpha<2\n")
    write(root, pyproject__toml=PYPROJECT)


FORMATS: list[Callable[[Path, Index], None]] = [uv, poetry, pylock, requirements]
