"""Why no file of a distribution runs on a target, and which target it would run on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.errors import SelectionError
from wherry.sizes import first
from wherry.structs import Struct
from wherry.target import RUNTIMES, Architecture, Target
from wherry.wheels.compatibility import WheelTags, rank, wheel_tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Unsuitable", "explain_unsuitable", "selection_error"]

_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_(.+)")
# What the older names of manylinux policies stand for (PEP 600).
_ALIASES = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


class Unsuitable(Struct, frozen=True, kw_only=True):
    """Why a distribution cannot be used, in the parts of an error.

    Attributes:
        runs_on: the targets that the distribution would run on.
    """

    message: str
    where: tuple[str, ...] = ()
    hint: str | None = None
    runs_on: tuple[Target, ...] = ()


def explain_unsuitable(
    title: str, filenames: Sequence[str], target: Target, *, sdist: bool = False
) -> Unsuitable:
    """Why a distribution cannot be used that has these wheels, none of which runs on the target.

    Either it has no sdist, or one (``sdist``) that would have to be compiled.
    """
    invalid = [name for name in filenames if wheel_tags(name) is None]
    offered = [tags for name in filenames if (tags := wheel_tags(name)) is not None]
    where = [_offer(offered, target)] if offered else []
    if invalid:
        where.append(f"{_some(f'`{name}`' for name in invalid)}: not named as wheels are")
    where.append(
        "its sdist would have to be compiled, as all its wheels are"
        if sdist
        else "it records no sdist to build from"
    )
    runs_on = tuple(
        other for other in _others(target) if any(rank(t, other) is not None for t in offered)
    )
    return Unsuitable(
        message=f"no wheel of `{title}` runs on {target}",
        where=tuple(where),
        hint=_hint(offered, target, runs_on),
        runs_on=runs_on,
    )


def selection_error(problems: Sequence[Unsuitable], target: Target) -> SelectionError:
    """One error for all distributions that cannot be used."""
    if len(problems) == 1:
        (problem,) = problems
        return SelectionError(problem.message, where=problem.where, hint=problem.hint)
    # A target that only some of them run on does not help.
    common = [
        other for other in _others(target) if all(other in problem.runs_on for problem in problems)
    ]
    hint = f"lock again, or {_choice(common, target)}" if common else None
    if hint is None:
        hints = dict.fromkeys(problem.hint for problem in problems if problem.hint)
        hint = "; ".join(list(hints)[:2]) or None
    return SelectionError(
        f"{len(problems)} distributions of the lock do not run on {target}",
        where=[
            f"{problem.message}: {'; '.join(problem.where)}" if problem.where else problem.message
            for problem in problems
        ],
        hint=hint,
    )


def _offer(offered: Sequence[WheelTags], target: Target) -> str:
    """The wheels that the lock offers, by the part of their tags that does not fit."""
    fitting = [tags for tags in offered if _python_fits(tags, target)]
    if fitting:
        return (
            f"the lock offers {_some(platform for tags in fitting for platform in tags.platforms)}"
        )
    here = [tags for tags in offered if _platform_fits(tags, target)]
    pythons = _some(
        f"{python}-{abi}"
        for tags in here or offered
        for python in tags.pythons
        for abi in tags.abis
    )
    if here:
        return f"the lock offers wheels for {pythons}, none for {_python(target)}"
    platforms = _some(platform for tags in offered for platform in tags.platforms)
    return f"the lock offers wheels for {pythons} on {platforms}"


def _hint(offered: Sequence[WheelTags], target: Target, runs_on: Sequence[Target]) -> str:
    glibc = [
        version
        for tags in offered
        if _python_fits(tags, target)
        for platform in tags.platforms
        if (version := _needed_glibc(platform, target.architecture)) is not None
    ]
    if glibc:
        # Python and processor fit: the C library of the target is too old.
        glibc_here = "_".join(str(part) for part in target.runtime.glibc)
        needed = "_".join(str(part) for part in min(glibc))
        pin = f"pin a version that has a wheel for manylinux_{glibc_here} or older"
        newer = [other for other in runs_on if other.architecture is target.architecture]
        if newer:
            system = newer[0].runtime.system
            choose = _choice(newer, target)
            return f"manylinux_{needed} needs {system} or newer: {choose}, or {pin}"
        return f"manylinux_{needed} needs a newer C library than {target.runtime.system} has: {pin}"
    if runs_on:
        return f"lock again, or {_choice(runs_on, target)}"
    if offered and all(_foreign(platform) for tags in offered for platform in tags.platforms):
        systems = sorted(
            {_foreign(platform) or "" for tags in offered for platform in tags.platforms}
        )
        if systems == ["musl"]:
            return "musllinux wheels are for Alpine Linux: lock again with manylinux wheels"
        return f"the lock was made for {_and(systems)} only: lock again for Linux too"
    return (
        "lock again with a version that has a wheel for it, or one that can be built from an sdist"
    )


def _choice(targets: Sequence[Target], target: Target) -> str:
    """The options that choose the nearest of these targets, which are sorted by nearness."""
    nearest = targets[0]
    options = []
    if nearest.runtime != target.runtime:
        same = [other for other in targets if other.architecture is nearest.architecture]
        newer = [r for r in RUNTIMES.values() if r.python > nearest.runtime.python]
        every = len(newer) > 0 and all(any(o.runtime == r for o in same) for r in newer)
        options.append(f"--runtime {nearest.runtime.name}{' or newer' if every else ''}")
    if nearest.architecture is not target.architecture:
        options.insert(0, f"--architecture {nearest.architecture}")
    return f"choose {' '.join(options)}"


def _others(target: Target) -> list[Target]:
    """Every other target, the nearest first: another architecture, then newer runtimes, then older."""
    others = [
        Target(runtime=runtime, architecture=architecture)
        for runtime in RUNTIMES.values()
        for architecture in Architecture
    ]

    def distance(other: Target) -> tuple[bool, bool, int, bool]:
        step = other.runtime.python[1] - target.runtime.python[1]
        return (
            other.runtime.name != target.runtime.name,
            step < 0,
            abs(step),
            other.architecture is not target.architecture,
        )

    return sorted((other for other in others if str(other) != str(target)), key=distance)


def _python_fits(tags: WheelTags, target: Target) -> bool:
    anywhere = target.platforms[-1]
    return rank(tags._replace(platforms=(anywhere, "any")), target) is not None


def _platform_fits(tags: WheelTags, target: Target) -> bool:
    return any(platform in {*target.platforms, "any"} for platform in tags.platforms)


def _needed_glibc(platform: str, architecture: Architecture) -> tuple[int, int] | None:
    """The version of the C library that a manylinux tag of this architecture requires."""
    if match := _MANYLINUX.fullmatch(platform):
        version, machine = (int(match[1]), int(match[2])), match[3]
    else:
        policy, _, machine = platform.partition("_")
        if policy not in _ALIASES:
            return None
        version = _ALIASES[policy]
    return version if machine == architecture.machine else None


def _foreign(platform: str) -> str | None:
    """The system that a platform tag is for, when it is none that Lambda runs."""
    for prefix, system in {"musllinux": "musl", "macosx": "macOS", "win": "Windows"}.items():
        if platform.startswith(prefix):
            return system
    return None


def _python(target: Target) -> str:
    return f"cp{target.runtime.python[0]}{target.runtime.python[1]}"


def _some(words: Iterable[str]) -> str:
    return first(list(dict.fromkeys(words)), 8)


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
