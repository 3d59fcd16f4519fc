"""Intrinsic functions of CloudFormation, followed where the template itself has their value.

These are ``!Ref`` to a parameter with a default, and ``!Sub``, ``!Join`` and ``!FindInMap`` of such; and
``"Fn::ForEach::NAME": [VARIABLE, VALUES, {KEY: RESOURCE}]`` of the language extensions: one description for several
resources, with ``${VARIABLE}`` in the key and in the resource.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.settings.foreign.document import texts
from wherry.untrusted import inner_table

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from wherry.settings.foreign.document import Document


__all__ = ["Intrinsics", "expand_loops", "written"]

_MOST_JOINED = 50
_NAME = r"\$\{([^!}][^}]*)\}"
_LONGEST_VALUE = 1000
_LONGEST_TEXT = 10_000
"""Of a value in a text, and of the text."""
_PREFIX = "Fn::ForEach::"
_MOST = 500
"""Resources that CloudFormation takes in a template."""
_DEEPEST = 3
_LARGEST = 2_000_000
"""Characters of what a loop is made of, and how often they may be repeated, multiplied."""
_LONGEST = 255
_OCCURRENCES = 20


class Intrinsics:
    """The intrinsic functions of a template; a parameter of which only AWS knows the value is None."""

    def __init__(self, document: Document, parameters: Mapping[str, object]) -> None:
        self._document = document
        self._parameters = parameters

    def value(self, value: object, *, resources: Container[str] = ()) -> Any:
        """The value of an intrinsic function, where the template has it; None where only AWS does.

        A reference to one of ``resources`` is its name.
        """
        if not isinstance(value, dict) or len(value) != 1:
            return value
        ((name, argument),) = value.items()
        if name == "Ref" and isinstance(argument, str):
            if argument in resources:
                return argument
            default = inner_table(self._document, "Parameters", argument).get("Default")
            return _plain(self._parameters.get(argument, default))
        if name == "Fn::GetAtt":
            first = argument[0] if isinstance(argument, list) and argument else argument
            resource = first.partition(".")[0] if isinstance(first, str) else ""
            return resource if resource in resources else None
        if name == "Fn::Sub":
            return self._substitute(argument)
        if name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:
            return self._joined(*argument)
        if name == "Fn::FindInMap" and isinstance(argument, list) and len(argument) == 3:
            keys = texts([*map(self.value, argument)])
            found = inner_table(self._document, "Mappings", *keys[:2])
            return _plain(found.get(keys[2])) if len(keys) == 3 else None
        return None if name.startswith("Fn::") else value

    def _joined(self, separator: object, items: object) -> str | None:
        items = items[:_MOST_JOINED] if isinstance(items, list) else []
        known = texts([*map(self.value, items)])
        complete = isinstance(separator, str) and len(known) == len(items)
        return str(separator).join(known) if complete else None

    def _substitute(self, argument: object) -> str | None:
        text, names = argument, {}
        if isinstance(argument, list) and len(argument) == 2:
            text, names = argument[0], inner_table({"": argument[1]}, "")
        if not isinstance(text, str):
            return None
        text = text[:_LONGEST_TEXT]
        # Each once, however often it is named: values may be texts with names in them, again and again.
        values = {
            name: self.value(names.get(name.strip(), {"Ref": name.strip()}))
            for name in set(re.findall(_NAME, text))
        }
        if not all(
            isinstance(value, str) and len(value) < _LONGEST_VALUE for value in values.values()
        ):
            return None
        return re.sub(_NAME, lambda found: values[found[1]], text)


def written(value: object) -> str:
    """A value for people who read the template: its text, or the name that it refers to."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, argument),) = value.items()
        if name == "Ref" and isinstance(argument, str) and argument.startswith("AWS::"):
            return f"${{{argument}}}"
        if name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:
            items = argument[1][:_MOST_JOINED] if isinstance(argument[1], list) else []
            return str(argument[0]).join(map(written, items))[:_LONGEST_VALUE]
        return written(argument[0] if isinstance(argument, list) and argument else argument)
    return value[:_LONGEST_VALUE] if isinstance(value, str) else "?"


def _plain(value: object) -> object:
    """The value of a parameter or of a mapping, which refers to nothing."""
    return None if isinstance(value, dict) else value


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
