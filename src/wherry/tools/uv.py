"""Running uv: the resolver, and the reader of ``uv.lock``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.errors import LockError, ToolError
from wherry.events import Warned
from wherry.indexes.failures import PROXY_HINT, explain_denial, shown_url
from wherry.indexes.redact import redact
from wherry.structs import Struct
from wherry.target import Architecture
from wherry.tools.uv_words import own_hint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wherry.events import Reporter
    from wherry.indexes.network import Network
    from wherry.target import Target
    from wherry.tools.process import Done

__all__ = ["Answer", "run_uv", "run_uv_offline", "target_options"]

# Of uv's own variables only those are passed on that say how to reach indexes, or where its cache is. The others
# (UV_PYTHON, UV_RESOLUTION, UV_INDEX_STRATEGY, UV_NO_DEV, UV_PROJECT …) would let the building machine decide what
# is in a lock.
_INDEXES = re.compile(
    r"UV_(INDEX|INDEX_URL|DEFAULT_INDEX|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|INDEX_\w+_(USERNAME|PASSWORD))"
)
_PASSED = (
    "UV_CACHE_DIR",
    "UV_CONCURRENT_",
    "UV_CREDENTIALS_DIR",
    "UV_GITHUB_TOKEN",
    "UV_HTTP_",
    "UV_INSECURE_HOST",
    "UV_INSECURE_NO_ZIP_VALIDATION",
    "UV_KEYRING_PROVIDER",
    "UV_NATIVE_TLS",
    "UV_OFFLINE",
    "UV_REQUEST_TIMEOUT",
    "UV_SYSTEM_CERTS",
)
_DROPPED = ("CLICOLOR_FORCE", "CONDA_PREFIX", "FORCE_COLOR", "PYTHONHOME", "PYTHONPATH", "RUST_LOG")
_ALWAYS = {"NO_COLOR": "1", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never"}

_TIMEOUT = 3600.0

# The manylinux platforms that uv can resolve for, as glibc minors; there are none between.
_PLATFORM_GLIBCS = (40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 28, 17)

# The beginnings of the lines of an error, in the various versions of uv.
_LEAD = re.compile(
    r"^\s*(?P<lead>error:|cause:|Caused by:|hint:|warning:|\u00d7|[├╰]─▶)\s*(?P<text>.*)$"
)
_ASIDE = frozenset({"", "hint:", "warning:"})
_PROGRESS = re.compile(
    r"(Audited|Building|Built|Creating|Prepared|Resolved|Updated|Updating|Using) "
)
_REFUSED = re.compile(
    r"Required uv version `(?P<wanted>[^`]+)` does not match the running version `(?P<running>[^`]+)`"
)
_SECONDS = 20


class Answer(Struct, frozen=True, kw_only=True):
    """The result of a run of uv.

    Attributes:
        causes: its error, outermost cause first, without secrets; empty where there is none.
        hint: its own hint, without secrets.
    """

    status: int
    output: str
    causes: tuple[str, ...]
    hint: str | None

    def expect(self, failed: str) -> str:
        """The output.

        Raises:
            LockError: uv failed. ``failed`` is the message, the text of uv the causes.
        """
        if self.status != 0:
            causes = self.causes or (f"uv exited with {self.status}",)
            raise LockError(failed, where=causes, hint=self.hint)
        return self.output


def run_uv(
    arguments: Sequence[str],
    *,
    cwd: Path,
    network: Network,
    reporter: Reporter,
    stdin: Callable[[], str] | None = None,
    default_index: str | None = None,
) -> Answer:
    """Run uv in ``cwd``, independent of the settings of the building machine except how to reach indexes.

    The arguments have no secrets, as other users of the machine can see them: the users and passwords of indexes are
    in environment variables, which only uv's own process can read, and in the text for its standard input, which
    ``stdin`` makes when they are known. ``default_index`` replaces PyPI, whatever the environment says. The reporter
    is told uv's warnings.

    Raises:
        ToolError: uv is missing or cannot be started.
        FetchError: there is no token for an index of CodeArtifact.
    """
    if network.is_for_third_party:
        # uv would read the settings of the source it is run in.
        cwd = Path(cwd.anchor)
    # What follows `--` are no options.
    command = [_find_uv(), *(["--offline"] if network.offline else []), *arguments]

    def run() -> Done:
        environment = _environment(cwd, network, default_index)
        return _run(command, cwd, environment, stdin() if stdin is not None else "")

    done = run()
    refused = _refused(done)
    # A keyring is asked, or a new token fetched, when an index wants it, and not before.
    logins = [
        network.second_login(url, network.login(url), status=status)
        for url, status in refused.items()
        if not network.offline
    ]
    if any(logins):
        done = run()
        refused = _refused(done)
    answer = _answer(done, network.hide(redact(done.errors)), reporter)
    causes, hint = list(answer.causes), answer.hint
    for url, status in list(refused.items())[:1]:
        from http import HTTPStatus

        more, hint = explain_denial(network, url, status, network.login(url))
        causes += [f"{shown_url(url)} answered {status} {HTTPStatus(status).phrase}", *more]
    if answer.status and any("proxy authorization required" in text.lower() for text in causes):
        hint = PROXY_HINT
    return replace(answer, causes=tuple(causes), hint=hint)


def run_uv_offline(arguments: Sequence[str], *, cwd: Path, reporter: Reporter) -> Answer:
    """Run uv in ``cwd`` with no network, and without the indexes that the environment names.

    The reporter is told uv's warnings.

    Raises:
        ToolError: uv is missing or cannot be started.
    """
    done = _run([_find_uv(), "--offline", *arguments], cwd, _environment(cwd, None), "")
    return _answer(done, redact(done.errors), reporter)


def _answer(done: Done, text: str, reporter: Reporter) -> Answer:
    """The answer of a process whose standard error, without secrets, is ``text``."""
    messages = _messages(text)
    for lead, message in messages:
        if lead == "warning:":
            reporter.emit(Warned(text=f"uv says: {message}"))
    causes = [message for lead, message in messages if lead not in _ASIDE] or [
        message for lead, message in messages if not lead
    ]
    return Answer(
        status=done.status,
        output=done.output.decode("utf-8", "replace"),
        causes=tuple(causes),
        hint=own_hint(next((message for lead, message in messages if lead == "hint:"), None)),
    )


def _run(command: Sequence[str], cwd: Path, environment: Mapping[str, str], stdin: str) -> Done:
    """Run uv; another one where the project requires another version."""
    done = _run_once(command, cwd, environment, stdin)
    if done.status and (path := _required_uv(done.errors)) is not None:
        return _run_once([path, *command[1:]], cwd, environment, stdin)
    return done


def _run_once(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str], stdin: str
) -> Done:
    from wherry.tools.process import Command, run_tool, time_limit

    name = next(word for word in command[1:] if word[0] != "-")
    try:
        return run_tool(
            Command(
                arguments=command,
                cwd=cwd,
                environment=environment,
                seconds=time_limit("WHERRY_UV_TIMEOUT", _TIMEOUT),
                stdin=stdin.encode("utf-8", "surrogateescape"),
            ),
            f"uv {name}",
            "WHERRY_UV_TIMEOUT",
        )
    except (OSError, ValueError) as error:
        raise ToolError("uv cannot be started", where=[redact(str(error))]) from None


def _refused(done: Done) -> dict[str, int]:
    """The addresses that answered 401 or 403, with the status, where uv failed."""
    if not done.status:
        return {}
    # uv breaks the lines of its hints.
    lines = re.sub(r"\n[ │]+", " ", done.errors).splitlines()
    refused: dict[str, int] = {}
    for line in lines:
        if status := re.search(r"\b40[13]\b", line):
            for url in re.findall(r"https?://[^\s`'\"()]+", line):
                refused.setdefault(url, int(status[0]))
    return refused


def target_options(
    target: Target, *, patch: int | None = None, python: Path | None = None
) -> list[str]:
    """The options that make ``uv pip compile`` resolve for the target, whatever machine it runs on.

    By default, the patch level is the runtime's, and the interpreter that runs Wherry builds metadata.
    """
    glibc = next(minor for minor in _PLATFORM_GLIBCS if (2, minor) <= target.runtime.glibc)
    machine = "aarch64" if target.architecture is Architecture.ARM64 else "x86_64"
    patch = target.runtime.patch if patch is None else patch
    return [
        "--python-version",
        f"{target.runtime.python_version}.{patch}",
        "--python-platform",
        f"{machine}-manylinux_2_{glibc}",
        # Only for building metadata, where an sdist has none that is static.
        "--python",
        str(python or sys.executable),
    ]


_finding_uv = Lock()


def _find_uv() -> str:
    """The path of the ``uv`` binary that was installed with Wherry."""
    try:
        from uv import find_uv_bin

        # In Python 3.11 `sysconfig` fills its cache while another thread may read half of it.
        with _finding_uv:
            return find_uv_bin()
    except (ImportError, FileNotFoundError):
        path = shutil.which("uv")
    if path is None:
        raise ToolError("the program `uv` is missing", hint="install Wherry again, with `uv`")
    return path


def _environment(
    cwd: Path, network: Network | None, default_index: str | None = None
) -> Mapping[str, str]:
    """The environment of uv; without a network it names no indexes."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in _DROPPED
        and (
            not name.startswith("UV_")
            or name.startswith(_PASSED)
            or (network is not None and _INDEXES.fullmatch(name))
        )
    }
    environment.pop("VIRTUAL_ENV", None)
    # uv reads SSL_CERT_FILE, and not the variable of requests.
    certificates = environment.get("REQUESTS_CA_BUNDLE", "")
    if not environment.get("SSL_CERT_FILE") and os.path.isfile(certificates):  # noqa: PTH113
        environment["SSL_CERT_FILE"] = certificates
    for name in [name for name in environment if re.fullmatch(r"UV_INDEX_\w+_USERNAME", name)]:
        # With a user alone, uv asks with an empty password; some indexes answer that with 403 for good.
        if name.removesuffix("USERNAME") + "PASSWORD" not in environment:
            del environment[name]
    if network is not None:
        from wherry.indexes.uv_variables import uv_variables

        environment |= uv_variables(network, cwd)
        if default_index is not None:
            environment.pop("UV_INDEX_URL", None)
            environment["UV_DEFAULT_INDEX"] = network.with_login(default_index)
    return environment | _ALWAYS


