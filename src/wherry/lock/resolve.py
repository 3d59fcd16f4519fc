"""Resolving requirements for a target, by ``uv pip compile``: those of a project without a lock, and extra ones."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.errors import LockError
from wherry.events import Warned
from wherry.indexes.declared import is_pypi
from wherry.indexes.redact import redact, without_credentials
from wherry.interpreters import build_python
from wherry.lock.assemble import make_pylock
from wherry.lock.declared import installs_by_setup
from wherry.lock.model import Lock
from wherry.lock.pylock import parse_pylock
from wherry.store.temporary import temporary_folder
from wherry.structs import Struct
from wherry.tools.uv import run_uv, target_options
from wherry.tools.uv_cache import cache_options
from wherry.tools.uv_words import with_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from packaging.pylock import Pylock
    from packaging.specifiers import SpecifierSet

    from wherry.context import Context
    from wherry.indexes.network import Network
    from wherry.lock.model import LockRequest
    from wherry.target import Target

__all__ = [
    "Placed",
    "Requirements",
    "literal_url",
    "not_locked",
    "read_extra_distributions",
    "resolve",
    "resolve_declared",
    "resolved_text",
]

_DEFAULT = "--index-url "
_FURTHER = "--extra-index-url "


class Placed(Struct, frozen=True, kw_only=True):
    """A requirement that comes from one index alone.

    Attributes:
        text: the requirement, as PEP 508 has it.
        name: the distribution.
        index: the name of the index.
        url: the address of the index.
    """

    text: str
    name: str
    index: str
    url: str


class Requirements(Struct, frozen=True, kw_only=True):
    """Requirements that uv resolves.

    Attributes:
        name: what they are called in errors.
        base: the folder that relative paths start from, those of the result as well.
        text: the text of a requirements file. Uv reads it from its standard input, so that secrets in it are in no file
            and no argument.
        placed: further requirements, which come from an index that nothing else comes from.
        overrides: requirements that replace those that distributions have.
        excludes: names of distributions that are left out, whoever requires them.
        declared: the arguments of uv for what is declared in files: their names, and options for extras and groups.
        requires_python: the versions of Python that the project is for; they decide the patch level that is assumed.
    """

    name: str
    base: Path
    text: str = ""
    placed: tuple[Placed, ...] = ()
    overrides: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()
    requires_python: SpecifierSet | None = None
    options: tuple[str, ...] = ()


def resolve(requirements: Requirements, context: Context) -> Pylock:
    """Resolve requirements for the target.

    Raises:
        LockError: there is no solution, or an index cannot be reached; the causes are uv's words.
        ToolError: uv is missing.
    """
    text = resolved_text(requirements, context)
    return parse_pylock(text, file=requirements.name, base=requirements.base)


def resolved_text(requirements: Requirements, context: Context) -> str:
    """The ``pylock.toml`` that uv resolves requirements to; errors as ``resolve``."""
    try:
        return _resolved(requirements, context)
    except LockError as error:
        from wherry.lock.old_archives import lend_sdists

        _, index = _without_default(requirements.text, context.network)
        with temporary_folder("resolve") as folder:
            lent = lend_sdists(error, folder, context, index=index)
            if not lent:
                raise
            options = (*requirements.options, f"--find-links={folder}")
            text = _resolved(replace(requirements, options=options), context)
        for sdist in lent:
            text = sdist.restore(text)
        return text


def _resolved(requirements: Requirements, context: Context) -> str:
    network = context.network
    lines, default_index = _without_default(requirements.text, network)

    def stdin() -> str:
        return "".join(f"{_with_login(line, network)}\n" for line in lines)

    if not requirements.declared and not requirements.placed and not any(map(_asks, lines)):
        return 'lock-version = "1.0"\ncreated-by = "wherry"\npackages = []\n'
    patch = _patch(context.target, requirements.requires_python)
    python = build_python(context)
    with _in_files(requirements) as files:
        answer = run_uv(
            [
                "pip",
                "compile",
                "--format=pylock.toml",
                "--no-header",
                "--no-annotate",
                "--generate-hashes",
                *target_options(context.target, patch=patch, python=python.path),
                *cache_options(python.version),
                *requirements.options,
                *requirements.declared,
                *files,
                *(["-"] if lines else []),
            ],
            cwd=requirements.base,
            network=network,
            reporter=context.reporter,
            stdin=stdin if lines else None,
            default_index=default_index,
        )
    if lines:
        shown = [redact(line) for line in lines]
        causes = tuple(with_place(cause, requirements.name, shown) for cause in answer.causes)
        answer = replace(answer, causes=causes)
    return answer.expect(f"uv cannot resolve `{requirements.name}`")


@contextmanager
def _in_files(requirements: Requirements) -> Iterator[list[str]]:
    """The arguments for what uv reads in files alone; there are no secrets in them."""
    lists = {"overrides": requirements.overrides, "excludes": requirements.excludes}
    if not requirements.placed and not any(lists.values()):
        yield []
        return
    with temporary_folder("resolve") as folder:
        arguments = []
        for option, lines in lists.items():
            if lines:
                path = folder / f"{option}.txt"
                path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
                arguments.append(f"--{option}={path}")
        if requirements.placed:
            path = folder / "pyproject.toml"
            path.write_text(_project_of(requirements.placed), encoding="utf-8")
            arguments.append(str(path))
        yield arguments


def _project_of(requirements: Sequence[Placed]) -> str:
    """The ``pyproject.toml`` of a project that says which index each of these comes from."""
    import tomli_w

    sources, indexes = {}, {}
    for each in requirements:
        # Of the name, uv makes those of the variables with a login.
        name = re.sub(r"[^A-Za-z0-9._-]", "_", each.index)
        sources[each.name] = {"index": name}
        url = without_credentials(each.url)
        indexes[name] = {"name": name, "url": url, "explicit": True}
    # The project's name is in messages of uv's.
    needed = [each.text for each in requirements]
    project = {"name": "the-project", "version": "0", "dependencies": needed}
    settings = {"sources": sources, "index": [*indexes.values()]}
    return tomli_w.dumps({"project": project, "tool": {"uv": settings}})


def _asks(line: str) -> bool:
    """Whether a line is a requirement, and not an option or a comment."""
    return bool(line.strip()) and not line.lstrip().startswith(("--", "-c ", "#"))


def literal_url(url: str) -> str:
    """A URL for a requirement that uv reads, of which uv expands no variable."""
    return url.replace("${", "$%7B")


def resolve_declared(
    requirements: Requirements,
    path: Path,
    request: LockRequest,
    context: Context,
    *,
    extras: tuple[str, ...] = (),
) -> Lock:
    """The lock of a project without one, resolved with a warning from what ``path`` declares; errors as ``resolve``."""
    if request.by_hash:
        raise LockError(
            "the project has no lock",
            where=[f"`{path.name}` is resolved for every build, and may give another result"],
            hint="write `pylock.toml` with `wherry lock`",
        )
    if request.wanted:
        context.reporter.emit(not_locked(path))
    return Lock(
        pylock=resolve(requirements, context) if request.wanted else make_pylock([]),
        path=path,
        base=path.parent,
        inputs=(path,),
        extras=extras,
        member=request.root,
        installs_project=path.name != "Pipfile" and installs_by_setup(path.parent, context.files),
    )


def read_extra_distributions(
    requirements: Sequence[str], lock: Lock, pinned: Mapping[str, str], context: Context
) -> Lock:
    """Resolve requirements with all that they need for the target.

    A requirement that excludes one of the ``pinned`` versions fails. The reporter is told that this part of the build
    is not locked.

    Raises:
        LockError: there is no solution; the causes are uv's words.
        ToolError: uv is missing.
    """
    names = ", ".join(f"`{requirement}`" for requirement in requirements)
    context.reporter.emit(
        Warned(
            text=f"the build is not locked as a whole: {names} of `extra-distributions` was resolved just now",
            hint="put it into a dependency group of the project, lock, and name the group in `groups`",
        )
    )
    with temporary_folder("resolve") as folder:
        # As constraints, since what the lock has and these do not need, such as the project, may be on no index.
        constraints = folder / "the-projects-lock.txt"
        lines = [f"{name}=={version}\n" for name, version in pinned.items()]
        constraints.write_text("".join(lines), encoding="utf-8")
        wanted = Requirements(
            name="extra-distributions",
            base=lock.base,
            text="\n".join(requirements) + "\n",
            options=("--constraints", str(constraints)),
        )
        try:
            pylock = resolve(wanted, context)
        except LockError as error:
            raise LockError(
                f"{names} of `extra-distributions` cannot be installed together with what the lock has",
                where=error.where,
                hint=error.hint
                or "ask for another version, or make it a dependency and lock again",
            ) from error
    return Lock(pylock=pylock, path=lock.path, base=lock.base, member=lock.member)


def not_locked(path: Path) -> Warned:
    """The warning that a build was resolved just now from what ``path`` declares."""
    return Warned(
        text=f"the build is not locked: `{path.name}` was resolved just now, and may give another result next time",
        hint="write `pylock.toml` with `wherry lock`",
    )


def _without_default(text: str, network: Network) -> tuple[list[str], str | None]:
    """The lines except the one that names the default index, and that index.

    For uv, its environment takes precedence over what a file says, and would replace a private index. Where a file
    names PyPI, a mirror that the environment or the settings name does replace it.
    """
    lines = text.splitlines()
    named = [line for line in lines if line.startswith(_DEFAULT)]
    if not named:
        return lines, None
    rest = [line for line in lines if not line.startswith(_DEFAULT)]
    url = named[-1].removeprefix(_DEFAULT).strip()
    return rest, None if network.default_index and is_pypi(url) else url


def _with_login(line: str, network: Network) -> str:
    """An option that names an index, with the user and password; any other line as it is."""
    if not line.startswith(_FURTHER):
        return line
    return f"{_FURTHER}{network.with_login(line.removeprefix(_FURTHER).strip())}"


def _patch(target: Target, requires_python: SpecifierSet | None) -> int | None:
    """The lowest patch level that the project admits; AWS's is at least as high for every supported runtime."""
    if requires_python is None:
        return None
    for patch in range(target.runtime.patch, 100):
        if requires_python.contains(f"{target.runtime.python_version}.{patch}", prereleases=True):
            return patch
    return None
