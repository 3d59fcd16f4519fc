"""Wheels that containers made, remembered by everything that decides them.

That is the source, the target, the image's digest, every file of the build requirements, the variables and folders
that the container is given, and the script that it runs. The image that a name stood for is remembered too, so that no
engine is needed to find a wheel again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import wherry.containers
from wherry.bundle.canonical import recall_wheel, remember_wheel
from wherry.containers.facts import deciding
from wherry.sources.container_history import note_made
from wherry.sources.requirements import INSTALLER, BuildRequirements, Pinned
from wherry.store.memo import Memo, memo_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.builders import Source
    from wherry.bundle.canonical import Canonical
    from wherry.containers.image import Image, Images
    from wherry.context import Context
    from wherry.settings.container_options import ContainerOptions

__all__ = ["SCRIPT", "ContainerWheels"]

SCRIPT = Path(wherry.containers.__file__).with_name("inside.py")
"""The script that makes wheels in the container."""

_KIND = "container-wheels"
# The requirements of a tree, with those that its backend asks for.
_ASKED: Memo[list[str]] = Memo("container-requirements", list, lambda names: [*map(str, names)])
# Raised when wheels come to be built in another way.
_FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerWheels:
    """The wheels that containers made for a project.

    Attributes:
        images: the project's images.
        options: of containers.
        context: of the run.
    """

    images: Images
    options: ContainerOptions
    context: Context

    @property
    def requirements(self) -> BuildRequirements:
        """Chooses build requirements; the settings of a tree may not name indexes, as others wrote them."""
        network = self.context.network.for_third_party()
        return BuildRequirements(context=replace(self.context, network=network))

    def known_key(self, source: Source) -> str | None:
        """The key of a tree's wheel, as far as it can be told without building."""
        image = self.images.known()
        requires = _ASKED.recall(self.context.store, self._asked_key(source))
        if image is None or requires is None:
            return None
        pins = self.requirements.known(requires)
        return None if pins is None else self.key(source, image, pins)

    def key(self, source: Source, image: Image, pins: Sequence[Pinned]) -> str:
        """The key of a tree's wheel: everything that decides it."""
        target = self.context.target
        return memo_key(
            _FORMAT,
            source.identity,
            str(target),
            target.runtime.glibc,
            image.identity,
            self.images.platform,
            [[pin.filename, pin.sha256] for pin in pins],
            INSTALLER.sha256,
            deciding(self.options),
            SCRIPT.read_text(encoding="utf-8"),
        )

    def recall(self, key: str) -> Canonical | None:
        """The wheel with this key."""
        return recall_wheel(_KIND, key, self.context.store)

    def remember(self, key: str, source: Source, wheel: Canonical) -> None:
        """Remember the wheel of a tree."""
        remember_wheel(_KIND, key, wheel, self.context.store)
        note_made(source, self.context.store)

    def note_requirements(self, source: Source, requires: list[str]) -> None:
        """Remember the requirements of a tree, so that ``known_key`` can be told."""
        _ASKED.remember(self.context.store, self._asked_key(source), requires)

    def _asked_key(self, source: Source) -> str:
        return memo_key(_FORMAT, source.identity, sorted(self.options.build_requires))
