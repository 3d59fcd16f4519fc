"""Replacing the beginning and the end of a deflate stream, and copying the bits between.

Compressing again would make the bytes depend on the local compressor, and storing would make them larger. So the
symbols of the stream (RFC 1951) are read without decompressing them: the bits of those that still give the new
content are copied, and the rest of the content is written as stored blocks between them.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SpliceError", "splice"]

_WINDOW = 1 << 15
_LONGEST_STORED = 0xFFFF
_END_OF_BLOCK = 256
_PIECE = 1 << 20
# Entries of a code below this are literals.
_LITERALS = _END_OF_BLOCK << 4

# 3.2.5: the values of the codes 257 to 285 and of the distance codes, and the number of bits after them.
_LENGTHS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31,
            35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258)  # fmt: skip
_LENGTH_BITS = (0,) * 8 + (1,) * 4 + (2,) * 4 + (3,) * 4 + (4,) * 4 + (5,) * 4 + (0,)
_DISTANCES = (1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769,
              1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577)  # fmt: skip
_DISTANCE_BITS = (0, 0, *(number // 2 for number in range(28)))
# 3.2.7: the order of the lengths of the codes for lengths.
_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)


class SpliceError(ValueError):
    """The stream is not a deflate stream, or not one of the content."""


def splice(stream: bytes, old: bytes, new: bytes, *, kept: int) -> bytes:
    """A deflate stream of ``new``, with the bits of the old stream where the two contents agree.

    It depends only on the arguments, and is verified by decompressing it. ``kept`` is the number of bytes in which
    the two contents agree, except a few in the first 1,024 bytes; what follows may differ.

    Raises:
        SpliceError: the stream is damaged, or not one of the old content.
    """
    head = min(kept, 1024)
    changed = frozenset(at for at in range(head) if old[at] != new[at])
    try:
        spliced = _Splicing(stream, new, kept, changed).run()
    except (IndexError, zlib.error) as error:
        raise SpliceError("it is not a deflate stream") from error
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        sound = machine.decompress(spliced) == new and machine.eof and not machine.unused_data
    except zlib.error:
        sound = False
    if not sound:
        raise SpliceError("it does not give the new content")
    return spliced


class _Code:
    """A Huffman code as a table: for the next ``bits`` bits of a stream, the symbol and the length of its code."""

    def __init__(self, lengths: Sequence[int]) -> None:
        self.bits = max(lengths, default=0) or 1
        self.mask = (1 << self.bits) - 1
        # Bits that begin no code give a symbol that does not exist.
        self.table = [511 << 4 | 1] * (1 << self.bits)
        self.end: tuple[int, int] = (0, 0)
        code = 0
        for length in range(1, self.bits + 1):
            code <<= 1
            for symbol, symbol_length in enumerate(lengths):
                if symbol_length != length:
                    continue
                # Codes are in the stream with their first bit first.
                if code >> length:
                    raise SpliceError("its codes are invalid")
                reversed_code = int(f"{code:0{length}b}"[::-1], 2)
                step = 1 << length
                self.table[reversed_code::step] = [symbol << 4 | length] * (
                    1 << (self.bits - length)
                )
                if symbol == _END_OF_BLOCK:
                    self.end = reversed_code, length
                code += 1


_FIXED = (
    _Code([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8),
    _Code([5] * 30),
)


class _Splicing:
    """One pass over a stream. Positions in it are counted in bits, those in the content in bytes."""

    def __init__(self, stream: bytes, new: bytes, kept: int, changed: frozenset[int]) -> None:
        self._stream = stream
        self._new = new
        self._kept = kept
        self._changed = changed
        # From here on no symbol refers to changed bytes.
        self._safe = max(changed, default=-_WINDOW) + _WINDOW + 1
        self._at = 0  # bits read
        self._position = 0  # bytes of content accounted for
        # The start of the bits to copy, which end at the position of reading.
        self._run: int | None = None
        self._out = bytearray()
        self._bits = 0  # bits that do not yet fill a byte
        self._count = 0

    def run(self) -> bytes:
        while self._position < self._kept:
            start = self._at
            last, kind = self._take(1), self._take(2)
            more = not last
            if kind == 0:
                self._stored(start)
            elif kind in {1, 2}:
                more = self._compressed(start, last, kind) and more
            else:
                raise SpliceError("it has a block of an unknown kind")
            if not more:
                break
        if self._run is not None:
            self._copy(self._at)
        if self._position > self._kept:
            raise SpliceError("it goes on too far")
        self._write_stored(self._new[self._position :], last=True)
        return bytes(self._out)

    def _take(self, count: int) -> int:
        byte, shift = divmod(self._at, 8)
        if self._at + count > len(self._stream) * 8:
            raise SpliceError("it ends early")
        self._at += count
        piece = int.from_bytes(self._stream[byte : byte + 4], "little")
        return piece >> shift & (1 << count) - 1

    def _stored(self, start: int) -> None:
        if self._run is not None:
            self._copy(start)
        self._at = (self._at + 7) // 8 * 8
        size, check = self._take(16), self._take(16)
        if size ^ check != _LONGEST_STORED:
            raise SpliceError("a stored block contradicts itself")
        self._at += size * 8
        # Bytes are aligned differently in the new stream, so they are written and not copied.
        end = min(self._position + size, self._kept)
        self._write_stored(self._new[self._position : end], last=False)
        self._position = end

    def _compressed(self, start: int, last: int, kind: int) -> bool:
        """Read a block; return whether it was read to its end."""
        literals, distances = _FIXED if kind == 1 else self._codes()
        begin = self._at

        def restart() -> None:
            # The header of the block, which is no longer the last one.
            self._write_bits(0, 1)
            self._copy_bits(start + 1, begin)
            self._run = self._at

        if self._run is None:
            restart()
        elif last:
            self._copy(start)
            restart()
        ended = False
        while not ended and self._position < min(self._safe, self._kept):
            before = self._at
            size, distance = self._symbol(literals, distances)
            ended = not size
            start_of_symbol = self._position
            if ended or self._gives_new_content(start_of_symbol, size, distance):
                self._position += size
                continue
            # Content that the symbol no longer gives is written between two blocks.
            self._copy(before)
            self._write_bits(*literals.end)
            self._position = min(start_of_symbol + size, self._kept)
            self._write_stored(self._new[start_of_symbol : self._position], last=False)
            restart()
        if not ended and self._position < self._kept:
            ended = self._read_fast(literals, distances)
        if not ended:
            self._copy(self._at)
            self._write_bits(*literals.end)
        return ended

    def _gives_new_content(self, position: int, size: int, distance: int) -> bool:
        if position + size > self._kept:
            return False
        return not any(
            at in self._changed or (distance and at - distance in self._changed)
            for at in range(position, position + size)
        )

    def _symbol(self, literals: _Code, distances: _Code) -> tuple[int, int]:
        """Read a symbol; return its number of bytes (0 for the end of the block) and its distance."""
        stream, at = self._stream, self._at
        bits = int.from_bytes(stream[at >> 3 : (at >> 3) + 8], "little") >> (at & 7)
        entry = literals.table[bits & literals.mask]
        used, symbol = entry & 15, entry >> 4
        if symbol <= _END_OF_BLOCK:
            size, distance = int(symbol < _END_OF_BLOCK), 0
        else:
            bits >>= used
            extra = _LENGTH_BITS[symbol - 257]
            size = _LENGTHS[symbol - 257] + (bits & (1 << extra) - 1)
            bits >>= extra
            entry = distances.table[bits & distances.mask]
            bits >>= entry & 15
            further = _DISTANCE_BITS[entry >> 4]
            distance = _DISTANCES[entry >> 4] + (bits & (1 << further) - 1)
            used += extra + (entry & 15) + further
        if at + used > len(stream) * 8:
            raise SpliceError("it ends early")
        self._at = at + used
        return size, distance

    def _read_fast(self, literals: _Code, distances: _Code) -> bool:
        """Read to the last symbol of the kept content, or to the end of the block; whether it has ended.

        Most time is spent here, hence the local names.
        """
        stream, position, kept = self._stream, self._position, self._kept
        table, mask = literals.table, literals.mask
        distance_table, distance_mask = distances.table, distances.mask
        # The bits that follow a distance's code, with those of the code itself.
        skipped = _DISTANCE_BITS
        byte = self._at >> 3
        bits = int.from_bytes(stream[byte : byte + 8], "little") >> (self._at & 7)
        count = 64 - (self._at & 7)
        byte += 8
        ended = False
        while position < kept:
            # The longest symbol has 48 bits.
            if count < 48:
                bits |= int.from_bytes(stream[byte : byte + 8], "little") << count
                count += 64
                byte += 8
            entry = table[bits & mask]
            if entry < _LITERALS:
                used = entry & 15
                bits >>= used
                count -= used
                position += 1
                continue
            symbol = entry >> 4
            if symbol == _END_OF_BLOCK:
                count -= entry & 15
                ended = True
                break
            used = entry & 15
            extra = _LENGTH_BITS[symbol - 257]
            rest = bits >> used
            size = _LENGTHS[symbol - 257] + (rest & (1 << extra) - 1)
            if position + size > kept:
                break
            entry = distance_table[rest >> extra & distance_mask]
            used += extra + (entry & 15) + skipped[entry >> 4]
            bits >>= used
            count -= used
            position += size
        self._position = position
        self._at = byte * 8 - count
        if self._at > len(stream) * 8:
            raise SpliceError("it ends early")
        return ended

    def _codes(self) -> tuple[_Code, _Code]:
        """Read the codes of a block with its own codes (3.2.7)."""
        literals, distances, few = self._take(5) + 257, self._take(5) + 1, self._take(4) + 4
        short = [0] * 19
        for position in _ORDER[:few]:
            short[position] = self._take(3)
        code = _Code(short)
        lengths: list[int] = []
        while len(lengths) < literals + distances:
            at = self._at
            bits = int.from_bytes(self._stream[at >> 3 : (at >> 3) + 4], "little") >> (at & 7)
            entry = code.table[bits & code.mask]
            self._at += entry & 15
            match entry >> 4:
                case 16:
                    lengths += lengths[-1:] * (3 + self._take(2))
                case 17:
                    lengths += [0] * (3 + self._take(3))
                case 18:
                    lengths += [0] * (11 + self._take(7))
                case length if length < 16:
                    lengths.append(length)
                case _:
                    raise SpliceError("its codes are invalid")
        return _Code(lengths[:literals]), _Code(lengths[literals : literals + distances])

    def _copy(self, end: int) -> None:
        """Write the bits of the stream from the start of the run to ``end``, and end the run."""
        assert self._run is not None  # noqa: S101
        self._copy_bits(self._run, end)
        self._run = None

    def _copy_bits(self, start: int, end: int) -> None:
        while start < end:
            until = min(end, (start // 8 + _PIECE) * 8)
            piece = int.from_bytes(self._stream[start // 8 : (until + 7) // 8], "little")
            self._write_bits(piece >> start % 8 & (1 << until - start) - 1, until - start)
            start = until

    def _write_bits(self, bits: int, count: int) -> None:
        bits = bits << self._count | self._bits
        count += self._count
        self._out += (bits & (1 << count // 8 * 8) - 1).to_bytes(count // 8, "little")
        self._bits = bits >> count // 8 * 8
        self._count = count % 8

    def _write_stored(self, data: bytes, *, last: bool) -> None:
        """Write data as stored blocks (3.2.4)."""
        for start in range(0, len(data) or 1, _LONGEST_STORED):
            piece = data[start : start + _LONGEST_STORED]
            final = last and start + _LONGEST_STORED >= len(data)
            self._write_bits(int(final), 3)
            self._write_bits(0, -self._count % 8)
            size = len(piece)
            self._out += size.to_bytes(2, "little") + (size ^ _LONGEST_STORED).to_bytes(2, "little")
            self._out += piece
