"""Addresses for files whose address a lock does not record.

PEP 751 wants a ``url`` or a ``path`` for every file, but ``poetry.lock`` and ``Pipfile.lock`` record only
names and hashes. Such files get a URL that says where to ask::

    index+https://HOST/simple/PROJECT/FILENAME      an index that the lock names
    index+default:/PROJECT/FILENAME                 the default index
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

from wherry.indexes.variables import expand_variables

__all__ = ["IndexFile", "index_url", "parse_index_url"]

_SCHEME = "index+"
_DEFAULT = "index+default:"


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexFile:
    """A file to look for on an index.

    Attributes:
        index: the address of its Simple API without a slash at the end; None for the default index.
        project: the normalized name.
        filename: the file's name.
    """

    index: str | None
    project: str
    filename: str


def index_url(project: str, filename: str, *, index: str | None) -> str:
    """The URL that stands for a file of ``project`` on ``index``; None is the default index."""
    place = _DEFAULT if index is None else f"{_SCHEME}{index.rstrip('/')}"
    return f"{place}/{quote(project, safe='')}/{quote(filename, safe='')}"


def parse_index_url(url: str) -> IndexFile | None:
    """What ``index_url`` was given, or None where ``url`` is of another scheme.

    Variables of the environment that stand for secrets in the index's address are filled in.
    """
    if not url.startswith(_SCHEME):
        return None
    place, _, filename = url.rpartition("/")
    place, _, project = place.rpartition("/")
    if not place or not project or not filename:
        return None
    index = None if place == _DEFAULT else expand_variables(place.removeprefix(_SCHEME))
    return IndexFile(index=index, project=unquote(project), filename=unquote(filename))
