"""Whether a wheel is the distribution that its file's name says: its ``.dist-info`` folder and ``METADATA`` must agree.

Names are compared as PEP 503 has it and versions as PEP 440 has it, as pip and uv do.
"""

from __future__ import annotations

import re

from wherry.errors import ArchiveError

__all__ = ["require_folder", "require_metadata"]

_HEADER = re.compile(rb"^(Name|Version):[ \t]*([^\r\n]*?)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")


def require_folder(stem: str, *, filename: str) -> None:
    """Compare the ``NAME-VERSION`` of the ``.dist-info`` folder with the name of the file.

    Raises:
        ArchiveError: they are of two distributions or versions.
    """
    if "-" in stem and filename.startswith(f"{stem}-"):
        return
    parts = filename.removesuffix(".whl").split("-")
    if len(parts) < 5:
        return  # it is not the name of a wheel, which others refuse
    name, _, version = stem.rpartition("-")
    if not (_same_name(name, parts[0]) and _same_version(version, parts[1])):
        raise _disagrees(filename, f"its folder is `{stem}.dist-info`")


def require_metadata(metadata: bytes, stem: str, *, filename: str) -> None:
    """Compare the name and version in ``METADATA`` with those of the ``.dist-info`` folder.

    Raises:
        ArchiveError: they differ, or ``METADATA`` lacks one of them.
    """
    end = _END_OF_HEADERS.search(metadata)
    headers: dict[str, str] = {}
    for key, value in _HEADER.findall(metadata[: end.start() if end else None]):
        headers.setdefault(key.decode().lower(), value.decode(errors="replace"))
    folder_name, _, folder_version = stem.rpartition("-")
    for key, folder, same in (
        ("name", folder_name, _same_name),
        ("version", folder_version, _same_version),
    ):
        if not headers.get(key):
            raise ArchiveError(
                f"`{filename}` is not a valid wheel", where=[f"its `METADATA` has no {key}"]
            )
        if not same(headers[key], folder):
            raise _disagrees(filename, f"its `METADATA` has the {key} `{headers[key]}`")


def _same_name(first: str, second: str) -> bool:
    names = [re.sub(r"[-_.]+", "-", name).lower() for name in (first, second)]
    return names[0] == names[1]


def _same_version(first: str, second: str) -> bool:
    if first == second:
        return True
    from packaging.version import InvalidVersion, Version

    try:
        # The name of a file may have `_` where a version has `-`.
        return Version(first) == Version(second.replace("_", "-"))
    except InvalidVersion:
        return _same_name(first.replace("+", "-"), second.replace("+", "-"))


def _disagrees(filename: str, reason: str) -> ArchiveError:
    return ArchiveError(
        f"`{filename}` is of another distribution or version than its name says",
        where=[reason],
        hint="pip and uv refuse it too: report it to whoever made it, or lock another version",
    )
