"""A profile of a function's initialization: what imports what, and how long it takes.

It comes from ``wherry invoke NAME --cold N --profile --json``, or from what ``python -X importtime`` writes, such as the
log of a function on AWS with ``PYTHONPROFILEIMPORTTIME=1`` in its environment. Nothing is executed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from wherry.errors import SettingsError
from wherry.files import reason_of
from wherry.inspect.import_times import ImportTime, read_import_times, read_runtime_seconds
from wherry.structs import Struct
from wherry.untrusted import LARGEST_DOCUMENT, parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["RUNTIME", "ImportProfile", "ProfileNode", "import_tree", "read_profile"]

RUNTIME = "(Python and the runtime's client)"
"""The name of what is imported before the function."""

_HINT = (
    "write one with `wherry invoke NAME --cold 5 --profile --json > FILE`, or take the log of a function that has "
    "PYTHONPROFILEIMPORTTIME=1 in its environment"
)


class ImportProfile(Struct, frozen=True, kw_only=True):
    """The imports of one initialization of a function.

    Attributes:
        function: its name; empty if it is not known.
        imports: of its code.
        runtime_seconds: of the imports before them: those of Python and of the runtime's client.
        seconds: of the whole initialization; None if it is not known.
        cold_seconds: of other processes, which told no import times.
    """

    function: str
    imports: tuple[ImportTime, ...]
    runtime_seconds: float = 0.0
    seconds: float | None = None
    cold_seconds: tuple[float, ...] = ()


class ProfileNode(NamedTuple):
    """An import in the tree of all.

    Attributes:
        parent: the index of the node that imports it; -1 for the root.
        own: microseconds without what it imports.
        total: microseconds with it: its own, and those of the nodes below it.
        owner: the name of what it belongs to.
        is_choice: whether a module of another package imports it, and could do so later.
    """

    module: str
    parent: int
    own: int
    total: int
    owner: str
    is_choice: bool


def read_profile(path: Path) -> ImportProfile:
    """The profile in a file.

    Raises:
        SettingsError: it cannot be read, or holds none.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_DOCUMENT + 1)
    except OSError as error:
        raise SettingsError(
            f"cannot read `{path}`", where=[reason_of(error)], hint=_HINT
        ) from error
    try:
        if content.lstrip()[:1] == b"{":
            return _of_document(parse_json(content))
        if len(content) > LARGEST_DOCUMENT:
            raise ValueError("it is too large")
        imports = read_import_times(content)
        if not imports:
            raise ValueError("no line of it tells an import time")
        return ImportProfile(
            function="", imports=imports, runtime_seconds=read_runtime_seconds(content)
        )
    except ValueError as error:
        raise SettingsError(
            f"`{path}` holds no import times", where=[str(error)], hint=_HINT
        ) from error


def _of_document(document: Any) -> ImportProfile:
    """The profile in the document of ``wherry invoke --cold``.

    Raises:
        ValueError: it is another document, or has no import times.
    """
    try:
        if not document["imports"]:
            raise ValueError("it was measured without `--profile`")
        times, profile = document["init_ms"], document.get("profile") or {}
        return ImportProfile(
            function=str(document["function"]),
            imports=tuple(map(_import_time, document["imports"])),
            runtime_seconds=_seconds(profile.get("runtime_ms", 0)),
            seconds=_seconds(profile["init_ms"]) if "init_ms" in profile else None,
            cold_seconds=tuple(map(_seconds, times["all"])),
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(
            "it is not what `wherry invoke --cold N --profile --json` prints"
        ) from error


def _import_time(each: Mapping[str, Any]) -> ImportTime:
    module, above = each["module"], each["imported_by"]
    if not isinstance(module, str) or not isinstance(above, str | None):
        raise TypeError("expected names")
    return ImportTime(
        module=module,
        imported_by=above,
        self_seconds=_seconds(each["self_ms"]),
        seconds=_seconds(each["ms"]),
    )


def _seconds(milliseconds: object) -> float:
    if not isinstance(milliseconds, int | float) or not 0 <= milliseconds < 1e9:
        raise TypeError("expected milliseconds")
    return milliseconds / 1000


def import_tree(profile: ImportProfile, owner_of: Callable[[str], str]) -> tuple[ProfileNode, ...]:
    """The imports as a tree: its root first, each node before those below it, the longest first.

    The root stands for the whole initialization. Of its own is what no import accounts for: the start of the process,
    and code at the top of the handler's module. ``owner_of`` names what a module belongs to.
    """
    # An import that fails is told each time that it is tried. What it imported counts to the longest.
    holder: dict[str, ImportTime] = {}
    for each in profile.imports:
        if each.module not in holder or each.seconds > holder[each.module].seconds:
            holder[each.module] = each
    below: dict[str | None, dict[str, list[ImportTime]]] = {}
    for each in profile.imports:
        above = each.imported_by if each.imported_by in holder else None
        below.setdefault(above, {}).setdefault(each.module, []).append(each)
    modules, parents, own, choices = [profile.function or "imports"], [-1], [0], [False]
    if profile.runtime_seconds:
        modules, parents, choices = [*modules, RUNTIME], [-1, 0], [False, False]
        own.append(_microseconds(profile.runtime_seconds))
    waiting: list[tuple[str | None, int]] = [(None, 0)]
    while waiting:
        above, parent = waiting.pop()
        for module, times in below.get(above, {}).items():
            modules.append(module)
            parents.append(parent)
            own.append(sum(_microseconds(each.self_seconds) for each in times))
            choices.append(any(each.is_choice for each in times))
            if any(each is holder[module] for each in times):
                waiting.append((module, len(modules) - 1))
    whole = _microseconds(profile.seconds or 0)
    own[0] = max(0, whole - sum(own))
    totals = list(own)
    for index in range(len(parents) - 1, 0, -1):
        totals[parents[index]] += totals[index]
    return tuple(
        ProfileNode(
            modules[index],
            parent,
            own[index],
            totals[index],
            "" if index == 0 else "runtime" if modules[index] == RUNTIME else owner_of(modules[index]),
            choices[index],
        )
        for index, parent in _in_order(parents, totals, modules)
    )  # fmt: skip


def _in_order(
    parents: Sequence[int], totals: Sequence[int], modules: Sequence[str]
) -> list[tuple[int, int]]:
    """The indexes of nodes, each before those below it and the longest first, with the new indexes of their parents."""
    children: dict[int, list[int]] = {}
    for index, parent in enumerate(parents):
        children.setdefault(parent, []).append(index)
    order: list[tuple[int, int]] = []
    waiting = [(0, -1)]
    while waiting:
        index, parent = waiting.pop()
        order.append((index, parent))
        after = sorted(
            children.get(index, ()), key=lambda each: (totals[each], modules[each]), reverse=True
        )
        place = len(order) - 1
        waiting += [(each, place) for each in reversed(after)]
    return order


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)
