"""One project, expressed in every format; and how to read a lock in a test."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.contexts import context
from support.reporters import Heard
from support.wheels import Made, make_sdist, make_wheel
from wherry.lock.model import Lock, LockRequest
from wherry.lock.read import read_lock
from wherry.store import Store
from wherry.target import Target, find_architecture, find_runtime

if TYPE_CHECKING:
    from packaging.pylock import Package

    from wherry.context import Context

__all__ = [
    "NEWER",
    "PYPROJECT",
    "RELEASES",
    "VERSIONS",
    "Heard",
    "by_name",
    "content_hash",
    "lock_context",
    "pipfile_hash",
    "read",
    "target",
    "versions",
    "write",
]

# The project of the tests depends on alpha, gamma with its extra, and on native where that runs. `devtool` is for
# development, `winonly` is needed on Windows alone.
RELEASES: tuple[Made, ...] = (
    make_wheel("alpha", "1.0", requires=["beta>=1"]),
    make_wheel("alpha", "1.1", requires=["beta>=1"]),
    make_wheel("beta", "1.0"),
    make_wheel("beta", "2.0"),
    make_wheel(
        "gamma",
        "3.0",
        extras=["fast"],
        requires=["delta; extra == 'fast'", "winonly; sys_platform == 'win32'"],
    ),
    make_wheel("delta", "4.0"),
    make_wheel("winonly", "1.0"),
    make_wheel("devtool", "9.0", requires=["beta"]),
    make_wheel("native", "1.0", tag="cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"),
    make_wheel("native", "1.0", tag="cp311-cp311-macosx_11_0_arm64"),
    make_wheel("native", "1.0", tag="cp313-cp313-manylinux_2_17_aarch64.manylinux2014_aarch64"),
    make_wheel("native", "1.0", tag="cp313-cp313-manylinux_2_28_x86_64"),
    make_sdist("native", "1.0", files={"setup.py": b"raise SystemExit('compiles nothing')\n"}),
)
# What an index has later: a lock must not notice.
NEWER: tuple[Made, ...] = (
    make_wheel("alpha", "1.2", requires=["beta>=1"]),
    make_wheel("delta", "5.0"),
)
# What `VERSIONS` says is what every format of the project comes to.
VERSIONS = {"alpha": "1.1", "beta": "1.0", "delta": "4.0", "gamma": "3.0", "native": "1.0"}

PYPROJECT = """\
[project]
name = "shop"
version = "0.1"
requires-python = ">=3.11,<4"
dependencies = ["alpha>=1,<2", "beta<2", "gamma[fast]", "native"]

[project.optional-dependencies]
windows = ["winonly"]

[dependency-groups]
dev = ["devtool"]
"""


def target(runtime: str = "python3.13", architecture: str = "x86_64") -> Target:
    return Target(runtime=find_runtime(runtime), architecture=find_architecture(architecture))


def lock_context(root: Path, for_target: Target | None = None, **rest: Any) -> Context:
    """A context for locks, whose store lies beside the project."""
    return context(
        Store(root.absolute().with_name(f"{root.absolute().name}.store")),
        target=for_target or target(),
        **rest,
    )


def read(
    root: Path, *, runtime: str = "python3.13", architecture: str = "x86_64", **wanted: Any
) -> Lock:
    """The project's lock, which must be sound PEP 751."""
    surroundings = lock_context(
        root,
        target(runtime, architecture),
        reporter=wanted.pop("reporter", Heard()),
        offline=wanted.pop("offline", False),
    )
    lock = read_lock(LockRequest(root=root, **wanted), surroundings)
    lock.pylock.validate()
    return lock


def versions(
    lock: Lock, *, runtime: str = "python3.13", architecture: str = "x86_64"
) -> dict[str, str | None]:
    """What the lock has for the target, by name, whatever files there are of it."""
    groups = lock.groups if lock.groups is not None else lock.pylock.default_groups or ()
    environment: dict[str, Any] = {
        **target(runtime, architecture).environment,
        "extras": frozenset(lock.extras),
        "dependency_groups": frozenset(groups),
    }
    return {
        package.name: str(package.version) if package.version else None
        for package in lock.pylock.packages
        if package.marker is None or package.marker.evaluate(environment, context="lock_file")
    }


def by_name(lock: Lock) -> dict[str, Package]:
    return {str(package.name): package for package in lock.pylock.packages}


def write(folder: Path, **files: str) -> Path:
    """Files by name, `__` standing for a dot."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name.replace("__", ".")
        path.write_text(text)
    return folder


def content_hash(pyproject: str) -> str:
    """Poetry's hash of a `pyproject.toml` that has [tool.poetry] alone, written down from its documentation."""
    poetry = tomllib.loads(pyproject)["tool"]["poetry"]
    keys = ["dependencies", "source", "extras", "dev-dependencies"]
    content = {key: poetry.get(key) for key in keys}
    if "group" in poetry:
        content["group"] = poetry["group"]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def pipfile_hash(path: Path, sources: object) -> str:
    """Pipenv's hash of a ``Pipfile`` whose sections are plain, with the sources that the lock records."""
    pipfile = tomllib.loads(path.read_text(encoding="utf-8"))
    content = {
        "_meta": {"sources": sources, "requires": pipfile.get("requires", {})},
        "default": pipfile.get("packages", {}),
        "develop": pipfile.get("dev-packages", {}),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
