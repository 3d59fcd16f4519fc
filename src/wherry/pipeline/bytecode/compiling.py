"""Compiled modules, remembered in the store: those of wheels by the wheel, those of own code by their content."""

from __future__ import annotations

import posixpath
import zlib
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from wherry.bundle.compressor import COMPRESSOR, deflated
from wherry.bundle.content import content_sha256, read_all
from wherry.bundle.entry import DEFLATED, BuiltSlice, Deflated, Slice
from wherry.errors import ToolError
from wherry.store.memo import Memo, memo_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from wherry.bundle.entry import Payload
    from wherry.context import Context
    from wherry.interpreters import BuildPython
    from wherry.target import Target

__all__ = ["Compiled", "Compiling", "Source", "cached_path", "interpreter"]

FORMAT = 1
"""Goes into the key of what is remembered; raised when modules are compiled in another way."""

_MEMO: Memo[dict[str, Any]] = Memo("bytecode", dict, dict)
# Bytes of sources that are held in memory at a time.
_BATCH = 1 << 24
_LARGEST = 1 << 24

Compiled: TypeAlias = Slice | Deflated


class Source(NamedTuple):
    """A module's place on Lambda, and its source."""

    place: str
    payload: Payload


class Compiling:
    """Compiles modules; what was compiled before, in this run or another, is not compiled again.

    Args:
        context: of the run, for the target.

    Raises:
        ToolError: this machine has no Python of the target's version.
    """

    def __init__(self, context: Context) -> None:
        self.target = context.target
        self._context = context
        self._python = interpreter(context)
        # By wheel, or by own module: the compiled modules by place.
        self._known: dict[str, dict[str, Any]] = {}
        self._news: set[str] = set()

    def compiled(self, sources: Sequence[Source]) -> Mapping[str, Compiled]:
        """The ``.pyc`` files of modules by their place; none of those that do not compile.

        Raises:
            ArchiveError, OutputError: a module cannot be read.
            ToolError: the interpreter cannot be run.
            StoreError: the store cannot be written.
        """
        made: dict[str, Compiled] = {}
        missing: list[tuple[Source, str]] = []
        for source in sources:
            key = self._key(source.payload)
            known = self._group(key)
            value = known.get(source.place, "")
            payload = self._from_memo(value)
            if payload is not None:
                made[source.place] = payload
            elif value is not None:
                missing.append((source, key))
        for batch in _batches(missing):
            made.update(self._compile(batch))
        for key in sorted(self._news):
            _MEMO.remember(self._context.store, key, self._known[key])
        self._news.clear()
        return made

    def _key(self, payload: Payload) -> str:
        """The key of the memo in which a module is: that of its wheel, or its own."""
        rules = [FORMAT, COMPRESSOR, self._python.release]
        if (
            isinstance(payload, Slice)
            and not isinstance(payload, BuiltSlice)
            and payload.archive.is_relative_to(self._context.store.root)
        ):
            # Named after its content.
            return memo_key(*rules, "wheel", payload.archive.name.partition(".")[0])
        return memo_key(*rules, "module", content_sha256(payload))

    def _group(self, key: str) -> dict[str, Any]:
        if key not in self._known:
            self._known[key] = _MEMO.recall(self._context.store, key) or {}
        return self._known[key]

    def _from_memo(self, value: Any) -> Compiled | None:
        try:
            if len(value) == 3:
                data, size, crc = value
                return Deflated(b64decode(data), int(size), int(crc))
            sha256, offset, compressed, size, crc = value
        except (TypeError, ValueError):
            return None
        path = self._context.files.once(
            ("compiled", sha256), lambda: self._context.store.find(sha256)
        )
        return None if path is None else Slice(path, offset, compressed, size, crc, DEFLATED)

    def _compile(self, batch: Sequence[tuple[Source, str]]) -> Iterator[tuple[str, Compiled]]:
        """Compile modules in one process, and keep those of wheels in one file of the store."""
        from wherry.pipeline.bytecode.worker import compile_modules

        modules = [
            (source.place, read_all(source.payload) if source.payload.size <= _LARGEST else b"\0")
            for source, _ in batch
        ]
        store = self._context.store
        results = compile_modules(modules, self._python, store.root)
        pieces: list[bytes] = []
        offset = 0
        kept: list[tuple[Source, str, list[int]]] = []
        for (source, key), made in zip(batch, results, strict=True):
            self._news.add(key)
            if not made:
                self._known[key][source.place] = None
                continue
            data, crc = deflated(made), zlib.crc32(made)
            if isinstance(source.payload, Slice) and not isinstance(source.payload, BuiltSlice):
                kept.append((source, key, [offset, len(data), len(made), crc]))
                pieces.append(data)
                offset += len(data)
            else:
                self._known[key][source.place] = [b64encode(data).decode(), len(made), crc]
                yield source.place, Deflated(data, len(made), crc)
        if not kept:
            return
        with store.writer() as writer:
            for piece in pieces:
                writer.write(piece)
            stored = writer.commit(hashes={}, name="compiled modules")
        for source, key, (begin, compressed, size, crc) in kept:
            self._known[key][source.place] = [stored.sha256, begin, compressed, size, crc]
            yield source.place, Slice(stored.path, begin, compressed, size, crc, DEFLATED)


def _batches(
    missing: Iterable[tuple[Source, str]],
) -> Iterator[list[tuple[Source, str]]]:
    batch: list[tuple[Source, str]] = []
    size = 0
    for each in missing:
        batch.append(each)
        size += each[0].payload.size
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def cached_path(path: str, target: Target) -> str:
    """The path at which Python looks for the compiled module of a source."""
    folder, name = posixpath.split(path)
    tag = f"cpython-{''.join(map(str, target.runtime.python))}"
    return posixpath.join(folder, "__pycache__", f"{name.removesuffix('.py')}.{tag}.pyc")


def interpreter(context: Context) -> BuildPython:
    """The interpreter of the target's version, which compiles for it.

    Raises:
        ToolError: this machine has none.
    """
    from wherry.interpreters import build_python

    python = build_python(context)
    wanted = context.target.runtime.python
    if python.version == wanted and python.identity.startswith("cpython"):
        return python
    version = f"{wanted[0]}.{wanted[1]}"
    raise ToolError(
        f"no Python {version} was found, which compiles modules for {context.target.runtime.name}",
        where=["`bytecode` is set, and another version compiles to other bytecode"],
        hint=f'install one, such as by `uv python install {version}`; or set bytecode = "off"',
    )
