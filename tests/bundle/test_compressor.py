"""The bytes of packages depend on one version of one compressor."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tomllib
import zlib
from pathlib import Path

import deflate
import pytest

from support.projects import write_files
from wherry.bundle.compressor import COMPRESSOR, deflated

ROOT = Path(__file__).resolve().parents[2]


def test_another_version_changes_the_zip_rules() -> None:
    """Whoever raises it changes the bytes of packages: say so in the changelog and in zip-rules.md."""
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert "deflate==0.9.0" in pins
    assert deflate.__version__ == "0.9.0"
    assert COMPRESSOR == "deflate 0.9.0 level 6"
    assert "`deflate` 0.9.0" in (ROOT / "docs/reference/zip-rules.md").read_text()


@pytest.mark.parametrize(
    ("data", "sha256"),
    [
        (b"", "f067985d352d2da6dfaef4844a66d06c5371ecbd9530a4d195ac599fef8b3427"),
        (
            b"print('hello')\n" * 500,
            "d55144aed77a6349b29c7c6f0a58b12651d1a618c34b34476ed12fba86d568ac",
        ),
        (
            bytes(n * n % 251 for n in range(100_000)),
            "c0780c6ed7307ab5ff13b124fe0358e61e68160b47d4d04453d6b708a3b801d8",
        ),
        (
            b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(3000)),
            "b8feb8b47542e9efe689f470fc39ef6defde9227e9a911ac83ec5eadacd450d3",
        ),
        (
            b"".join(b"%d,%d,%x\n" % (n, n % 7, n * 40503) for n in range(20_000)),
            "2b8d2bb7828bbed349674cbcad33875a75ed17a54eedf9a8e46b2cc6e22d7da9",
        ),
    ],
)
def test_its_bytes_are_known(data: bytes, sha256: str) -> None:
    """Equal on every machine, so that a change of the compressor cannot pass unnoticed."""
    stream = deflated(data)
    assert zlib.decompress(stream, -zlib.MAX_WBITS) == data
    assert hashlib.sha256(stream).hexdigest() == sha256


@pytest.mark.parametrize(
    "other",
    [
        "__version__ = '1.0'\nimport zlib\ndef deflate_compress(data, level):\n    return zlib.compress(data)\n",
        "raise ImportError('no such library')\n",
    ],
)
def test_another_compressor_is_refused(other: str, tmp_path: Path) -> None:
    write_files(tmp_path, {"deflate.py": other})
    program = (
        "from wherry.bundle.compressor import deflated\nfrom wherry.errors import ToolError\n"
        "try:\n    deflated(b'x')\nexcept ToolError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "packages are compressed by `deflate` 0.9.0" in done.stdout
    assert "--only-binary" in done.stdout
