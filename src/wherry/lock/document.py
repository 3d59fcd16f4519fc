"""TOML and JSON that other tools wrote: every value is asked for by type, and every error says where the value is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from wherry import untrusted
from wherry.errors import LockError
from wherry.files import open_regular, reason_of
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from wherry.files import ProjectFiles

__all__ = [
    "Table",
    "file_sha256",
    "is_path",
    "parse_toml",
    "read_bytes",
    "read_json",
    "read_text",
    "read_toml",
]

T = TypeVar("T")

# What Linux allows, less what a base may add.
_LONGEST = 2000
_LONGEST_PART = 255

_KINDS = {str: "a string", bool: "a boolean", int: "an integer", list: "an array", dict: "a table"}


class Table(Struct, frozen=True, kw_only=True):
    """A table of a file, and the way to it.

    Attributes:
        file: the file's name, for messages.
        place: where it stands in the file, such as ``package[3].source``; empty for the whole file.
        hint: what to do about a file that is wrong.
    """

    data: dict[str, Any]
    file: str
    place: str = ""
    hint: str | None = None

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def at(self, key: str) -> str:
        """The place of ``key``."""
        return f"{self.place}.{key}" if self.place else key

    def wrong(self, key: str, problem: str) -> LockError:
        """The error that says what is wrong with ``key``."""
        where = [f"{self.at(key)}: {problem}"]
        return LockError(f"`{self.file}` is malformed", where=where, hint=self.hint)

    def optional(self, key: str, kind: type[T]) -> T | None:
        """The value of ``key``, or None where it is absent.

        Raises:
            LockError: it is of another type.
        """
        value = self.data.get(key)
        if value is None:
            return None
        # TOML tells booleans from integers; Python does not.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.wrong(key, f"expected {_KINDS[kind]}, not {_kind(value)}")
        return value

    def required(self, key: str, kind: type[T]) -> T:
        """The value of ``key``.

        Raises:
            LockError: it is absent or of another type.
        """
        value = self.optional(key, kind)
        if value is None:
            raise self.wrong(key, "this is missing")
        return value

    def table(self, key: str) -> Table:
        """The table ``key``, empty where it is absent."""
        return self.child(key, self.optional(key, dict) or {})

    def tables(self, key: str) -> Iterator[Table]:
        """The tables of the array ``key``, none where it is absent."""
        for number, item in enumerate(self._items(key, dict)):
            yield self.child(f"{key}[{number}]", item)

    def strings(self, key: str) -> list[str]:
        """The strings of the array ``key``, none where it is absent."""
        return list(self._items(key, str))

    def _items(self, key: str, kind: type[T]) -> Iterator[T]:
        for number, item in enumerate(self.optional(key, list) or []):
            if not isinstance(item, kind):
                problem = f"expected {_KINDS[kind]}, not {_kind(item)}"
                raise self.wrong(f"{key}[{number}]", problem)
            yield item

    def each(self, kind: type[T]) -> Iterator[tuple[str, T]]:
        """Every key with its value, all of one type."""
        for key in self.data:
            yield key, self.required(key, kind)

    def each_table(self) -> Iterator[tuple[str, Table]]:
        """Every key with its table."""
        for key in self.data:
            yield key, self.table(key)

    def parsed(self, key: str, parse: Callable[[str], T]) -> T | None:
        """The string ``key`` as ``parse`` understands it, or None where it is absent.

        Raises:
            LockError: ``parse`` refused it with a ValueError.
        """
        text = self.optional(key, str)
        return None if text is None else self.parse(key, text, parse)

    def parse(self, key: str, text: str, parse: Callable[[str], T]) -> T:
        """``text``, which came from ``key``, as ``parse`` understands it."""
        try:
            return parse(text)
        except (ValueError, RecursionError) as error:
            from wherry.indexes.redact import redact

            problem = redact(str(error).splitlines()[0]) if str(error) else "it cannot be parsed"
            raise self.wrong(key, problem) from None

    def child(self, key: str, data: dict[str, Any]) -> Table:
        """A table below this one that ``key`` stands for."""
        return Table(data=data, file=self.file, place=self.at(key), hint=self.hint)


def is_path(text: str) -> bool:
    """Whether a file can have this path; asking the system about any other may raise errors of its own."""
    if not text or any(character < " " or "\ud800" <= character <= "\udfff" for character in text):
        return False
    parts = text.replace("\\", "/").split("/")
    return len(text) <= _LONGEST and all(len(part.encode()) <= _LONGEST_PART for part in parts)


def read_bytes(path: Path, files: ProjectFiles) -> bytes:
    """The content of a file.

    Raises:
        LockError: it cannot be read.
    """
    try:
        return files.read(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError | ValueError) -> LockError:
    """The error for a file that cannot be opened or read."""
    if isinstance(error, OSError):
        where = f"{path}: {reason_of(error)}"
        return LockError(f"`{path.name}` cannot be read", where=[where])
    # A NUL or a lone surrogate in the path.
    return LockError("a file cannot be read", where=[f"{str(path)!a}: {error}"])


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal.

    Raises:
        LockError: it cannot be read.
    """
    import hashlib

    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def read_text(path: Path, files: ProjectFiles) -> str:
    """The content of a file, which must be UTF-8; a byte order mark is dropped.

    Raises:
        LockError: it cannot be read, or is not UTF-8.
    """
    data = read_bytes(path, files)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise LockError(
            f"`{path.name}` is not text in UTF-8", where=[f"{path}: line {line}: {error.reason}"]
        ) from None


def read_toml(path: Path, files: ProjectFiles, *, hint: str | None = None) -> Table:
    """The content of a file as TOML.

    Raises:
        LockError: it cannot be read, or is not TOML; says the line and column.
    """
    try:
        return Table(data=files.toml(path), file=path.name, hint=hint)
    except (OSError, ValueError):
        # Again, to say what is wrong; unless it was but a byte order mark.
        return parse_toml(read_text(path, files), file=path.name, where=str(path), hint=hint)


def parse_toml(text: str, *, file: str, where: str, hint: str | None = None) -> Table:
    """``text`` as TOML.

    Raises:
        LockError: it is not TOML; says the line and column.
    """
    empty = Table(data={}, file=file, hint=hint)
    return _parsed(untrusted.parse_toml, text, "TOML", where=where, table=empty)


def read_json(path: Path, files: ProjectFiles, *, hint: str | None = None) -> Table:
    """The content of a file as a JSON object.

    Raises:
        LockError: it cannot be read, or is not a JSON object; says the line and column.
    """
    empty = Table(data={}, file=path.name, hint=hint)
    return _parsed(
        untrusted.parse_json, read_text(path, files), "JSON", where=str(path), table=empty
    )


def _parsed(
    parse: Callable[[str], Any], text: str, language: str, *, where: str, table: Table
) -> Table:
    """``table`` with the data of ``text``."""
    try:
        data = parse(text)
    except ValueError as error:
        problem = str(error)
    else:
        if isinstance(data, dict):
            return replace(table, data=data)
        problem = f"the document should be an object, and is {_kind(data)}"
    raise LockError(
        f"`{table.file}` is not valid {language}", where=[f"{where}: {problem}"], hint=table.hint
    )


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    return _KINDS.get(type(value), f"a {type(value).__name__}")
