"""Why no file of a distribution runs on a target, and what would help."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.errors import SelectionError
from wherry.target import RUNTIMES, Architecture, Target
from wherry.wheels.compatibility import WheelTags, rank, wheel_tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Refusal", "refuse", "refuse_all"]

_SHOWN = 8
_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_(.+)")
# What the older names of manylinux policies stand for (PEP 600).
_ALIASES = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """What is wrong with one distribution; ``helps`` are the targets that it would run on."""

    message: str
    where: tuple[str, ...] = ()
    hint: str | None = None
    helps: tuple[Target, ...] = ()


def refuse(title: str, filenames: Sequence[str], target: Target, *, sdist: bool = False) -> Refusal:
    """The refusal of a distribution that offers these wheels, none of which runs.

    Either it offers no sdist, or one (``sdist``) that would have to be compiled.
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
    helps = tuple(
        other for other in _others(target) if any(rank(t, other) is not None for t in offered)
    )
    return Refusal(
        message=f"no wheel of `{title}` runs on {target}",
        where=tuple(where),
        hint=_hint(offered, target, helps),
        helps=helps,
    )


def refuse_all(refusals: Sequence[Refusal], target: Target) -> SelectionError:
    """One error that tells of every refusal."""
    if len(refusals) == 1:
        (refusal,) = refusals
        return SelectionError(refusal.message, where=refusal.where, hint=refusal.hint)
    # What helps one and leaves the other is no help.
    common = [other for other in _others(target) if all(other in r.helps for r in refusals)]
    hint = f"lock again, or {_choice(common, target)}" if common else None
    if hint is None:
        hints = dict.fromkeys(refusal.hint for refusal in refusals if refusal.hint)
        hint = "; ".join(list(hints)[:2]) or None
    return SelectionError(
        f"{len(refusals)} distributions of the lock do not run on {target}",
        where=[
            f"{refusal.message}: {'; '.join(refusal.where)}" if refusal.where else refusal.message
            for refusal in refusals
        ],
        hint=hint,
    )


def _offer(offered: Sequence[WheelTags], target: Target) -> str:
    """What there is, of it the part that tells the user what is amiss."""
    suits = [tags for tags in offered if _python_suits(tags, target)]
    if suits:
        return f"the lock offers {_some(platform for tags in suits for platform in tags.platforms)}"
    here = [tags for tags in offered if _platform_suits(tags, target)]
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


def _hint(offered: Sequence[WheelTags], target: Target, helps: Sequence[Target]) -> str:
    glibc = [
        version
        for tags in offered
        if _python_suits(tags, target)
        for platform in tags.platforms
        if (version := _needed_glibc(platform, target.architecture)) is not None
    ]
    if glibc:
        # Right Python, right processor: the C library is what is too old.
        have = "_".join(str(part) for part in target.runtime.glibc)
        needed = "_".join(str(part) for part in min(glibc))
        pin = f"pin a version that has a wheel for manylinux_{have} or older"
        newer = [other for other in helps if other.architecture is target.architecture]
        if newer:
            system = newer[0].runtime.system
            choose = _choice(newer, target)
            return f"manylinux_{needed} needs {system} or newer: {choose}, or {pin}"
        return f"manylinux_{needed} needs a newer C library than {target.runtime.system} has: {pin}"
    if helps:
        return f"lock again, or {_choice(helps, target)}"
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


def _choice(helps: Sequence[Target], target: Target) -> str:
    """The options that lead to the nearest of these targets, which are sorted by nearness."""
    nearest = helps[0]
    options = []
    if nearest.runtime != target.runtime:
        same = [other for other in helps if other.architecture is nearest.architecture]
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


def _python_suits(tags: WheelTags, target: Target) -> bool:
    anywhere = target.platforms[-1]
    return rank(tags._replace(platforms=(anywhere, "any")), target) is not None


def _platform_suits(tags: WheelTags, target: Target) -> bool:
    return any(platform in {*target.platforms, "any"} for platform in tags.platforms)


def _needed_glibc(platform: str, architecture: Architecture) -> tuple[int, int] | None:
    """The C library that a manylinux tag of this architecture needs."""
    if match := _MANYLINUX.fullmatch(platform):
        version, machine = (int(match[1]), int(match[2])), match[3]
    else:
        policy, _, machine = platform.partition("_")
        if policy not in _ALIASES:
            return None
        version = _ALIASES[policy]
    return version if machine == architecture.machine else None


def _foreign(platform: str) -> str | None:
    """The system that a platform tag is for, when it is not one of Lambda's kind."""
    for prefix, system in {"musllinux": "musl", "macosx": "macOS", "win": "Windows"}.items():
        if platform.startswith(prefix):
            return system
    return None


def _python(target: Target) -> str:
    return f"cp{target.runtime.python[0]}{target.runtime.python[1]}"


def _some(words: Iterable[str]) -> str:
    unique = list(dict.fromkeys(words))
    more = len(unique) - _SHOWN
    return ", ".join(unique[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
