"""The format of pip's requirements files.

A line is a requirement, an option, or both; lines are joined by backslashes, ``#`` begins a comment, ``${NAME}`` is
taken from the environment, ``-r`` and ``-c`` include other files. The encoding is detected as pip does, by a byte order
mark or by a comment (PEP 263). This module reads; uv resolves.
"""

from __future__ import annotations

import codecs
import os
import re
import shlex
from os.path import normpath
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import field
from msgspec.structs import replace

from wherry.errors import LockError
from wherry.events import Warned
from wherry.indexes.redact import redact
from wherry.indexes.variables import Expansions
from wherry.lock.document import is_path, read_bytes
from wherry.lock.variables import deciding_variables
from wherry.structs import Struct
from wherry.untrusted import file_path, url_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from packaging.requirements import Requirement

    from wherry.events import Reporter
    from wherry.files import ProjectFiles

__all__ = ["RequirementLine", "RequirementsFile", "read_requirements_file", "without_frozen"]

_DEPTH = 50
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_ONLY_HASHES = re.compile(r"--hash[=\s].*")
_WITH_VALUE = {
    "-r": "requirement",
    "--requirement": "requirement",
    "-c": "constraint",
    "--constraint": "constraint",
    "-e": "editable",
    "--editable": "editable",
    "-i": "index-url",
    "--index-url": "index-url",
    "--pypi-url": "index-url",
    "--extra-index-url": "extra-index-url",
    "-f": "find-links",
    "--find-links": "find-links",
    "--no-binary": "no-binary",
    "--only-binary": "only-binary",
    "--all-releases": "all-releases",
    "--only-final": "only-final",
    "--trusted-host": "trusted-host",
    "--use-feature": "use-feature",
}
_WITHOUT_VALUE = {
    "--no-index": "no-index",
    "--pre": "pre",
    "--prefer-binary": "prefer-binary",
    "--require-hashes": "require-hashes",
    "--no-require-hashes": "no-require-hashes",
}
# The longer marks first: that of UTF-32 begins as that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COMMENT = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]{1,40})")
_OF_DEBIAN = frozenset({"pkg-resources==0.0.0", "pkg_resources==0.0.0"})
# The folders in which conda's packages were built, on machines of others.
_OF_CONDA = re.compile(r"/(?:croot|tmp/build|home/conda|opt/conda/conda-bld|work)/")
# Those whose values are names of distributions.
_NAMING = frozenset({"no-binary", "only-binary", "all-releases", "only-final"})


class RequirementLine(Struct, frozen=True, kw_only=True):
    """One requirement.

    Attributes:
        text: the requirement without its options: PEP 508, a URL or a path.
        hashes: such as ``sha256:…``; empty where none are given.
        unexpanded: ``text`` with the names of variables in place of their values.
    """

    text: str
    hashes: tuple[str, ...]
    editable: bool
    place: str
    unexpanded: str


class RequirementsFile(Struct, kw_only=True):
    """A requirements file with all the files that it includes.

    Attributes:
        options: names without dashes, with their values; an empty value for those without one.
        variables: those of the environment that were expanded, with their values.
        unset: the names of those that the environment does not have, or has empty.
        deciding: the names of variables whose values decide more than a user and a password, set or not.
    """

    requirements: list[RequirementLine] = field(default_factory=list)
    constraints: list[RequirementLine] = field(default_factory=list)
    options: list[tuple[str, str]] = field(default_factory=list)
    files: dict[Path, None] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    unset: dict[str, None] = field(default_factory=dict)
    deciding: set[str] = field(default_factory=set)

    def has(self, option: str) -> bool:
        """Whether the option was given."""
        return any(name == option for name, _ in self.options)

    @property
    def hint(self) -> str | None:
        """The hint for an error about a file with variables that are not set."""
        names = ", ".join(f"`{name}`" for name in self.unset)
        return f"set {names}, which the environment does not have" if names else None


