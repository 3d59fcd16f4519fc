"""URLs for files of which a lock records no address.

PEP 751 requires a ``url`` or a ``path`` for every file, but ``poetry.lock`` and ``Pipfile.lock`` record only
names and hashes. Such files get a URL that tells which index to ask::

    index+https://HOST/simple/PROJECT/FILENAME      an index that the lock names
    index+default:/PROJECT/FILENAME                 the default index
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from wherry.structs import Struct

__all__ = ["IndexFile", "index_url", "parse_index_url"]

_SCHEME = "index+"
_DEFAULT = "index+default:"


class IndexFile(Struct, frozen=True, kw_only=True):
    """A file to look for on an index.

    Attributes:
        index: the address of its Simple API without a slash at the end; None for the default index.
        project: the normalized name.
    """

    index: str | None
    project: str
    filename: str


def index_url(project: str, filename: str, *, index: str | None) -> str:
    """The URL for a file of ``project`` on ``index``; None is the default index."""
    base = _DEFAULT if index is None else f"{_SCHEME}{index.rstrip('/')}"
    return f"{base}/{quote(project, safe='')}/{quote(filename, safe='')}"


def parse_index_url(url: str) -> IndexFile | None:
    """The inverse of ``index_url``; None where the URL has another scheme."""
    if not url.startswith(_SCHEME):
        return None
    base, _, filename = url.rpartition("/")
    base, _, project = base.rpartition("/")
    if not base or not project or not filename:
        return None
    index = None if base == _DEFAULT else base.removeprefix(_SCHEME)
    return IndexFile(index=index, project=unquote(project), filename=unquote(filename))
