"""Writing what was composed: quotas and contents checked, packages handed to the output, reports made."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.compose.model import Composition
    from wherry.context import Context
    from wherry.pipeline.report import PackageReport
    from wherry.pipeline.request import BuildRequest

__all__ = ["write_packages"]


def write_packages(
    composition: Composition, request: BuildRequest, context: Context
) -> tuple[PackageReport, ...]:
    """Write the packages of a composition to the request's output.

    Raises:
        QuotaError: a package is larger than AWS Lambda takes; nothing was written.
        CheckError: a package fails on AWS Lambda for certain; nothing was written.
        OutputError, ArchiveError: a package cannot be written.
    """
    from wherry.checks.quotas import check_quotas
    from wherry.pipeline.report import report_package

    check_quotas(composition, request.settings.quotas)
    if request.settings.check.level != "off":
        from wherry.pipeline.preflight import preflight

        preflight(composition, request, context)
    for remark in composition.remarks:
        context.reporter.emit(remark)
    packages = [each for each in composition.packages if request.output.takes(each.name)]
    written = request.output.write([(package.name, package.bundle) for package in packages])
    return tuple(
        report_package(package, file, composition)
        for package, file in zip(packages, written, strict=True)
    )