def read_requirements_file(path: Path, files: ProjectFiles) -> RequirementsFile:
    """Read a requirements file, and those that it includes.

    Raises:
        LockError: a file cannot be read, includes itself, or has an option that is not known.
    """
    result = RequirementsFile()

    def read(path: Path, *, constraint: bool, within: tuple[Path, ...]) -> None:
        if path in within or len(within) > _DEPTH:
            raise LockError(
                f"`{path.name}` includes itself", where=[str(each) for each in (*within, path)]
            )
        text = _decode(read_bytes(path, files), path)
        result.files[path] = None
        for number, line in _logical_lines(text):
            place = f"{path.name}: line {number}"
            names = _VARIABLE.findall(line)
            result.variables |= {name: value for name in names if (value := os.environ.get(name))}
            result.unset |= dict.fromkeys(name for name in names if not os.environ.get(name))
            result.deciding |= deciding_variables(line) & set(names)
            read_line(line, place, constraint=constraint, within=(*within, path))

    def read_line(line: str, place: str, *, constraint: bool, within: tuple[Path, ...]) -> None:
        path = within[-1]
        requirements = result.constraints if constraint else result.requirements
        expanded = _expanded(line)
        if not expanded.startswith("-"):
            requirements.append(_requirement(line, place, result.options))
            return
        if _ONLY_HASHES.fullmatch(expanded):
            # A comment or an empty line among the hashes of a requirement ends it for pip, which drops the rest.
            if not requirements:
                raise LockError("a hash belongs to no requirement", where=[place])
            last = requirements[-1]
            requirements[-1] = replace(last, hashes=(*last.hashes, *_hashes(expanded, place)))
            return
        for name, value in _options(expanded, place):
            if name == "editable":
                unexpanded = dict(_options(line, place)).get("editable", value)
                requirement = _requirement(unexpanded, place, result.options)
                requirements.append(replace(requirement, editable=True))
            elif name in {"requirement", "constraint"}:
                included = _included(path, value, place)
                as_constraint = constraint or name == "constraint"
                read(included, constraint=as_constraint, within=within)
            elif name in _NAMING:
                result.options += _named(name, value)
            elif name == "find-links" and "://" not in value:
                # Relative to the file, where there is such a folder; else to where pip is run.
                beside = _beside(path, value, place)
                result.options.append((name, str(beside) if beside.exists() else value))
            else:
                result.options.append((name, value))

    try:
        read(path, constraint=False, within=())
    except LockError as error:
        hidden = Expansions()
        hidden.conceal(result.variables)
        where = [hidden.hide(cause) for cause in error.where]
        raise LockError(error.message, where=where, hint=error.hint or result.hint) from None
    return result


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines after joining and without comments, each with the number of its first line."""
    joined = ""
    first = 0
    for number, line in enumerate(text.splitlines(), start=1):
        first = first or number
        comment = re.match(r"(^|.*?\s)#", line)
        if comment is None and line.endswith("\\"):
            joined += line[:-1]
            continue
        joined += line
        stripped = re.sub(r"(^|\s+)#.*$", "", joined).strip()
        if stripped:
            yield first, stripped
        joined, first = "", 0
    if stripped := re.sub(r"(^|\s+)#.*$", "", joined).strip():
        yield first, stripped


def _expanded(text: str) -> str:
    """The text with ``${NAME}`` replaced by the environment's value, where there is one that is not empty."""
    return _VARIABLE.sub(lambda match: os.environ.get(match[1]) or match[0], text)


def _included(path: Path, value: str, place: str) -> Path:
    """The file that a file includes."""
    if value[:5].lower() == "file:":
        value = file_path(value)
    elif "://" in value:
        raise LockError(
            f"`{path.name}` includes a file from the network",
            where=[f"{place}: {redact(value)}"],
            hint="fetch it and include it by its path",
        )
    return _beside(path, value, place)


def _beside(path: Path, value: str, place: str) -> Path:
    if not is_path(value):
        raise LockError(f"`{path.name}` names a file that cannot exist", where=[place])
    return Path(normpath(path.parent / value))


def _options(line: str, place: str) -> Iterator[tuple[str, str]]:
    if editable := re.fullmatch(r"(?:-e|--editable)(?:\s*=|\s)\s*(?P<rest>.+)", line):
        # The rest is a requirement, and its marker keeps the quotes.
        yield "editable", _unquoted(editable["rest"])
        return
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise LockError("a requirements file is malformed", where=[f"{place}: {error}"]) from None
    while words:
        word = words.pop(0)
        key, equals, value = word.partition("=")
        if key.startswith("--"):
            key = _full_name(key)
            word = f"{key}{equals}{value}"
        if word in _WITHOUT_VALUE:
            yield _WITHOUT_VALUE[word], ""
        elif key in _WITH_VALUE and (equals or words):
            yield _WITH_VALUE[key], value if equals else words.pop(0)
        elif word[:2] in _WITH_VALUE and not word.startswith("--") and len(word) > 2:
            yield _WITH_VALUE[word[:2]], word[2:]
        else:
            raise LockError(
                "a requirements file has an option that is not known",
                where=[f"{place}: {redact(word)}"],
            )


