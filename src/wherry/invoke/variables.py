"""The environment variables that Lambda gives a function, and nothing of the caller's but access to AWS.

After AWS's list of defined runtime environment variables.
"""

from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING

from wherry.errors import InvokeError
from wherry.files import reason_of
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dotenv.parser import Binding

    from wherry.invoke.runnable import Runnable

__all__ = [
    "ACCOUNT",
    "Places",
    "check_values",
    "check_variables",
    "credential_files",
    "lambda_variables",
    "passed_values",
    "read_variables",
    "region",
]

ACCOUNT = "012345678912"
"""The account of a function that is in none."""

_MAX_VARIABLES = 4096
"""Bytes of all environment variables of a function together."""

# How to reach AWS, or what stands in for it.
_ACCESS = re.compile(
    r"AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|PROFILE|DEFAULT_PROFILE|CONFIG_FILE"
    r"|SHARED_CREDENTIALS_FILE|CA_BUNDLE|ENDPOINT_URL(_[A-Z0-9_]+)?|IGNORE_CONFIGURED_ENDPOINT_URLS"
    r"|ROLE_ARN|ROLE_SESSION_NAME|WEB_IDENTITY_TOKEN_FILE|CONTAINER_CREDENTIALS_[A-Z_]+"
    r"|CONTAINER_AUTHORIZATION_TOKEN(_FILE)?|EC2_METADATA_[A-Z0-9_]+|STS_REGIONAL_ENDPOINTS"
    r"|USE_FIPS_ENDPOINT|USE_DUALSTACK_ENDPOINT|DEFAULTS_MODE|MAX_ATTEMPTS|RETRY_MODE)"
)
_FILES = (
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
# AWS refuses these as a function's own. Access and region are let through: here they are the user's to say.
_RESERVED = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)
# AWS refuses names of one character, too; a file with them is still read, and a warning says so.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Places(Struct, frozen=True, kw_only=True):
    """Where the function finds what; ``binaries`` has the interpreter, by the names that scripts call it."""

    task: str
    layers: str
    runtime: str
    binaries: str
    provided: str


def region(caller: Mapping[str, str], own: Mapping[str, str]) -> str:
    """The region to pretend to be in."""
    for variables in (own, caller):
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            if variables.get(name):
                return variables[name]
    return "us-east-1"


def check_variables(names: Iterable[str]) -> None:
    """Refuse what AWS would refuse as a function's own variable.

    Raises:
        InvokeError: a name is reserved, or not a name.
    """
    for name in names:
        if name in _RESERVED:
            raise InvokeError(
                f"the environment variable `{name}` cannot be set",
                where=["AWS Lambda reserves it for itself"],
            )
        if not _NAME.fullmatch(name):
            raise InvokeError(
                f"`{name}` is not a name for an environment variable of a Lambda function",
                where=[
                    "it must begin with a letter and go on with letters, digits and underscores"
                ],
            )


def check_values(variables: Mapping[str, str]) -> None:
    """Refuse values that AWS would refuse. Access to AWS and the region are not the function's own there.

    Raises:
        InvokeError: a value is not a string or not UTF-8, or they are too big together.
    """
    import json

    for name, value in variables.items():
        if not isinstance(value, str):
            raise InvokeError(f"the environment variable `{name}` expects a string, not {value!r}")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvokeError(f"the environment variable `{name}` is not text in UTF-8") from None
    own = {
        name: value
        for name, value in variables.items()
        if not _ACCESS.fullmatch(name) and name not in {"AWS_REGION", "AWS_DEFAULT_REGION"}
    }
    size = len(json.dumps(own, separators=(",", ":"), ensure_ascii=False).encode())
    if size > _MAX_VARIABLES:
        largest = max(own, key=lambda name: len(own[name]))
        raise InvokeError(
            f"the environment variables of the function take {size:,} bytes",
            where=[
                f"AWS Lambda takes {_MAX_VARIABLES:,} in all, as JSON",
                f"`{largest}` has the most of them",
            ],
            hint="keep large values in a file of the package, in S3 or in Parameter Store",
        )


def passed_values(variables: Mapping[str, str | bool], caller: Mapping[str, str]) -> dict[str, str]:
    """The variables of a setting with their values; those with ``true`` are the caller's, where it has them."""
    return {
        name: value if isinstance(value, str) else caller[name]
        for name, value in variables.items()
        if isinstance(value, str) or (value and name in caller)
    }


def credential_files(caller: Mapping[str, str]) -> tuple[str, ...]:
    """The files by which the function is to reach AWS, wherever they lie."""
    return tuple(caller[name] for name in _FILES if caller.get(name, "").startswith("/"))