def _messages(text: str) -> list[tuple[str, str]]:
    """The messages of uv, each with its beginning; a line without a known beginning continues the one before."""
    messages: list[tuple[str, str]] = []
    for line in text.splitlines():
        match = _LEAD.match(line)
        if match is not None:
            messages.append((match["lead"], match["text"].strip()))
        elif not line.strip():
            messages.append(("", ""))
        elif messages and messages[-1][0] == "warning:" and _PROGRESS.match(line.strip()):
            continue
        elif line.startswith(" ") and messages and messages[-1][1]:
            lead, before = messages[-1]
            messages[-1] = (lead, f"{before} {line.strip()}")
        elif not _PROGRESS.match(line):
            # Some versions report a stale lock without calling that an error.
            messages.append(("", line.strip()))
    return [(lead, text) for lead, text in messages if text]


def _required_uv(errors: str) -> str | None:
    """The path of a uv that has the version which another uv said, in its standard error, that the project requires.

    None where it did not refuse for its version.
    """
    # uv breaks long lines.
    refused = _REFUSED.search(" ".join(errors.split()))
    if refused is None:
        return None
    wanted = refused["wanted"]
    if (path := _on_path(wanted)) is None:
        raise ToolError(
            f"the project requires uv `{wanted}`",
            where=[
                f"`required-version` says so, and Wherry's uv is {refused['running']}",
                "no uv on `PATH` has such a version",
            ],
            hint=f"install it, such as with `uv tool install 'uv{wanted}'`, or change `required-version`",
        )
    return path


@cache
def _on_path(wanted: str) -> str | None:
    """The first uv on ``PATH`` whose version is admitted."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        specifiers = SpecifierSet(wanted)
    except InvalidSpecifier:
        return None
    for folder in os.get_exec_path():
        path = shutil.which("uv", path=folder) if folder else None
        version = None if path is None else _version(path)
        if version is not None and specifiers.contains(version, prereleases=True):
            return path
    return None


def _version(path: str) -> str | None:
    """The version of a uv; None where it does not tell one."""
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    found = re.match(r"uv (\d+(?:\.\w+)*)", done.stdout)
    return found[1] if found else None
