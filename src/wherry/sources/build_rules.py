"""The rules of ``[tool.uv]`` for what is built: ``build-constraint-dependencies``, ``extra-build-dependencies``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from wherry.builders import BuildRules
from wherry.lock.document import read_toml
from wherry.lock.uv.local import enclosing_workspace
from wherry.sources.declaration import normalized
from wherry.store.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from wherry.files import ProjectFiles

__all__ = ["constraint_options", "read_build_rules"]


@contextmanager
def constraint_options(rules: BuildRules) -> Iterator[list[str]]:
    """The options of uv that limit the versions of a build environment, and of what is built for it.

    They name a file that is there until the block ends.
    """
    if not rules.constraints:
        yield []
        return
    with temporary_folder("constraints") as folder:
        path = folder / "build-constraint-dependencies.txt"
        path.write_text("\n".join(rules.constraints) + "\n", encoding="utf-8")
        yield ["--constraints", str(path), "--build-constraints", str(path)]


def read_build_rules(
    folder: Path, files: ProjectFiles, pinned: Mapping[str, str] | None = None
) -> BuildRules:
    """Read the rules of a project, or of the workspace that it is in.

    ``pinned`` has the locked versions by name, for requirements that are to match them (``match-runtime``).

    Raises:
        LockError: a file is malformed.
    """
    root = enclosing_workspace(folder, files) or folder
    if not (root / "pyproject.toml").is_file():
        return BuildRules()
    settings = read_toml(root / "pyproject.toml", files).table("tool").table("uv")
    extra = settings.table("extra-build-dependencies")
    return BuildRules(
        constraints=tuple(
            text
            for text in settings.optional("build-constraint-dependencies", list) or ()
            if isinstance(text, str)
        ),
        extra={
            normalized(name): tuple(_requirements(extra.optional(name, list) or [], pinned or {}))
            for name in extra.data
        },
    )


def _requirements(given: list[Any], pinned: Mapping[str, str]) -> Iterator[str]:
    for item in given:
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict) and isinstance(text := item.get("requirement"), str):
            yield _matching(text, pinned) if item.get("match-runtime") is True else text


def _matching(text: str, pinned: Mapping[str, str]) -> str:
    """A requirement for the version that is locked."""
    # Only projects that match versions need it.
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        version = pinned.get(normalized(Requirement(text).name))
    except InvalidRequirement:
        # uv reports it.
        return text
    return text if version is None else f"{text}=={version}"
