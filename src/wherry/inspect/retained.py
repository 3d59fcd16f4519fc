"""The bytes that would go with a distribution: dominators in the graph of requirements.

The algorithm is that of Cooper, Harvey and Kennedy ("A Simple, Fast Dominance Algorithm").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["dominated"]

_ROOT = ""


def dominated(
    names: Iterable[str], requirements: Mapping[str, Sequence[str]], own: str
) -> Mapping[str, frozenset[str]]:
    """The names that are needed through each name alone, itself among them.

    Args:
        names: of all distributions.
        requirements: the names that each requires; others than ``names`` are passed over.
        own: the name of the project's own code, which needs what nothing else does.
    """
    every = sorted(set(names) - {own})
    edges = {name: [each for each in requirements.get(name, ()) if each in every] for name in every}
    edges[own] = [each for each in requirements.get(own, ()) if each in every]
    edges[_ROOT] = [own]
    order = _postorder(edges)
    # What nothing known requires is there for its own sake; of a circle, the first is.
    required = {each for targets in edges.values() for each in targets}
    for name in (*(name for name in every if name not in required), *every):
        if name not in order:
            edges[_ROOT].append(name)
            order = _postorder(edges)
    parents = _immediate(edges, order)
    result: dict[str, set[str]] = {name: set() for name in edges}
    for name in order:
        above = name
        while above != _ROOT:
            result[above].add(name)
            above = parents[above]
    return {name: frozenset(found) for name, found in result.items() if name != _ROOT}


def _postorder(edges: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The numbers of the nodes that are reached from the root, in postorder."""
    numbers: dict[str, int] = {}
    seen = {_ROOT}
    stack = [(_ROOT, iter(edges[_ROOT]))]
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
    backwards = sorted(numbers, key=lambda name: -numbers[name])
    changed = True
    while changed:
        changed = False
        for name in backwards:
            if name == _ROOT:
                continue
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
