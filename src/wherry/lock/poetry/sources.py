"""The indexes of a Poetry project, in the order in which Poetry asks them, as uv takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.indexes.declared import is_pypi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.indexes.network import Network
    from wherry.lock.document import Table

__all__ = ["index_options", "source_address"]

_PRIORITIES = {"default": 0, "primary": 1, "secondary": 2, "supplemental": 2, "explicit": 3}
_PRIMARY, _EXPLICIT = 1, 3


def index_options(poetry: Table, network: Network) -> Iterator[str]:
    """The options that make uv ask the sources that are not explicit; PyPI comes last among equals.

    Both take a distribution from the first index that has it; uv asks the default index after all others.
    """
    ranked: list[tuple[int, bool, str | None]] = []
    for source in poetry.tables("source"):
        url, rank = source.optional("url", str), _rank(source)
        # Poetry knows the address of its own `PyPI` source, and so does uv.
        own = url is None or is_pypi(url)
        ranked.append((rank, own, None if own else url))
    if all(rank > _PRIMARY and not own for rank, own, _ in ranked):
        ranked.append((_PRIMARY, True, None))
    ranked.sort(key=lambda each: each[:2])
    urls = dict.fromkeys(url for rank, _, url in ranked if rank < _EXPLICIT)
    for number, url in enumerate(urls, start=1):
        if number < len(urls):
            yield f"--extra-index-url {url or _pypi(network)}"
        elif url is not None:
            yield f"--index-url {url}"


def source_address(poetry: Table, name: str, network: Network) -> str | None:
    """The address of the source of a name; None if there is none."""
    for source in poetry.tables("source"):
        if (source.optional("name", str) or "").lower() == name.lower():
            return source.optional("url", str) or _pypi(network)
    return _pypi(network) if name.lower() == "pypi" else None


def _rank(source: Table) -> int:
    # Poetry 1.4 and older.
    if source.optional("default", bool) or source.optional("secondary", bool):
        return _PRIORITIES["default" if source.data.get("default") else "secondary"]
    return _PRIORITIES.get((source.optional("priority", str) or "primary").lower(), _PRIMARY)


def _pypi(network: Network) -> str:
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    return network.default_index or PYPI_SIMPLE_ENDPOINT
