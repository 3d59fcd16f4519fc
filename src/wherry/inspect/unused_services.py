"""Descriptions of AWS's services in botocore that no code asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.contents.imports import LARGEST_SOURCE
from wherry.contents.services import CREDENTIALS, data_of, service_uses
from wherry.errors import WherryError
from wherry.inspect.saving import suggestion, toml_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wherry.inspect.measure import Measured
    from wherry.inspect.model import FileSize, Inspected, Suggestion
    from wherry.inspect.saving import Present

__all__ = ["find_services"]

# They take the service from whoever calls them.
_OF_BOTO3 = frozenset({"boto3", "botocore", "s3transfer"})


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
    """The services that sources ask for: own ones, and those of distributions that need botocore. None if unknown."""
    needing = {
        name
        for name, targets in measured.requirements.items()
        if {"boto3", "botocore", "aiobotocore"} & set(targets)
    } - _OF_BOTO3
    used: set[str] = set()
    for file in measured.contents.files.values():
        if not file.path.endswith(".py") or measured.owner(file) not in {
            *needing,
            measured.own_name,
        }:
            continue
        try:
            source = file.read(most=LARGEST_SOURCE)
        except WherryError:
            return None
        for use in service_uses(source):
            if use.service is None:
                return None
            used.add(use.service)
    return used
