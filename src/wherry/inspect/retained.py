"""The bytes that would go with a distribution: dominators in the graph of requirements.

The algorithm is that of Cooper, Harvey and Kennedy ("A Simple, Fast Dominance Algorithm").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["find_dominators", "retained_sizes"]

_ROOT = ""


def find_dominators(
    names: Iterable[str], requirements: Mapping[str, Sequence[str]], own: str
) -> Mapping[str, str]:
    """The name through which alone each name is needed, the nearest one; empty if there is none.

    The order is such that each name comes before the one that it is needed through. ``own`` is the project's own code,
    which needs what nothing else does.
    """
    every = sorted(set(names) - {own})
    known = frozenset(every)
    edges = {
        name: [each for each in requirements.get(name, ()) if each in known]
        for name in (*every, own)
    }
    # What nothing known requires is there for its own sake; of a circle, the first is.
    required = {each for targets in edges.values() for each in targets}
    edges[_ROOT] = [own, *(name for name in every if name not in required)]
    numbers = _postorder(edges, _ROOT, {})
    reached = dict(numbers)
    for name in every:
        if name not in reached:
            edges[_ROOT].append(name)
            _postorder(edges, name, reached)
    if len(reached) > len(numbers):
        numbers = _postorder(edges, _ROOT, {})
    parents = _immediate(edges, numbers)
    return {name: parents[name] for name in numbers if name != _ROOT}


def retained_sizes(dominators: Mapping[str, str], sizes: Mapping[str, int]) -> Mapping[str, int]:
    """The size of each name with all that is needed through it alone; dominators as ``find_dominators`` gives them."""
    sums = {name: sizes.get(name, 0) for name in dominators}
    for name, above in dominators.items():
        if above != _ROOT:
            sums[above] += sums[name]
    return sums


def _postorder(
    edges: Mapping[str, Sequence[str]], start: str, numbers: dict[str, int]
) -> dict[str, int]:
    """Add the numbers in postorder of the nodes that are reached from one; those that have one are passed over."""
    seen = {start, *numbers}
    stack = [(start, iter(edges[start]))]
    while stack:
        name, targets = stack[-1]
        for target in targets:
            if target not in seen:
                seen.add(target)
                stack.append((target, iter(edges[target])))
                break
        else:
            numbers[name] = len(numbers)
            stack.pop()
    return numbers


def _immediate(edges: Mapping[str, Sequence[str]], numbers: Mapping[str, int]) -> dict[str, str]:
    """The immediate dominator of each node."""
    sources: dict[str, list[str]] = {name: [] for name in numbers}
    for name in numbers:
        for target in edges[name]:
            sources[target].append(name)
    parents = {_ROOT: _ROOT}
    backwards = sorted(numbers, key=lambda name: -numbers[name])[1:]
    changed = True
    while changed:
        changed = False
        for name in backwards:
            known = [source for source in sources[name] if source in parents]
            parent = known[0]
            for other in known[1:]:
                parent = _meet(parent, other, parents, numbers)
            if parents.get(name) != parent:
                parents[name] = parent
                changed = True
    return parents


def _meet(first: str, second: str, parents: Mapping[str, str], numbers: Mapping[str, int]) -> str:
    while first != second:
        if numbers[first] < numbers[second]:
            first = parents[first]
        else:
            second = parents[second]
    return first
