"""The distributions that a lock gives for a target, known by their hashes: nothing is fetched or built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import DigestError
from wherry.files import ProjectFiles, real_path
from wherry.pipeline.acquired import Acquired, Kind, local_file, wheel_name
from wherry.pipeline.memory import input_digest
from wherry.store.memo import memo_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from wherry.builders import BuildRules
    from wherry.lock.model import Lock
    from wherry.wheels.select import Selected

__all__ = ["plan_distributions"]


def plan_distributions(
    selected: Iterable[Selected], lock: Lock, rules: BuildRules
) -> tuple[Acquired, ...]:
    """The distributions that ``wherry.pipeline.acquired.acquire`` would return, and the project itself.

    What is to be built is of the kind ``Kind.SOURCE``: its ``sha256`` is a digest of the hash of the sdist or the
    commit, and of the rules for the environment that it is built in.

    Raises:
        DigestError: the lock records no hash of a file.
    """
    from packaging.pylock import PackageDirectory, PackageVcs, PackageWheel

    planned = []
    for choice in selected:
        source, filename = choice.source, ""
        file = local_file(source, lock.base)
        match source:
            case PackageDirectory():
                root = real_path(lock.base / source.path / (source.subdirectory or ""))
                if root != real_path(lock.member):
                    planned.append(
                        Acquired(
                            name=choice.name, version=choice.version, kind=Kind.FOLDER, root=root
                        )
                    )
                continue
            case PackageVcs():
                sha256 = memo_key(source.commit_id, source.subdirectory, rules.facts(choice.name))
            case PackageWheel():
                filename = source.filename
                sha256 = _hash(choice, source.hashes, file)
            case _:
                filename = wheel_name(source)
                sha256 = _hash(choice, source.hashes, file)
                if not filename:
                    subdirectory = getattr(source, "subdirectory", None)
                    sha256 = memo_key(sha256, subdirectory, rules.facts(choice.name))
        planned.append(
            Acquired(
                name=choice.name,
                version=choice.version,
                kind=Kind.WHEEL if filename else Kind.SOURCE,
                filename=filename,
                sha256=sha256,
                file=file,
            )
        )
    planned.append(
        Acquired(
            name="",
            version=None,
            kind=Kind.FOLDER,
            root=lock.member,
            own=True,
            must_build=lock.installs_project,
        )
    )
    return tuple(planned)


def _hash(choice: Selected, hashes: Mapping[str, str], file: Path | None) -> str:
    """The SHA-256 of a file, or another hash with the name of its kind."""
    if "sha256" in hashes:
        return hashes["sha256"].lower()
    if hashes:
        kind = min(hashes)
        return f"{kind}:{hashes[kind].lower()}"
    digest = "" if file is None else input_digest(file, ProjectFiles())
    if not digest:
        raise DigestError(
            f"the lock records no hash of `{choice.name}`",
            where=["what it is made of is not known without fetching it"],
            hint="lock again with a tool that records hashes",
        )
    return digest
