"""What of the user's say about containers decides what comes out of one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.containers.image import values

if TYPE_CHECKING:
    from wherry.containers.options import ContainerOptions

__all__ = ["deciding"]

# How to reach things, and what opens them. Builds are given files, so it does not decide what comes of them; and
# nothing secret is to be guessed from a digest.
_ACCESS = re.compile(r"(?i).*(PROXY|TOKEN|PASSWORD|SECRET|CREDENTIAL|ACCESS_KEY).*|(PIP|UV)_.*")


def deciding(options: ContainerOptions) -> list[object]:
    """All of it but the engine, the image and how files are copied, as JSON has it."""
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
