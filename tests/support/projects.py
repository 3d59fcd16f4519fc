"""Small projects on disk: with a pylock.toml for wheels on a loopback index, and with code of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tomli_w

from support.tools import run_uv

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from support.index import Index
    from support.wheels import Made

__all__ = [
    "EMPTY_LOCK",
    "TINY_BACKEND",
    "lock_requirements",
    "make_project",
    "pylock_for",
    "write_files",
]

EMPTY_LOCK = 'lock-version = "1.0"\ncreated-by = "tests"\npackages = []\n'
"""A ``pylock.toml`` of a project that needs nothing."""

TINY_BACKEND = '''\
"""A build backend without requirements: every .py file under src/ goes into the wheel, deflated."""
import pathlib, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "shop-1.0-py3-none-any.whl"
    info = "shop-1.0.dist-info"
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w", zipfile.ZIP_DEFLATED) as wheel:
        for path in sorted(pathlib.Path("src").rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                wheel.write(path, path.relative_to("src").as_posix())
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: shop\\nVersion: 1.0\\n")
        wheel.writestr(
            info + "/WHEEL",
            "Wheel-Version: 1.0\\nGenerator: tiny\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        )
        wheel.writestr(info + "/RECORD", "")
    return name
'''


def write_files(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def pylock_for(index: Index, wheels: Iterable[Made]) -> str:
    packages = [
        {
            "name": made.filename.split("-")[0].replace("_", "-"),
            "version": made.filename.split("-")[1],
            "wheels": [
                {
                    "name": made.filename,
                    "url": f"{index.url}/files/{made.filename}",
                    "size": len(made.data),
                    "hashes": {"sha256": made.sha256},
                }
            ],
        }
        for made in wheels
    ]
    return tomli_w.dumps({"lock-version": "1.0", "created-by": "tests", "packages": packages})


def make_project(
    root: Path, index: Index, wheels: Iterable[Made] = (), *, files: Mapping[str, str] | None = None
) -> Path:
    """A project without a build system, locked by pylock.toml."""
    own = {
        "shop/__init__.py": "",
        "shop/api.py": "def handler(event, context):\n    return event\n",
    }
    write_files(
        root,
        {
            "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.9"\n',
            "pylock.toml": pylock_for(index, wheels),
            **(own if files is None else files),
        },
    )
    return root


def lock_requirements(root: Path, requirements: Iterable[str], *, python: str = "3.13") -> None:
    """Write a ``requirements.txt`` with all that these need of PyPI, pinned and with hashes."""
    source = root / "requirements.in"
    source.write_text("\n".join(requirements))
    lock = run_uv(
        "pip", "compile", source.name, "--python-version", python, "--quiet", "--generate-hashes",
        "--universal", cwd=root,
    )  # fmt: skip
    (root / "requirements.txt").write_text(lock)
    source.unlink()
