"""Changes to sound samples: to their bytes, to their text, and to one value of a document."""

from __future__ import annotations

import copy
import json
import random
import tomllib
from typing import Any

import tomli_w

__all__ = ["changed", "changed_document"]

_NUMBERS = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, (1 << 63) - 1, (1 << 64) - 1]
# What has a meaning somewhere.
_TOKENS = [
    b"", b"\0", b"\n", b"\r\n", b"..", b"/", b"../../x", b"\\", b"${HOME}", b"%00", b"%", b"*a" * 30, b"**/",
    b"[", b"[!", b"]", b"{", b"}", b'"', b"'", b"=", b"==", b";", b"@", b"#", b"-", b"9" * 400, b"-1", b"1e999",
    b"\xff\xfe", b"\xef\xbb\xbf", "\u202e\u2028é".encode(), "\ud800".encode("utf-8", "surrogatepass"), b"\x1b[31m",
    b"true", b"null", b"NaN", b"extra == 'x'", b"[" * 3000, b"(" * 3000, b"{" * 3000, b"a" * 70000, b"http://[::1",
    b"https://u:p@host:99999/", b"file:///dev/zero", b"2024-01-01", b"sha256:", b"==1.*", b"!", b"\t", b"&#0;",
]  # fmt: skip
_VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 1 << 70, 1.5, float("inf"), float("nan"), "", ".", "..", "/", "\0", "a\nb", "\u2028",
    "x" * 5000, "=" * 300, "(" * 600, "extra == 'x'", "==1.*", "https://[::1", "https://u:p@h:99999/", "file:///dev/zero",
    "${HOME}", "$HOME", "../../x", "C:\\x", "-", "*", "9" * 500, "\x1b[31m", [], [[]], [{}], ["a"], [None], [1], {},
    {"a": {}}, {"": ""}, {"a": ["b"]}, "2024-01-01", "sha256:" + "0" * 64, "\ud800", "é" * 300, "[" * 600,
]  # fmt: skip


def changed(sample: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """The sample with one to four changes to its bytes."""
    whole = bytearray(sample)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        at = rng.randint(0, len(whole))
        match rng.randrange(9):
            case 0 if whole:
                whole[at % len(whole)] ^= 1 << rng.randrange(8)
            case 1:
                width = rng.choice([1, 2, 4, 8])
                number = rng.choice(_NUMBERS) % (1 << 8 * width)
                whole[at : at + width] = number.to_bytes(width, rng.choice(["little", "big"]))
            case 2:
                del whole[at : at + rng.randint(1, 100)]
            case 3:
                source = rng.randint(0, len(whole))
                whole[at:at] = whole[source : source + rng.randint(1, 200)] * rng.choice([1, 1, 50])
            case 4:
                del whole[at:]
            case 5:
                other = rng.choice(others)
                start = rng.randint(0, len(other))
                whole[at:] = other[start:]
            case 6:
                whole[at:at] = rng.randbytes(rng.randint(1, 20))
            case _:
                whole[at : at + rng.choice([0, 0, 1, 4, 10])] = rng.choice(_TOKENS)
    # Copies of copies grow.
    return bytes(whole[: 1 << 20])


def changed_document(sample: bytes, rng: random.Random) -> bytes:
    """The TOML or JSON document with one to three values replaced or removed; otherwise changed bytes."""
    toml = not sample.lstrip().startswith((b"{\n", b'{"', b"[{"))
    document = tomllib.loads(sample.decode()) if toml else json.loads(sample)
    document = copy.deepcopy(document)
    for _ in range(rng.randint(1, 3)):
        holders = list(_holders(document))
        holder, key = rng.choice(holders) if holders else (None, None)
        if holder is None:
            break
        match rng.randrange(4):
            case 0 if isinstance(holder, dict):
                del holder[key]
            case 1:
                other, name = rng.choice(holders)
                holder[key] = copy.deepcopy(other[name])
            case 2 if isinstance(holder[key], list) and holder[key]:
                holder[key] = holder[key] * rng.choice([2, 300])
            case _:
                holder[key] = copy.deepcopy(rng.choice(_VALUES))
    if not toml:
        return json.dumps(document).encode("utf-8", "surrogatepass")[: 1 << 20]
    try:
        return tomli_w.dumps(document).encode("utf-8", "surrogatepass")[: 1 << 20]
    except (TypeError, ValueError):
        # TOML has no null.
        return changed(sample, [sample], rng)


def _holders(value: Any) -> Any:
    """Every container with each of its keys."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in list(keys):
        yield value, key
        yield from _holders(value[key])