def _full_name(option: str) -> str:
    """The option that pip takes an abbreviation for; the option itself where that is none."""
    known = {**_WITH_VALUE, **_WITHOUT_VALUE}
    names = [name for name in known if name.startswith(option)]
    return names[0] if option not in known and len(names) == 1 else option


def _unquoted(text: str) -> str:
    quoted = re.fullmatch(r"(?P<quote>[\"'])(?P<text>[^\"']*)(?P=quote)", text)
    return quoted["text"] if quoted else text


def _named(option: str, value: str) -> list[tuple[str, str]]:
    """An option for each of the names that are its value."""
    return [(option, name.strip()) for name in value.split(",")]


def _requirement(line: str, place: str, options: list[tuple[str, str]]) -> RequirementLine:
    """Split a requirement, whose variables are not expanded, from its options; ``options`` gets those of the file.

    pip takes some of these in the line of a requirement, too, and they hold for the whole file there.
    """
    parts = re.split(r"\s+(?=--[a-z])", line)
    hashes: list[str] = []
    for option in map(_expanded, parts[1:]):
        if option.startswith("--hash"):
            hashes += _hashes(option, place)
        elif option.lstrip("-").startswith(tuple(_NAMING)):
            options += [each for pair in _options(option, place) for each in _named(*pair)]
        elif not re.match(r"--(config-settings?|global-option|install-option)\b", option):
            raise LockError(
                "a requirement has an option that is not known",
                where=[f"{place}: {redact(option)}"],
            )
    text = parts[0].strip()
    return RequirementLine(
        text=_expanded(text), hashes=tuple(hashes), editable=False, place=place, unexpanded=text
    )


def _hashes(options: str, place: str) -> Iterator[str]:
    """The values of options that are all ``--hash``."""
    for option in re.split(r"\s+(?=--)", options.strip()):
        match = re.fullmatch(r"--hash[=\s]\s*(?P<hash>\S+)", option.strip())
        if match is None:
            raise LockError(
                "a requirement has an option that is not known",
                where=[f"{place}: {redact(option)}"],
            )
        yield match["hash"]


def _decode(data: bytes, path: Path) -> str:
    """The text of a requirements file."""
    encoding = "utf-8"
    for mark, name in _MARKS:
        if data.startswith(mark):
            data, encoding = data[len(mark) :], name
            break
    else:
        for line in data.split(b"\n", 2)[:2]:
            if match := _COMMENT.match(line):
                encoding = match[1].decode("ascii", "replace")
                break
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        problem = f"line {number}: {error.reason}"
    except (LookupError, UnicodeError):
        problem = f"there is no encoding `{encoding}`"
    raise LockError(
        f"`{path.name}` is not text in {encoding.upper()}",
        where=[f"{path}: {problem}"],
        hint="save it in UTF-8, or name its encoding in the first line, such as `# -*- coding: latin-1 -*-`",
    )


def without_frozen(
    parsed: Iterable[tuple[RequirementLine, Requirement | None]], reporter: Reporter
) -> Iterator[tuple[RequirementLine, Requirement | None]]:
    """The requirements without ``pkg-resources==0.0.0``, which Debian's ``pip freeze`` writes, and no index has.

    Raises:
        LockError: one names the folder in which conda built a package.
    """
    for line, found in parsed:
        if found is not None and line.text.replace(" ", "").lower() in _OF_DEBIAN:
            reporter.emit(
                Warned(
                    text=f"`{line.text}` is skipped: Debian's `pip freeze` writes it, and there is no such distribution",
                    hint="remove the line",
                )
            )
            continue
        url = found.url if found is not None else None
        if found is not None and url is not None and url.startswith("file:///"):
            path = Path(url_path(url))
            if _OF_CONDA.match(str(path)) and not path.exists():
                raise LockError(
                    f"`{found.name}` was frozen from what conda has installed",
                    where=[redact(f"{line.place}: {line.text[:200]}")],
                    hint="write versions instead: pip list --format=freeze > requirements.txt",
                )
        yield line, found
