"""Tiny real wheels and sdists, made in memory."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Made", "make_sdist", "make_wheel", "metadata"]


@dataclass(frozen=True, kw_only=True)
class Made:
    """A distribution file."""

    filename: str
    data: bytes
    requires_python: str | None = None
    yanked: str | None = None
    metadata: bytes = field(default=b"", repr=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / self.filename
        path.write_bytes(self.data)
        return path


def metadata(
    name: str,
    version: str,
    *,
    requires: Sequence[str] = (),
    extras: Sequence[str] = (),
    requires_python: str | None = None,
) -> bytes:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    if requires_python:
        lines.append(f"Requires-Python: {requires_python}")
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    return ("\n".join(lines) + "\n").encode()


def make_wheel(
    name: str,
    version: str = "1.0",
    *,
    files: Mapping[str, bytes] | None = None,
    tag: str = "py3-none-any",
    requires: Sequence[str] = (),
    extras: Sequence[str] = (),
    requires_python: str | None = None,
    yanked: str | None = None,
    executable: Sequence[str] = (),
    compression: int = zipfile.ZIP_DEFLATED,
) -> Made:
    """A wheel with these files (default: one module that knows its version)."""
    module = name.replace("-", "_").lower()
    info = f"{module}-{version}.dist-info"
    if files is None:
        files = {f"{module}/__init__.py": f"__version__ = {version!r}\n".encode()}
    described = metadata(
        name, version, requires=requires, extras=extras, requires_python=requires_python
    )
    purelib = "true" if tag.endswith("-any") else "false"
    expanded = [
        f"Tag: {py}-{abi}-{platform}"
        for py in tag.split("-", maxsplit=1)[0].split(".")
        for abi in tag.split("-")[1].split(".")
        for platform in tag.split("-")[2].split(".")
    ]
    wheel = "\n".join(
        ["Wheel-Version: 1.0", "Generator: tests", f"Root-Is-Purelib: {purelib}", *expanded, ""]
    )
    members = {**files, f"{info}/METADATA": described, f"{info}/WHEEL": wheel.encode()}
    record = "".join(f"{path},{_record_hash(data)},{len(data)}\n" for path, data in members.items())
    members[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for path, data in members.items():
            member = zipfile.ZipInfo(path, date_time=(2024, 5, 6, 7, 8, 10))
            member.compress_type = compression
            member.external_attr = (0o100755 if path in executable else 0o100644) << 16
            archive.writestr(member, data)
    return Made(
        filename=f"{module}-{version}-{tag}.whl",
        data=buffer.getvalue(),
        requires_python=requires_python,
        yanked=yanked,
        metadata=described,
    )


def make_sdist(
    name: str,
    version: str = "1.0",
    *,
    files: Mapping[str, bytes],
    requires: Sequence[str] = (),
    requires_python: str | None = None,
) -> Made:
    """An sdist with these files below ``NAME-VERSION/`` and a PKG-INFO."""
    module = name.replace("-", "_").lower()
    root = f"{module}-{version}"
    described = metadata(name, version, requires=requires, requires_python=requires_python)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, data in {"PKG-INFO": described, **files}.items():
            member = tarfile.TarInfo(f"{root}/{path}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return Made(filename=f"{root}.tar.gz", data=buffer.getvalue(), requires_python=requires_python)


def _record_hash(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={digest}"
