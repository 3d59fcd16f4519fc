"""Descriptions of AWS's services in botocore that no code asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.contents.services import CREDENTIALS, SDKS, data_of, service_uses
from wherry.contents.sources import source_of
from wherry.inspect.saving import suggestion, toml_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wherry.inspect.measure import Measured
    from wherry.inspect.model import FileSize, Inspected, Suggestion
    from wherry.inspect.saving import Present

__all__ = ["find_services"]


def find_services(
    measured: Sequence[Measured], package: Inspected, present: Present
) -> Iterator[Suggestion]:
    """The descriptions that ``botocore-services`` leaves out; none where a call does not tell its service."""
    data: dict[str, list[FileSize]] = {}
    for file in package.files:
        if file.owner == "botocore" and (service := data_of(file.path)) is not None:
            data.setdefault(service, []).append(file)
    known = all(each.contents.is_certain for each in measured) and present.complete
    if not data or not known or present.of("botocore-services"):
        return
    used: set[str] = set()
    for each in measured:
        services = _used(each)
        if services is None:
            return
        used |= services & set(data)
    if not used:
        return
    kept = {*used, *CREDENTIALS}
    yield suggestion(
        f"descriptions of AWS services other than {', '.join(sorted(used))}, which no code asks for by name",
        (file for name, files in data.items() if name not in kept for file in files),
        toml_list("botocore-services", sorted(used)),
    )


def _used(measured: Measured) -> set[str] | None:
    """The services that sources ask for: own ones, those of distributions that need botocore, and others that are reached.

    None if unknown.
    """
    needing = {
        name
        for name, targets in measured.requirements.items()
        if {"boto3", "botocore", "aiobotocore"} & set(targets)
    } - SDKS
    reached = {
        each.module.file.place
        for each in measured.contents.graph.reached.values()
        if each.module.file is not None
    }
    used: set[str] = set()
    for file in measured.contents.files.values():
        owner = measured.owner(file)
        if (
            not file.path.endswith(".py")
            or owner in SDKS
            or (owner not in {*needing, measured.own_name} and file.place not in reached)
        ):
            continue
        source = source_of(file)
        if source is None:
            return None
        for use in service_uses(source):
            if use.service is None:
                return None
            used.add(use.service)
    return used
