"""Poetry's version constraints, such as ``^1.2``, ``~1.2``, ``1.*`` and ``>=1,<2 || >=3``."""

from __future__ import annotations

import re

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from wherry.structs import Struct

__all__ = ["Constraint", "parse_constraint"]

_TERM = re.compile(r"(?P<operator>===|==|!=|<=|>=|<>|<|>|\^|~=|~|=)?\s*(?P<version>[^\s,|^~=<>!]+)")
_LIMIT = 200


class Constraint(Struct, frozen=True, kw_only=True):
    """Versions that are allowed: those that one of the alternatives contains."""

    alternatives: tuple[SpecifierSet, ...]

    def contains(self, version: str, /, *, prereleases: bool | None = True) -> bool:
        """Whether ``version`` is allowed; pre-releases are, as a lock has chosen them already."""
        return any(each.contains(version, prereleases=prereleases) for each in self.alternatives)

    def __str__(self) -> str:
        return " || ".join(map(str, self.alternatives))

    def python_marker(self) -> str | None:
        """The marker that holds where the interpreter's version is allowed; None where every one is."""
        alternatives = []
        for each in self.alternatives:
            terms = sorted(str(specifier) for specifier in each)
            if not terms:
                return None
            alternatives.append(" and ".join(_python_term(term) for term in terms))
        if len(alternatives) == 1:
            return alternatives[0]
        return " or ".join(f"({alternative})" for alternative in alternatives)


def parse_constraint(text: str) -> Constraint:
    """Parse a constraint of Poetry's.

    Raises:
        ValueError: it is not one.
    """
    if len(text) > _LIMIT:
        raise ValueError("this version constraint is too long")
    alternatives = []
    for alternative in re.split(r"\|\|?", text):
        terms = []
        rest = re.sub(r"[\s,]+", " ", alternative).strip()
        # There may be blanks between an operator and its version.
        for found in _TERM.finditer(rest):
            terms += _specifiers(found["operator"] or "", found["version"])
        if _TERM.sub("", rest).strip() or (not terms and rest not in {"", "*"}):
            raise ValueError(f"`{text}` is not a version constraint")
        alternatives.append(SpecifierSet(",".join(terms)))
    return Constraint(alternatives=tuple(alternatives))


def _python_term(specifier: str) -> str:
    found = _TERM.fullmatch(specifier)
    if found is None:
        raise ValueError(f"`{specifier}` is not a version of Python")
    version = found["version"]
    if version.endswith(".*") and version.count(".") == 2:
        return f"python_version {found['operator']} '{version.removesuffix('.*')}'"
    return f"python_full_version {found['operator']} '{version}'"


def _specifiers(operator: str, version: str) -> list[str]:
    version = re.sub(r"\.[xX]\b", ".*", version)
    if version in {"*", "x", "X"}:
        return []
    if operator in {"^", "~"}:
        # A wildcard adds nothing to these operators.
        return _range(operator, version.removesuffix(".*"))
    if operator in {"", "="}:
        operator = "=="
    if operator == "<>":
        operator = "!="
    if version.endswith(".*") and operator not in {"==", "!="}:
        version = version.removesuffix(".*")
    return [f"{operator}{version}"]


def _range(operator: str, text: str) -> list[str]:
    version = Version(text)
    release = version.release
    if operator == "~":
        # `~1.2.3` and `~1.2` fix the minor version, `~1` the major one.
        fixed = min(len(release), 2) - 1
    else:
        # The caret fixes up to the first part that is not zero, or else all the parts that are given.
        fixed = next((at for at, part in enumerate(release) if part), len(release) - 1)
    upper = [*release[:fixed], release[fixed] + 1]
    epoch = f"{version.epoch}!" if version.epoch else ""
    return [f">={version}", f"<{epoch}{'.'.join(map(str, upper))}"]
