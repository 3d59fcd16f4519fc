"""``requirements.txt`` and ``requirements.in``: resolved for the target by uv; listed hashes are enforced."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from wherry.errors import LockError
from wherry.events import Warned
from wherry.files import real_path
from wherry.indexes.redact import redact
from wherry.indexes.variables import index_urls
from wherry.lock.applying import may_apply
from wherry.lock.assemble import known, make_pylock
from wherry.lock.declared import read_declared
from wherry.lock.document import is_path, read_toml
from wherry.lock.model import Lock
from wherry.lock.requirements.file import read_requirements_file, without_frozen
from wherry.lock.requirements.listed_hashes import (
    check_fragments,
    fragment_hashes,
    keep_listed,
    lock_by_hash,
)
from wherry.lock.requirements.remembered import remembered
from wherry.lock.resolve import Requirements, not_locked, resolve
from wherry.sizes import first
from wherry.store.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from packaging.pylock import Pylock

    from wherry.context import Context
    from wherry.lock.model import LockRequest
    from wherry.lock.requirements.file import RequirementLine, RequirementsFile
    from wherry.target import Target

__all__ = ["read"]

_INDEXES = frozenset({"index-url", "extra-index-url"})
_URL = re.compile(r"(?:(?:git|hg|svn|bzr)\+|https?:|file:)", re.IGNORECASE)
# The end of the URL of a commit, which cannot change.
_COMMIT = re.compile(r"@[0-9a-f]{40}(#|$)")
_PATH = re.compile(r"\.{0,2}/|\.{1,2}($|\[|\\|\s)|[A-Za-z]:[\\/]")
_ARCHIVE = (".whl", ".tar.gz", ".zip", ".tar.bz2", ".tgz")


def read(path: Path, request: LockRequest, context: Context) -> Lock:
    """Read a requirements file of pip's, with all it can hold, and resolve it for the target.

    The result may be remembered where every requirement is pinned and hashed; for a day where all are pinned alone.

    Raises:
        LockError: it is malformed, cannot be resolved, or a file has none of the listed hashes.
        ToolError: uv is missing.
    """
    known("group", request.groups, (), path)
    known("extra", request.extras, (), path)
    file = read_requirements_file(path, context.files)
    context.network.conceal(file.variables)
    try:
        return _read(file, path, request, context)
    except LockError as error:
        error.hint = error.hint or file.hint
        raise


def _read(file: RequirementsFile, path: Path, request: LockRequest, context: Context) -> Lock:
    hide = context.network.hide
    # pip takes paths from where it is run, which is the project's folder as a rule.
    inside = real_path(path.parent).is_relative_to(real_path(request.root))
    base = request.root if inside else path.parent
    hashed = file.has("require-hashes") or any(line.hashes for line in file.requirements)
    all_hashed = hashed and (file.has("require-hashes") or not file.has("no-require-hashes"))
    file.requirements[:] = map(_with_plain_path, file.requirements)
    for lines in (file.requirements, file.constraints):
        lines[:] = [line for line in lines if may_apply(_marker(line.text), context.target)]
    parsed = [(line, _parse(line, hide)) for line in file.requirements]
    parsed = list(without_frozen(parsed, context.reporter))
    file.requirements[:] = [line for line, _ in parsed]
    constraints = [(line, _parse(line, hide)) for line in file.constraints]
    bounds = [(found, line.hashes) for line, found in constraints if found is not None]
    pinned = {canonicalize_name(found.name) for found, _ in bounds if _pinned(found)}
    unpinned = [
        line.text
        for line, found in parsed
        if not _pinned(found or line.text)
        and (found is None or found.url is not None or canonicalize_name(found.name) not in pinned)
    ]
    if not request.wanted:
        # Nothing of it ships, however it changes.
        pass
    elif path.suffix == ".in":
        context.reporter.emit(not_locked(path))
    elif unpinned:
        shown = [f"`{redact(text)}`" for text in unpinned]
        context.reporter.emit(
            Warned(
                text=f"`{path.name}` does not pin {hide(first(shown, 3))}: the next build may differ",
                hint="pin with `wherry lock`, `pip-compile --generate-hashes` or `uv pip compile --generate-hashes`",
            )
        )
    context.network.use(value for name, value in file.options if name in _INDEXES)
    listed = [
        (found, (*line.hashes, *fragment_hashes(line.text)))
        for line, found in (*parsed, *constraints)
    ]

    own = {line: _of_project(line, base, request.root, context) for line in file.requirements}
    installs_project = any(_applies(line, context.target) for line in own if own[line] is not None)
    if not request.wanted:
        return Lock(
            pylock=make_pylock([]),
            path=path,
            base=base,
            inputs=tuple(file.files),
            stable=True,
            variables=tuple(sorted(file.deciding)),
            installs_project=installs_project,
            member=request.root,
        )
    pins_hold = (
        bool(parsed)
        and not (hashed or unpinned)
        and path.suffix != ".in"
        and all(_is_remote(line, found) or own[line] is not None for line, found in parsed)
        and not _asks_folders(file, context)
    )
    asked: float | None = None

    def resolved(*options: str) -> Pylock:
        nonlocal asked
        with _constraints(file) as given:
            requirements = Requirements(
                name=path.name,
                base=base,
                text=_text(file, own),
                options=(*_options(file), *given, *options),
            )
            if pins_hold:
                contents = "\n".join(line.text for line in file.constraints)
                pylock, asked = remembered(requirements, contents, context, refresh=request.refresh)
                return pylock
            pylock = resolve(requirements, context)
            return keep_listed(pylock, listed, path, all_hashed=all_hashed) if hashed else pylock

    try:
        if request.by_hash:
            listed_ones = [(line, found) for line, found in parsed if own[line] is None]
            needed = [text for lines in own.values() for text in lines or ()]
            pylock = lock_by_hash(listed_ones, bounds, needed, file, path)
        else:
            pylock = resolved()
            check_fragments(pylock, [found for _, found in parsed if found is not None], path)
    except LockError as error:
        refused = any(re.search(r" answered 40[13] ", line) for line in error.where)
        if request.by_hash or not hashed or refused or not _of_several_indexes(file):
            raise
        # pip looks for a version on all indexes. That is safe where hashes say which file is meant.
        try:
            pylock = resolved("--index-strategy=unsafe-best-match")
        except LockError:
            raise error from None
    unhashed = [line for line, found in parsed if found is not None and not line.hashes]
    local = [line.text for line, found in parsed if found is None and own[line] is None]
    stable = all_hashed and not unpinned and not unhashed and not _remote(local)
    return Lock(
        pylock=pylock,
        path=path,
        base=base,
        inputs=(*file.files, *_local_inputs(local, base)),
        # Of no requirements the result is known.
        stable=stable or asked is not None or request.by_hash or not parsed,
        resolved=asked,
        variables=tuple(sorted(file.deciding)),
        installs_project=installs_project,
        member=request.root,
    )


def _marker(text: str) -> str | None:
    """The marker of a requirement, a path or a URL, behind which a blank has to stand."""
    match = re.search(r"\s;(?P<url>.*)$|^[^:/]*?;(?P<name>.*)$", text)
    return (match["url"] or match["name"]) if match else None


def _parse(line: RequirementLine, hide: Callable[[str], str]) -> Requirement | None:
    """The requirement, or None for a path or a bare URL; ``hide`` keeps secrets out of the error."""
    if line.editable or _URL.match(line.text) or _is_path(line.text):
        return None
    try:
        return Requirement(line.text)
    except (InvalidRequirement, RecursionError) as error:
        problem = str(error).splitlines()[0] if str(error) else "it cannot be parsed"
        raise LockError(
            "a requirement cannot be understood",
            where=[hide(redact(f"{line.place}: {line.text[:200]}: {problem}"))],
        ) from None


def _is_path(text: str) -> bool:
    name = _without_extras(text)
    # As pip has it, whatever holds a slash is a path, unless it is behind the name of a distribution.
    return bool(_PATH.match(text)) or (
        (name.endswith(_ARCHIVE) or "/" in name) and "@" not in name.partition("/")[0]
    )


def _with_plain_path(line: RequirementLine) -> RequirementLine:
    """A path as uv takes it, too: with a dot before it, and a blank before its marker."""
    if _URL.match(line.text) or not _is_path(line.text):
        return line
    path, semicolon, marker = line.text.partition(";")
    path = path.strip() if _PATH.match(path) else f"./{path.strip()}"
    return replace(line, text=f"{path} ; {marker.strip()}" if semicolon else path)


def _without_extras(text: str) -> str:
    """A path without the extras and the marker behind it."""
    return re.split(r";|\[", text)[0].strip()


def _pinned(requirement: Requirement | str) -> bool:
    """Whether a requirement, a path or a URL fixes the version."""
    if isinstance(requirement, str) or requirement.url is not None:
        # A commit, an archive and a path are pinned; a branch and a tag are not.
        text = requirement if isinstance(requirement, str) else requirement.url or ""
        url = re.split(r"\s;", text)[0].rstrip()
        return not re.match(r"(git|hg|svn|bzr)\+", url, re.IGNORECASE) or bool(_COMMIT.search(url))
    return any(
        each.operator == "===" or (each.operator == "==" and not each.version.endswith(".*"))
        for each in requirement.specifier
    )


def _is_remote(line: RequirementLine, requirement: Requirement | None) -> bool:
    """Whether a requirement names nothing on this machine."""
    url = requirement.url if requirement is not None else line.text
    if url is None:
        return True
    return "://" in url and not re.match(r"(\w+\+)?file:", url, re.IGNORECASE)


def _asks_folders(file: RequirementsFile, context: Context) -> bool:
    """Whether distributions are looked for in folders of this machine, where they may change at any time."""
    named = [value for name, value in file.options if name in {*_INDEXES, "find-links"}]
    known = [word for facts in context.network.identity() for word in facts[1].split()]
    return any(not re.search(r"^([\w.-]+=)?https?://", word) for word in (*named, *known))


@contextmanager
def _constraints(file: RequirementsFile) -> Iterator[tuple[str, ...]]:
    """The option that gives uv the constraints, in a file that it can read whatever they were written in."""
    if not file.constraints:
        yield ()
        return
    with temporary_folder("resolve") as folder:
        path = folder / "constraints.txt"
        # uv takes variables from the environment itself, so that no secret is in a file.
        lines = [f"{line.unexpanded}\n" for line in file.constraints]
        path.write_text("".join(lines), encoding="utf-8")
        yield (f"--constraints={path}",)


def _text(file: RequirementsFile, own: Mapping[RequirementLine, list[str] | None]) -> str:
    """The requirements as one file for uv's standard input: canonical, in order, without hashes.

    ``own`` has the lines that stand for the requirements that are the project itself.
    """
    indexes = [value for name, value in file.options if name == "index-url"]
    # The last one counts, as with pip; files that include others often repeat it.
    lines = [f"--index-url {value}" for value in indexes[-1:]]
    passed = [f"--{name} {value}" for name, value in file.options if name in _PASSED]
    lines += dict.fromkeys(passed)
    for line in file.requirements:
        if (replaced := own[line]) is not None:
            lines += replaced
            continue
        is_url = bool(_URL.match(line.text))
        text = _named_vcs(line.text) if is_url else line.text
        lines.append(f"-e {text}" if line.editable and not is_url else text)
    return "\n".join(lines) + "\n"


def _of_project(
    line: RequirementLine, base: Path, project: Path, context: Context
) -> list[str] | None:
    """For ``-e .`` the project's dependencies, where they can be read; else None, and uv asks the build backend.

    The project's version, which many backends compute, is not needed here.
    """
    match = re.fullmatch(
        r"(?P<path>[^\[;]+?)\s*(?:\[(?P<extras>[^\]]*)\])?\s*(?:;(?P<marker>.*))?", line.text
    )
    if match is None or _URL.match(line.text) or not _is_path(line.text):
        return None
    pyproject = project / "pyproject.toml"
    if not is_path(match["path"]) or real_path(base / match["path"]) != real_path(project):
        return None
    if not pyproject.is_file():
        return None
    table = read_toml(pyproject, context.files)
    declared = read_declared(table)
    # uv's sources say where a dependency comes from; only uv applies them.
    if declared.name is None or table.table("tool").table("uv").table("sources").data:
        return None
    if declared.dynamic & {"dependencies", "optional-dependencies"}:
        return None
    texts = list(declared.dependencies)
    for extra in (match["extras"] or "").split(","):
        if extra.strip():
            texts += declared.extras.get(canonicalize_name(extra.strip()), ())
    requirements = [table.parse("project.dependencies", text, Requirement) for text in texts]
    name = canonicalize_name(declared.name)
    if any(canonicalize_name(requirement.name) == name for requirement in requirements):
        return None
    return [_with_marker(requirement, match["marker"]) for requirement in requirements]


def _applies(line: RequirementLine, target: Target) -> bool:
    """Whether the marker behind a path, if there is one, is true for the target."""
    _, _, marker = line.text.partition(";")
    return not marker.strip() or Marker(marker).evaluate(target.environment)


def _with_marker(requirement: Requirement, marker: str | None) -> str:
    if marker is None or not marker.strip():
        return str(requirement)
    both = f"({requirement.marker}) and ({marker})" if requirement.marker else marker
    requirement.marker = Marker(both)
    return str(requirement)


# The options that uv reads in a requirements file. The others are options of its command, or not needed.
_PASSED = ("extra-index-url", "find-links", "no-binary", "only-binary")


def _named_vcs(text: str) -> str:
    """``git+URL#egg=name`` as PEP 508 has it; uv takes only that form where ``-e`` was given."""
    url, _, fragment = text.partition("#")
    parts = dict(part.partition("=")[::2] for part in fragment.split("&") if part)
    egg = parts.pop("egg", None)
    if egg is None or not re.match(r"[a-z]+\+", url):
        return text
    rest = "&".join(f"{key}={value}" for key, value in parts.items())
    return f"{egg} @ {url}{'#' + rest if rest else ''}"


def _of_several_indexes(file: RequirementsFile) -> bool:
    """Whether there is another index to ask than the first."""
    return any(name in _INDEXES for name, _ in file.options) or len(index_urls()) > 1


def _options(file: RequirementsFile) -> list[str]:
    options = []
    if file.has("no-index"):
        options.append("--no-index")
    if file.has("pre") or ("all-releases", ":all:") in file.options:
        options.append("--prerelease=allow")
    elif ("only-final", ":all:") in file.options:
        options.append("--prerelease=disallow")
    options += [
        f"--allow-insecure-host={value}" for name, value in file.options if name == "trusted-host"
    ]
    return options


def _local_inputs(texts: Iterable[str], base: Path) -> Iterator[Path]:
    """The files that decide the paths among the requirements."""
    for text in texts:
        if _URL.match(text):
            continue
        name = _without_extras(text)
        if not is_path(name):
            continue
        place = base / name
        candidates = [place / each for each in ("pyproject.toml", "setup.py", "setup.cfg")]
        yield from (each for each in (place, *candidates) if each.is_file())


def _remote(texts: Iterable[str]) -> bool:
    """Whether one of these is a URL whose content may change."""
    return any(_URL.match(text) and not _COMMIT.search(text.split(" ")[0]) for text in texts)
