"""The files and folders that decide a build's result, to be watched for edits."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.bundle.default_excludes import REPOSITORY_FOLDERS
from wherry.bundle.leftovers import open_outputs
from wherry.files import ProjectFiles, is_inside, real_path
from wherry.pipeline.acquired import absolute
from wherry.pipeline.memory import Memory
from wherry.settings.project import DEFAULT_OUTPUT
from wherry.structs import Struct

if TYPE_CHECKING:
    from wherry.context import Context
    from wherry.pipeline.request import BuildRequest
    from wherry.target import Target

__all__ = ["Watched", "watched_by"]

# What no build reads, and what editors leave for a moment. `.env` and `.gitignore` may be inputs.
_PASSED_OVER = re.compile(
    r"""(?x)
    __pycache__ | __pypackages__ | node_modules | .+\.egg-info | .+\.py[co] | .+~ | \.\#.+ | \#.+\# | 4913
    | \..+\.sw[a-z]x? | .+___jb_(tmp|old)___ | \.venv | \.tox | \.nox | \.aws-sam | \.serverless | \.terraform
    | \..+_cache | \.cache | \.hypothesis | \.idea | \.vscode | \.DS_Store | \.coverage(\..+)? | .+\.tmp
    """
)


class Watched(Struct, frozen=True, kw_only=True):
    """Files and folders that decide a build's result.

    Attributes:
        folders: folders of which every file counts, but for what no build reads.
        files: files outside of these.
        skip: folders and files that the build writes.
        has_hooks: whether the build runs commands, which may write to other files.
    """

    folders: tuple[Path, ...]
    files: tuple[Path, ...] = ()
    skip: tuple[Path, ...] = ()
    has_hooks: bool = False

    def places(self) -> tuple[frozenset[Path], frozenset[Path]]:
        """The folders to watch with all below them, and those to watch alone.

        A virtual environment or ``node_modules`` at the top, with its thousands of folders, is in neither.
        """
        deep = set()
        for folder in self.folders:
            with suppress(OSError):
                deep |= {each for each in folder.iterdir() if each.is_dir() and self.matters(each)}
        flat = {*self.folders, *(path.parent for path in self.files)}
        return frozenset(deep), frozenset(each for each in flat if each.is_dir())

    def matters(self, path: Path) -> bool:
        """Whether a change of this file, named without links, may change the result."""
        if path in self.files:
            return True
        # A folder changes when what the build writes comes to be in it.
        if any(is_inside(path, each) or is_inside(each, path) for each in self.skip):
            return False
        if _is_output(path):
            return False
        real = Path(os.path.realpath(path))
        for folder in self.folders:
            if is_inside(real, folder):
                parts = real.relative_to(folder).parts
                return not any(
                    part in REPOSITORY_FOLDERS or _PASSED_OVER.fullmatch(part) for part in parts
                )
        return False


def _is_output(path: Path) -> bool:
    """Whether this process's own output goes to the file."""
    try:
        status = path.stat()
    except OSError:
        return False
    return (status.st_dev, status.st_ino) in open_outputs()


def watched_by(request: BuildRequest, context: Context, *, target: Target | None = None) -> Watched:
    """The files and folders that decide the result of a build.

    Args:
        request: what is built.
        context: of the build.
        target: what it was built for at last; None where it could not be built: then only the project's own
            folders are known.
    """
    root = request.root
    folders = [root, *request.projects, *(root / extra.path for extra in request.extra_paths)]
    locks = [request.lock_request(key).lock for key in request.supplies]
    files = [*request.project.inputs, *(lock for lock in locks if lock)]
    if target is not None:
        request = replace(request, target=target)
        memory = Memory(request, replace(context, target=target))
        if (remembered := memory.recall(ProjectFiles())) is not None:
            supplied = remembered.supplied
            files += [absolute(name, root) for name in supplied.inputs.files]
            trees = [one for each in supplied.acquired.values() for one in each if one.is_tree]
            folders += [one.folder for one in trees]
    outer: list[Path] = []
    for folder in sorted({real_path(each) for each in folders if each.is_dir()}):
        if not any(is_inside(folder, other) for other in outer):
            outer.append(folder)
    # The folder of a file that is replaced is not followed to where a link leads.
    others = {
        real_path(each.parent) / each.name for each in (*files, *folders) if not each.is_dir()
    }
    skip = (request.output.root.absolute(), root / DEFAULT_OUTPUT, context.store.root)
    return Watched(
        folders=tuple(outer),
        files=tuple(
            sorted(each for each in others if not any(is_inside(each, folder) for folder in outer))
        ),
        skip=tuple(real_path(path) for path in skip),
        has_hooks=request.has_hooks,
    )
