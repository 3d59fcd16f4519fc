"""The options of containers that decide the files that come out of one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.containers.variables import values

if TYPE_CHECKING:
    from wherry.settings.container_options import ContainerOptions

__all__ = ["deciding"]

# Addresses and credentials. Builds are given files, so these do not decide their result; and no secret may be guessed
# from a digest.
_ACCESS = re.compile(r"(?i).*(PROXY|TOKEN|PASSWORD|SECRET|CREDENTIAL|ACCESS_KEY).*|(PIP|UV)_.*")


def deciding(options: ContainerOptions) -> list[object]:
    """All of them but the engine, the image and how files are copied, as JSON can hold it."""
    variables = values(options.environment, what="environment")
    return [
        sorted([name, value] for name, value in variables.items() if not _ACCESS.fullmatch(name)),
        sorted(options.build_requires),
        options.network,
        options.security_opt,
        options.user,
        options.volumes,
        options.volumes_from,
    ]
