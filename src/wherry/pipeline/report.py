"""The report of a build on each package that it wrote: the document behind ``wherry build --json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from wherry.structs import Struct

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.bundle.writer import Written
    from wherry.compose.model import Composition, Package
    from wherry.target import Target

__all__ = ["BuildReport", "DistributionReport", "PackageReport", "report_package"]

SCHEMA = 1
"""Raised when a field changes its meaning or goes; new fields do not raise it."""


class DistributionReport(Struct, frozen=True, kw_only=True):
    """The share of one distribution: bytes in the zip, bytes unzipped, and files."""

    name: str
    version: str | None
    size: int
    unzipped_size: int
    files: int


class PackageReport(Struct, frozen=True, kw_only=True):
    """A written deployment package.

    Attributes:
        name: of the function or layer.
        kind: ``function`` or ``layer``.
        path: of the zip file.
        handler: as AWS means it, where the settings say one.
        sha256: of the zip file, in hexadecimal.
        code_sha256: the same in base64, as AWS reports it and Terraform's ``source_code_hash`` wants it.
        size: of the zip file in bytes.
        unzipped_size: of all its files in bytes.
        files: how many it holds.
        changed: False when the same bytes were there before the build.
        layers: the names, or ARNs, of the layers that it takes, in the order in which Lambda unpacks them.
        runtimes: the runtimes that it is for.
        architectures: the architectures that it is for.
        unzipped_size_with_layers: of all files, those of its layers of this project included.
        provided: the names of distributions that are left out because the runtime has them.
        stripped_files: how many compiled files are without what only debuggers read.
        stripped_size: bytes by which that makes the zip file smaller.
        stripped_unzipped_size: bytes by which it makes all files smaller.
        slimmed_files: how many files ``slim`` and ``botocore-services`` have left out.
        slimmed_size: bytes by which that makes the zip file smaller.
        slimmed_unzipped_size: bytes by which it makes all files smaller.
        bytecode_files: how many modules are compiled.
        bytecode_size: bytes by which that makes the zip file larger.
        bytecode_unzipped_size: bytes by which it makes all files larger.
        distributions: what is inside, the project's own code among it.
    """

    name: str
    kind: str
    path: Path
    handler: str | None
    sha256: str
    code_sha256: str
    size: int
    unzipped_size: int
    files: int
    changed: bool
    layers: tuple[str, ...]
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    unzipped_size_with_layers: int
    provided: tuple[str, ...]
    stripped_files: int = 0
    stripped_size: int = 0
    stripped_unzipped_size: int = 0
    slimmed_files: int = 0
    slimmed_size: int = 0
    slimmed_unzipped_size: int = 0
    bytecode_files: int = 0
    bytecode_size: int = 0
    bytecode_unzipped_size: int = 0
    distributions: tuple[DistributionReport, ...]


class BuildReport(Struct, frozen=True, kw_only=True):
    """The result of a build.

    Attributes:
        target: what it was built for.
        packages: the written packages.
        seconds: how long it took. Not part of the document: two equal builds give equal documents.
    """

    target: Target
    packages: tuple[PackageReport, ...]
    seconds: float

    def document(self) -> dict[str, Any]:
        """The JSON document; paths are as given in ``PackageReport.path``."""
        return {
            "schema": SCHEMA,
            "target": self.target.document(),
            "packages": [
                {**to_builtins(package, enc_hook=str), "path": package.path.as_posix()}
                for package in self.packages
            ],
        }


def report_package(package: Package, written: Written, composition: Composition) -> PackageReport:
    """The report of a package that was just written."""
    from wherry.bundle.entry import zipped_size
    from wherry.checks.quotas import unzipped_size

    sizes: dict[str, list[int]] = {}
    for entry in package.bundle:
        payload = entry.payload
        counts = sizes.setdefault(entry.owner, [0, 0, 0])
        counts[0] += zipped_size(payload)
        counts[1] += payload.size
        counts[2] += 1
    reports = []
    for distribution in package.distributions:
        zipped, plain, files = sizes.get(distribution.name, (0, 0, 0))
        reports.append(
            DistributionReport(
                name=distribution.name,
                version=distribution.version,
                size=zipped,
                unzipped_size=plain,
                files=files,
            )
        )
    return PackageReport(
        name=package.name,
        kind=package.kind,
        path=written.path,
        handler=package.handler,
        sha256=written.sha256,
        code_sha256=written.code_sha256,
        size=written.size,
        unzipped_size=package.unzipped_size,
        files=len(package.bundle),
        changed=written.changed,
        layers=package.layers,
        runtimes=package.runtimes,
        architectures=package.architectures,
        unzipped_size_with_layers=unzipped_size(package, composition),
        provided=tuple(one.name for one in package.provided),
        stripped_files=package.saving.files,
        stripped_size=package.saving.size,
        stripped_unzipped_size=package.saving.unzipped_size,
        slimmed_files=package.slimmed.files,
        slimmed_size=package.slimmed.size,
        slimmed_unzipped_size=package.slimmed.unzipped_size,
        bytecode_files=package.bytecode.files,
        bytecode_size=-package.bytecode.size,
        bytecode_unzipped_size=-package.bytecode.unzipped_size,
        distributions=tuple(reports),
    )
