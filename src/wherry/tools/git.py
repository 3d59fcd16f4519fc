"""Running git: the state of a repository, and the files of a commit."""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

from wherry.errors import FetchError, ToolError
from wherry.files import reason_of
from wherry.indexes.login import origin, split_login
from wherry.indexes.redact import redact
from wherry.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["check_out", "find_commit", "ignored_files", "repository_state"]

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# By what follows the name. codecommit is the helper that AWS publishes; others, such as `ext::` and `fd::`, can run
# commands or wait for ever.
_TRANSPORTS = {
    "://": frozenset({"http", "https", "ssh", "git", "git+ssh", "ssh+git", "file", "codecommit"}),
    "::": frozenset({"codecommit"}),
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TIMEOUT = 900.0
# Variables that would redirect git to another repository than that of the folder it is run in.
_DROPPED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")


def repository_state(root: Path) -> str | None:
    """A digest of all that a version can be derived from; None where the folder is in no git repository.

    That is the commit and the branch, every tag, the output of ``git describe``, and which files are tracked
    or changed.
    """
    commands = (
        ("status", "--porcelain=v2", "--branch"),
        ("for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", "refs/tags"),
        ("describe", "--tags", "--long", "--dirty", "--always"),
        ("ls-files", "--stage", "-z"),
    )
    digest = hashlib.sha256(root.name.encode(errors="surrogateescape"))
    for arguments in commands:
        output = _output(root, arguments)
        if output is None:
            # There is nothing to describe before the first commit.
            if arguments[0] == "describe":
                continue
            return None
        digest.update(b"\0" + output)
    return digest.hexdigest()


def find_commit(folder: Path, revision: str) -> tuple[str, str] | None:
    """The top folder of the repository that a folder is in, and the digest of the commit that a revision names.

    None if the folder is in no git repository, or the revision names no commit.
    """
    if not revision or revision.startswith("-") or _CONTROL.search(revision):
        return None
    top = _output(folder, ("rev-parse", "--show-toplevel"))
    commit = _output(folder, ("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"))
    if not top or not commit:
        return None
    return os.fsdecode(top).rstrip("\r\n"), commit.decode().strip()


def described_version(root: Path) -> str:
    """The commit and the nearest tag, which a version is derived from; empty where the folder is in no repository."""
    commands = (("rev-parse", "HEAD"), ("describe", "--tags", "--long", "--dirty", "--always"))
    return " ".join((_output(root, each) or b"").decode("utf-8", "replace") for each in commands)


def ignored_files(root: Path) -> str:
    """A digest of the names of the files that git ignores; empty where the folder is in no git repository."""
    output = _output(
        root, ("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z")
    )
    return "" if output is None else hashlib.sha256(output).hexdigest()


def check_out(url: str, commit: str, into: Path, *, label: str, offline: bool = False) -> None:
    """Check out a commit with its submodules.

    The URL may hold a password, which no message repeats and git is given by its environment. Offline, repositories
    of the local file system are still read. ``into`` does not exist yet.

    Raises:
        FetchError: the repository cannot be reached, or does not hold the commit.
        ToolError: git is missing.
    """
    if not _COMMIT.fullmatch(commit):
        raise FetchError(
            f"`{label}` cannot be fetched",
            where=[f"{commit!r} is not the digest of a commit"],
            hint="lock again: a lock names commits by their whole digest",
        )
    _check_url(url, label)
    if offline and not _is_local(url):
        raise FetchError(
            f"`{label}` is not in the store",
            where=["its repository may not be asked (`--offline`)"],
        )
    url, login = _split_login(url)
    # With tags and history, as versions may be derived from them; contents only as they are needed.
    clone = ("clone", "--quiet", "--no-checkout", "--filter=blob:none", "--", url, str(into))
    status, _, errors = _run(into.parent, clone, login)
    if status != 0:
        raise _failure(label, url, "its repository cannot be cloned", errors)

    def git(*arguments: str, problem: str = "") -> tuple[int, bytes]:
        status, output, errors = _run(into, arguments, login)
        if status != 0 and problem:
            raise _failure(label, url, problem, errors)
        return status, output

    exists = ("cat-file", "-e", f"{commit}^{{commit}}")
    # A commit that is on no branch has to be requested, and not all servers allow that.
    if git(*exists)[0] != 0 and (git("fetch", "--quiet", "origin", commit)[0] or git(*exists)[0]):
        raise FetchError(
            f"`{label}` cannot be fetched",
            where=[f"`{redact(url)}` has no commit {commit}"],
            hint="lock again: the commit may have been rewritten",
        )
    checkout = ("checkout", "--quiet", "--force", "--detach", commit)
    git(*checkout, problem=f"commit {commit} cannot be checked out")
    problem = f"what was checked out is not commit {commit}"
    if git("rev-parse", "HEAD", problem=problem)[1].strip() != commit.encode():
        raise _failure(label, url, problem, "")
    if (into / ".gitmodules").is_file():
        # Git refuses local submodules by default, to protect against repositories that are not trusted;
        # a repository that is local itself may have them.
        trust = ("-c", "protocol.file.allow=always") if _is_local(url) else ()
        update = ("submodule", "--quiet", "update", "--init", "--recursive")
        git(*trust, *update, problem="its submodules cannot be fetched")


def _check_url(url: str, label: str) -> None:
    """Refuse what git would take for an option, or for a helper that runs commands or reads descriptors."""
    transport = re.match(r"([^/@\[]*?)(::|://)(.*)", url, re.DOTALL)
    if transport is not None:
        is_known = transport[1].lower() in _TRANSPORTS[transport[2]]
        place = transport[3]
    else:
        is_known, place = True, url
    # Ssh would take a host that begins with a hyphen for an option.
    host = place.partition("/")[0].rpartition("@")[2]
    if is_known and place and not _CONTROL.search(url) and not f"{place[0]}{host[:1]}".count("-"):
        return
    raise FetchError(
        f"`{label}` cannot be fetched",
        where=[f"`{visible(redact(url))}` is not an address of a repository"],
        hint="repositories are fetched by http, https, ssh, git, file or codecommit",
    )


def _is_local(url: str) -> bool:
    return url.lower().startswith(("file://", "/", "./", "../"))


def _split_login(url: str) -> tuple[str, dict[str, str]]:
    """The address without user and password, and the variables by which git gets them, for that host alone.

    In the address, any user who lists processes could read them, and git would write them into its configuration.
    """
    if not url.lower().startswith(("http://", "https://")):
        return url, {}
    try:
        bare, login = split_login(url)
    except ValueError:
        return url, {}
    if login is None:
        return url, {}
    # Git asks its helpers for user and password; this one, before any other, is a function of its shell.
    answer = "username=%s\\npassword=%s\\n"
    helper = f'!f() {{ test "$1" = get && printf \'{answer}\' "$GIT_ASKED_USER" "$GIT_ASKED_PASSWORD"; }}; f'
    count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    place = origin(bare)
    return bare, {
        "GIT_CONFIG_COUNT": str(count + 2),
        f"GIT_CONFIG_KEY_{count}": f"credential.{place}.helper",
        f"GIT_CONFIG_VALUE_{count}": "",
        f"GIT_CONFIG_KEY_{count + 1}": f"credential.{place}.helper",
        f"GIT_CONFIG_VALUE_{count + 1}": helper,
        "GIT_ASKED_USER": login.user,
        "GIT_ASKED_PASSWORD": login.password,
    }


def _failure(label: str, url: str, problem: str, errors: str) -> FetchError:
    lines = [line.strip() for line in redact(errors.replace(url, redact(url))).splitlines()]
    return FetchError(
        f"`{label}` cannot be fetched",
        where=[
            f"`{redact(url)}`: {problem}",
            *[visible(line) for line in lines if line][-5:],
        ],
    )


def _output(root: Path, arguments: Sequence[str]) -> bytes | None:
    try:
        status, output, _ = _run(root, ("--no-optional-locks", *arguments))
    except ToolError as error:
        if isinstance(error.__cause__, OSError):
            return None
        raise
    return output if status == 0 else None


def _run(
    cwd: Path, arguments: Sequence[str], login: Mapping[str, str] | None = None
) -> tuple[int, bytes, str]:
    """Run git; its exit status, standard output and standard error."""
    from wherry.tools.process import Command, run_tool, time_limit

    environment = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    environment.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    # Line ends as the repository has them, whatever the settings of this machine.
    settings = (
        *("-c", "core.eol=lf"),
        *("-c", "core.autocrlf=false"),
        *("-c", "core.symlinks=true"),
        *("-c", "advice.detachedHead=false"),
        # Submodules may name these.
        *("-c", "protocol.ext.allow=never"),
        *("-c", "protocol.fd.allow=never"),
    )
    command = Command(
        arguments=["git", *settings, *arguments],
        cwd=cwd,
        environment={**environment, **(login or {})},
        seconds=time_limit("WHERRY_GIT_TIMEOUT", _TIMEOUT),
    )
    name = next(argument for argument in arguments if not argument.startswith("-"))
    try:
        done = run_tool(command, f"git {name}", "WHERRY_GIT_TIMEOUT")
    except OSError as error:
        raise ToolError(
            "the program `git` is missing"
            if isinstance(error, FileNotFoundError)
            else "git cannot be started",
            where=[reason_of(error)],
            hint="install git",
        ) from error
    return done.status, done.output, done.errors
