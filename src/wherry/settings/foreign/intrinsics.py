"""Intrinsic functions of CloudFormation, followed where the template itself has their value.

These are ``!Ref`` to a parameter with a default, and ``!Sub``, ``!Join`` and ``!FindInMap`` of such.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.settings.foreign.document import texts
from wherry.untrusted import inner_table

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from wherry.settings.foreign.document import Document

__all__ = ["Intrinsics", "written"]

_MOST_JOINED = 50
_NAME = r"\$\{([^!}][^}]*)\}"
_LONGEST_VALUE = 1000
_LONGEST_TEXT = 10_000
"""Of a value in a text, and of the text."""


class Intrinsics:
    """The intrinsic functions of a template.

    Args:
        document: the template.
        parameters: the values that the template above gives; None where only AWS knows them.
    """

    def __init__(self, document: Document, parameters: Mapping[str, object]) -> None:
        self._document = document
        self._parameters = parameters

    def value(self, value: object, *, resources: Container[str] = ()) -> Any:
        """The value of an intrinsic function, where the template has it; None where only AWS does.

        Args:
            value: a property's value.
            resources: the names of resources; a reference to one of them is its name.
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
