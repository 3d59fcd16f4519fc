"""``Fn::ForEach`` of CloudFormation's language extensions: one description for several resources.

After "Fn::ForEach" of AWS's CloudFormation reference: ``"Fn::ForEach::NAME": [VARIABLE, VALUES, {KEY: RESOURCE}]``, with
``${VARIABLE}`` in the key and in the resource.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry.settings.foreign.document import Document

__all__ = ["expand_loops"]

_PREFIX = "Fn::ForEach::"
_MOST = 500
"""Resources that CloudFormation takes in a template."""
_DEEPEST = 3
_LARGEST = 2_000_000
"""Characters of what a loop is made of, and how often they may be repeated, multiplied."""
_LONGEST = 255
_OCCURRENCES = 20


def expand_loops(
    resources: Document,
    values: Callable[[object], object],
    pass_over: Callable[[str], None],
    *,
    depth: int = 0,
) -> Document:
    """The resources of a template, with those of its loops.

    ``values`` gives the value of an intrinsic function; ``pass_over`` is told the names of loops whose values only
    AWS knows.
    """
    expanded: Document = {}
    for name, resource in resources.items():
        if not name.startswith(_PREFIX):
            expanded[name] = resource
            continue
        made = _expanded(resource, values) if depth < _DEEPEST else None
        if made is None or len(expanded) + len(made) > _MOST:
            pass_over(name)
        else:
            expanded |= expand_loops(made, values, pass_over, depth=depth + 1)
    return expanded


def _expanded(loop: object, values: Callable[[object], object]) -> Document | None:
    if not isinstance(loop, list) or len(loop) != 3:
        return None
    variable, collection, template = loop[0], values(loop[1]), loop[2]
    if isinstance(collection, str):
        # The default of a parameter that is a list.
        collection = [each.strip() for each in collection.split(",")]
    if not isinstance(variable, str) or not isinstance(template, dict):
        return None
    if not isinstance(collection, list) or len(collection) > _MOST:
        return None
    if len(str(template)) * len(collection) > _LARGEST:
        return None
    items = [values(each) for each in collection]
    if not all(isinstance(each, str) and len(each) < _LONGEST for each in items):
        return None
    made: Document = {}
    for item in items:
        for key, resource in template.items():
            made[_replaced(key, variable, str(item))] = _replaced(resource, variable, str(item))
    return made


def _replaced(value: Any, variable: str, item: str) -> Any:
    """The value with the variable replaced, by its name in a text or by a reference."""
    if isinstance(value, str):
        if value.count("{") > _OCCURRENCES:
            return value
        # With an ampersand, other characters than letters and digits are left out.
        plain = "".join(each for each in item if each.isalnum())
        return value.replace(f"${{{variable}}}", item).replace(f"&{{{variable}}}", plain)
    if isinstance(value, list):
        return [_replaced(each, variable, item) for each in value]
    if isinstance(value, dict):
        if value == {"Ref": variable}:
            return item
        return {
            _replaced(key, variable, item): _replaced(each, variable, item)
            for key, each in value.items()
        }
    return value
