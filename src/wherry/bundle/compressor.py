"""The one compressor of Wherry: libdeflate in one version, whose output is the same on every machine.

libdeflate promises the same output on all architectures; another version may compress otherwise. So the version is
part of the zip rules, ``pyproject.toml`` pins it, and a sample proves it before anything is compressed.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from wherry.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["COMPRESSOR", "STRIPPING", "deflated"]

_VERSION = "0.9.0"
_LEVEL = 6
COMPRESSOR = f"deflate {_VERSION} level {_LEVEL}"
"""The compressor, in the keys of what is remembered of its output."""
STRIPPING = f"2 {COMPRESSOR}"
"""The rules of stripping, in digests and keys; its number is raised when files are stripped in another way."""

_SAMPLE_SHA256 = "41c28b146a8f986bc839ffa05e94c39ac700fae60d2e6ecf9b643aebf5c25e14"


def deflated(data: bytes) -> bytes:
    """The raw deflate stream of some bytes (RFC 1951).

    Raises:
        ToolError: the installed compressor is another one.
    """
    return bytes(_compressor()(data, _LEVEL))


@cache
def _compressor() -> Callable[[bytes, int], bytes | bytearray]:
    try:
        import deflate
    except ImportError as error:
        raise _another(str(error)) from error
    sample = b"".join(b"%d: %x\n" % (n % 300, n * n * 2654435761 >> 7) for n in range(1500))
    made = hashlib.sha256(deflate.deflate_compress(sample, _LEVEL)).hexdigest()
    if made != _SAMPLE_SHA256:
        version = getattr(deflate, "__version__", "of an unknown version")
        raise _another(f"the installed one, {version}, compresses otherwise")
    return deflate.deflate_compress


def _another(reason: str) -> ToolError:
    return ToolError(
        f"packages are compressed by `deflate` {_VERSION}, for the same bytes everywhere",
        where=[reason],
        hint=f"install it from its wheel: pip install --only-binary deflate deflate=={_VERSION}",
    )
