"""The last step of a plan, apart from the others: giving the calls of an alias to a published version. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.aws.actions import CreateAlias, MoveAlias
from wherry.structs import Struct

if TYPE_CHECKING:
    from wherry.aws.model import ObservedAlias
    from wherry.aws.plan import Applied, FunctionPlan, Plan

__all__ = ["Switch", "find_switches", "without_switches"]

_SWITCHES = (CreateAlias, MoveAlias)


class Switch(Struct, frozen=True, kw_only=True):
    """An alias that is created or moved.

    Attributes:
        plan: of the function, with no other action left.
        before: the alias as it was observed; None if it is to be created.
    """

    plan: FunctionPlan
    version: int
    before: ObservedAlias | None

    @property
    def alias(self) -> str:
        """The name of the alias."""
        assert self.plan.alias is not None  # noqa: S101  a plan without one has no switch
        return self.plan.alias

    @property
    def share(self) -> float:
        """The share of calls that the version had before."""
        return self.before.canaries.get(self.version, 0.0) if self.before is not None else 0.0


def without_switches(plan: Plan) -> Plan:
    """The plan without creating and moving aliases."""
    return replace(
        plan,
        functions=tuple(
            replace(
                function,
                actions=tuple(one for one in function.actions if not isinstance(one, _SWITCHES)),
            )
            for function in plan.functions
        ),
    )


def find_switches(plan: Plan, applied: Applied) -> tuple[Switch, ...]:
    """The switches of a plan of which all else was carried out.

    An alias that gives the version a share of its calls, as desired, is one of them: its canary goes on.
    """
    versions = {function.name: function.version for function in applied.functions}
    switches = []
    for function in plan.functions:
        version = versions[function.name]
        if function.alias is None or version is None:
            continue
        before = None if function.observed is None else function.observed.alias(function.alias)
        actions = tuple(action for action in function.actions if isinstance(action, _SWITCHES))
        if actions or (before is not None and version in before.canaries):
            own = replace(function, actions=actions, version=version)
            switches.append(Switch(plan=own, version=version, before=before))
    return tuple(switches)
