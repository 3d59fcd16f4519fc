"""What a function is given: time and memory."""

from __future__ import annotations

from dataclasses import dataclass

from wherry.errors import InvokeError

__all__ = ["Limits"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a function is given.

    Attributes:
        timeout: seconds that it has for an event.
        memory: in MB, as it is told. It is not enforced.

    Raises:
        InvokeError: one is not above 0.
    """

    timeout: float = 30.0
    memory: int = 128

    def __post_init__(self) -> None:
        """Check them."""
        if self.timeout <= 0:
            raise InvokeError(f"a timeout of {self.timeout:g} seconds leaves no time to run")
        if self.memory <= 0:
            raise InvokeError(f"a memory of {self.memory} MB leaves nothing to run in")
