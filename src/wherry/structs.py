"""The base of the classes of values: ``Struct`` of msgspec, with a signature that can be inspected.

Annotations are often names that are imported for type checkers alone. msgspec would evaluate them for
``inspect.signature`` and ``help``, and fail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inspect import Signature

    from msgspec import Struct
else:
    import msgspec

    class _Meta(msgspec.StructMeta):
        @property
        def __signature__(self) -> Signature:
            from inspect import Parameter, Signature, get_annotations

            annotations = {}
            for each in reversed(self.__mro__):
                annotations |= get_annotations(each)
            defaults = self.__struct_defaults__
            required = len(self.__struct_fields__) - len(defaults)
            values = (*(msgspec.NODEFAULT,) * required, *defaults)
            return Signature(
                Parameter(
                    name,
                    Parameter.KEYWORD_ONLY,
                    default=Parameter.empty if value is msgspec.NODEFAULT else value,
                    annotation=annotations[name],
                )
                for name, value in zip(self.__struct_fields__, values, strict=True)
            )

    class Struct(msgspec.Struct, metaclass=_Meta):
        """A class of values: subclasses name their fields by annotations, as those of ``dataclasses`` do."""


__all__ = ["Struct"]