def lambda_variables(
    runnable: Runnable,
    *,
    places: Places,
    memory: int,
    runtime_api: str,
    log_stream: str,
    caller: Mapping[str, str],
) -> dict[str, str]:
    """All variables of the function's process, the caller's access to AWS among them; memory in MB."""
    own = runnable.environment
    here = region(caller, own)
    task, runtime, layers = places.task, places.runtime, places.layers
    default = {
        "AWS_REGION": here,
        "AWS_DEFAULT_REGION": here,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "LANG": "en_US.UTF-8",
        "LD_LIBRARY_PATH": f"/var/lang/lib:/lib64:/usr/lib64:{runtime}:{runtime}/lib:{task}:{task}/lib:"
        f"{layers}/lib",
        "PATH": f"{places.binaries}:/usr/local/bin:/usr/bin/:/bin:{layers}/bin",
        "PWD": task,
        "SHLVL": "0",
        "TZ": ":UTC",
    }
    fixed = {
        "_HANDLER": runnable.handler,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{runnable.target.runtime.name}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory),
        "AWS_LAMBDA_FUNCTION_NAME": runnable.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start" if runnable.snap_start else "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{runnable.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "LAMBDA_RUNTIME_DIR": runtime,
        "LAMBDA_TASK_ROOT": task,
    }
    network = {name: value for name, value in caller.items() if _ACCESS.fullmatch(name)}
    return {**default, **network, **own, **fixed}


def read_variables(pairs: Sequence[str], files: Sequence[Path]) -> dict[str, str]:
    """The function's own variables; what comes later wins, and a name alone passes on Wherry's own variable.

    Raises:
        InvokeError: there is no variable to pass on, a file cannot be read, or AWS would refuse a name.
    """
    found: dict[str, str] = {}
    given = list(map(_pair, pairs))
    for name, value, place in (*_read_variable_files(files), *given):
        try:
            check_variables([name])
        except InvokeError as error:
            raise InvokeError(error.message, where=[place, *error.where]) from error
        found[name] = value
    return found


def _pair(text: str) -> tuple[str, str, str]:
    """The name and the value of ``NAME=VALUE``, or of a variable that is passed on by its name, and their place."""
    name, equals, value = text.partition("=")
    if equals:
        return name.strip(), value, "--env"
    if text in os.environ:
        return text, os.environ[text], "--env"
    # What does not look like the name of a variable may be a secret that was put there.
    named = re.fullmatch(r"[A-Z][A-Z0-9_]*", text) is not None
    raise InvokeError(
        "an environment variable has no `=`, and is not one of this shell's",
        where=[f"--env {text}" if named else "--env"],
        hint="write KEY=VALUE, or KEY to pass on a variable that is set here",
    )


_LARGEST = 1 << 20


def _read_variable_files(files: Sequence[Path]) -> Iterator[tuple[str, str, str]]:
    """Names and values with their places, as docker compose and python-dotenv read them from files.

    Comments after a space, quotes (with line ends inside of them), ``export``, and ``${NAME}`` except in single quotes.
    A name without a value is passed through from Wherry's own environment, as ``docker run --env-file`` does.

    Raises:
        InvokeError: a file cannot be read, or a line of it is not understood.
    """
    if not files:
        return
    from dotenv.parser import parse_stream
    from dotenv.variables import parse_variables

    known = dict(os.environ)
    for path in files:
        try:
            # It may be a pipe, as of a tool that decrypts it.
            with path.open(encoding="utf-8-sig") as file:
                text = file.read(_LARGEST + 1)
            if len(text) > _LARGEST:
                raise ValueError(f"it has more than {_LARGEST:,} characters")
        except (OSError, ValueError) as error:
            reason = reason_of(error)
            raise InvokeError(f"cannot read `{path}`", where=[reason]) from error
        for binding in parse_stream(io.StringIO(text)):
            place = f"{path} line {_line(binding)}"
            if binding.error:
                # The line is not shown: it may hold a secret.
                raise InvokeError(
                    "a line with an environment variable is not understood",
                    where=[place],
                    hint="write KEY=VALUE; a quote must be closed, and nothing but a comment may follow it",
                )
            name, value = binding.key, binding.value
            if name is None:
                continue
            if value is None:
                if name in os.environ:
                    yield name, os.environ[name], place
                continue
            if not _is_single_quoted(binding):
                value = "".join(atom.resolve(known) for atom in parse_variables(value))
            known[name] = value
            yield name, value, place


def _line(binding: Binding) -> int:
    """The line on which the variable stands; blank lines before it belong to it, too."""
    original = binding.original
    blank = original.string[: len(original.string) - len(original.string.lstrip())]
    return original.line + len(blank.splitlines())


def _is_single_quoted(binding: Binding) -> bool:
    return binding.original.string.partition("=")[2].lstrip(" \t").startswith("'")
