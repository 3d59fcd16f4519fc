"""Checks of the services of AWS that own code makes clients of: botocore knows a service by its data alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.checks.model import Rule
from wherry.contents.services import data_of, service_uses
from wherry.contents.sources import source_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.checks.model import Finding, Subject

__all__ = ["RULES", "find"]

RULES = (Rule("SDK001", "the code uses a service for which botocore has no data"),)


def find(subject: Subject) -> Iterator[Finding]:
    """Compare the services that own code names with the data that the package has."""
    contents = subject.contents
    known = {service for place in contents.files if (service := data_of(place)) is not None}
    if not known:
        # That of the runtime has all of them.
        return
    for file in contents.own_files:
        if not file.name.endswith(".py"):
            continue
        for use in service_uses(source_of(file) or b""):
            if use.certain and use.service is not None and use.service not in known:
                yield subject.finding(
                    "SDK001",
                    "error",
                    f"it makes a client of `{use.service}`, and botocore in the package has no data of that service: "
                    "UnknownServiceError",
                    f"add `{use.service}` to `botocore-services` in the settings",
                    file=file,
                    line=use.line,
                )
