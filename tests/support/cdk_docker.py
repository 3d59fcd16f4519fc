"""Stands for ``docker`` where the alpha constructs of the AWS CDK call it: their commands run on this machine.

``CDK_DOCKER`` names it. An image is built by saying so; of ``docker run`` the volumes, the variables, the folder and
the command of ``bash`` are heeded. ``rsync`` need not be there: its part is done by ``cp``.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

_RSYNC = """\
#!{python}
import shutil, sys
ignored = [word.partition("=")[2] for word in sys.argv if word.startswith("--exclude=")]
source, target = sys.argv[-2:]
shutil.copytree(source, target, ignore=shutil.ignore_patterns(*ignored), dirs_exist_ok=True)
"""
_PYTHON = '#!/bin/sh\nexec {python} "$@"\n'


def write_docker(folder: Path, python: Path) -> Path:
    """Write the command; its path.

    Args:
        folder: for the command and what it takes to be in the image.
        python: an interpreter with pip.
    """
    image = folder / "image"
    image.mkdir(parents=True)
    docker = folder / "docker"
    line = shlex.join([sys.executable, __file__, str(image)])
    for path, text in (
        (image / "rsync", _RSYNC.format(python=sys.executable)),
        (image / "python", _PYTHON.format(python=shlex.quote(str(python)))),
        (docker, f'#!/bin/sh\nexec {line} "$@"\n'),
    ):
        path.write_text(text)
        path.chmod(0o755)
    return docker


def _main(image: str, command: str, *words: str) -> int:
    if command != "run":
        return 0
    volumes: dict[str, str] = {}
    variables = {**os.environ, "PATH": os.pathsep.join((image, os.environ["PATH"], os.defpath))}
    folder = "/asset-input"
    for option, value in pairwise(words):
        if option in {"-v", "--volume"}:
            outside, inside = value.split(":")[:2]
            volumes[inside] = outside
        elif option in {"-e", "--env"}:
            name, _, content = value.partition("=")
            variables[name] = content
        elif option in {"-w", "--workdir"}:
            folder = value
    script = words[-1]
    for inside, outside in volumes.items():
        script, folder = script.replace(inside, outside), folder.replace(inside, outside)
    return subprocess.run(["bash", "-c", script], cwd=folder, env=variables, check=False).returncode


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
