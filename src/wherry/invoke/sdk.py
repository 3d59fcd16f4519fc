"""AWS's SDK as Lambda's runtimes have it, for functions that rely on that: pinned by hash, like the runtime client.

Its version differs on AWS by runtime, by region and over time, so that this is one of those that a function may
meet there. It comes last on the search path, below the function's code, its layers and what its lock gives.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.bundle.bundle import Bundle
from wherry.errors import FetchError, HashMismatchError
from wherry.events import Note, Warned
from wherry.files import walk_folders
from wherry.store.memo import Memo
from wherry.wheels.pinned import PinnedFile, pinned_bundles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.context import Context
    from wherry.store import Store

__all__ = ["PINNED_AS_OF", "prepare_sdk"]

PINNED_AS_OF = "2026-11-28"
"""The day on which the files below were taken from PyPI; they suit Python 3.9 and all later ones."""

_WHEELS = (
    ("boto3-1.40.4-py3", "95cdc86454e9ff43e0693c5d807a54ce6813b6711d3543a0052ead5216b93367"),
    ("botocore-1.40.4-py3", "4e131c52731e10a6af998c2ac3bfbda12e6ecef0e3633268c7752d0502c74197"),
    ("s3transfer-0.13.1-py3", "a981aa7429be23fe6dfc13e80e4020057cbab622b08c0315288758d67cabc724"),
    ("jmespath-1.0.1-py3", "02e2e4cc71b5bcab88332eebf907519190dd9e6e82107fa7f83b1003a6252980"),
    (
        "python_dateutil-2.9.0.post0-py2.py3",
        "a8b2bc7bffae282281c8140a97d3aa9c14da0b136dfe83f850eea9a5f7470427",
    ),
    ("six-1.17.0-py2.py3", "4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274"),
    ("urllib3-1.26.20-py2.py3", "0ed14ccfbf1c30a9072c7ca157e4319b70d65f623e91e7b32fadb2853431016e"),
)
_FILES = tuple(PinnedFile(f"{title}-none-any.whl", sha256) for title, sha256 in _WHEELS)
"""The wheels of the SDK, boto3 first."""

# The SDK itself may be imported by its name in a string; what it needs is a word that occurs everywhere.
_SDK = re.compile(rb"\b(boto3|botocore|s3transfer)\b")
_NEEDED = re.compile(
    rb"^[ \t]*(?:from[ \t]+|import[ \t]+(?:[\w. \t]+,[ \t]*)*)(jmespath|dateutil|six|urllib3)\b",
    re.MULTILINE,
)
_SUFFIXES = (".py", ".pyc")
_LARGEST = 16 * 1024 * 1024
_MENTIONED: Memo[frozenset[str]] = Memo("sdk-mentions", encode=sorted, decode=frozenset)


def prepare_sdk(
    folders: Sequence[Path], provided: Bundle | None, context: Context
) -> Bundle | None:
    """The files of the SDK for a function that relies on it, and does not have it.

    The reporter is told that the SDK is not the function's own, or why it is missing. ``provided`` is what its lock
    gives in place of the runtime.

    Raises:
        HashMismatchError: an index has other files of these names.
        StoreError: the store cannot be written.
    """
    mentioned = frozenset[str]().union(*(_mentioned(folder, context.store) for folder in folders))
    has = {entry.path.partition("/")[0].removesuffix(".py") for entry in provided or ()}
    missing = sorted(
        name for name in mentioned - has if not any(_holds(folder, name) for folder in folders)
    )
    if not missing:
        return None
    names_shown = ", ".join(f"`{name}`" for name in missing)
    try:
        bundles = pinned_bundles(_FILES, context)
    except HashMismatchError:
        raise
    except FetchError as error:
        text = f"Lambda's runtime has {names_shown}, which the package has not, and it cannot be fetched"
        hint = "importing it fails here; with the network, it is fetched once and kept"
        causes = "; ".join([error.message, *error.where])
        context.reporter.emit(Warned(text=f"{text}: {causes}", hint=hint))
        return None
    text = (
        f"the package has no {names_shown}, and gets boto3 {_FILES[0].version} and what it needs, "
    )
    text += "as it gets those of Lambda's runtime"
    context.reporter.emit(Note(text=text, brief=True))
    return Bundle().merge(*bundles)


def _mentioned(folder: Path, store: Store) -> frozenset[str]:
    """The names of the SDK, and of what it needs, that the code in an unpacked folder mentions."""
    # The folder is named after its content.
    known = _MENTIONED.recall(store, folder.name)
    if known is not None:
        return known
    found: set[str] = set()
    for path, _, names in walk_folders(folder):
        for name in names:
            if name.endswith(_SUFFIXES):
                with open(f"{path}/{name}", "rb") as file:  # noqa: PTH123
                    code = file.read(_LARGEST)
                found |= {word.decode() for word in _SDK.findall(code)}
                found |= {word.decode() for word in _NEEDED.findall(code)}
    mentioned = frozenset(found)
    _MENTIONED.remember(store, folder.name, mentioned)
    return mentioned


def _holds(folder: Path, module: str) -> bool:
    """Whether a module can be imported from an unpacked package or layer."""
    places = (folder, folder / "python", *folder.glob("python/lib/python3.*/site-packages"))
    return any((place / module).is_dir() or (place / f"{module}.py").is_file() for place in places)
