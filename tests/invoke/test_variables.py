"""The function's environment is Lambda's, and nothing of the caller's but access to AWS."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.errors import InvokeError
from wherry.invoke.runnable import Runnable
from wherry.invoke.variables import (
    Places,
    check_values,
    check_variables,
    lambda_variables,
    passed_values,
    read_variables,
    region,
)
from wherry.target import Architecture, Target, find_runtime

PLACES = Places(
    task="/var/task", layers="/opt", runtime="/var/runtime", binaries="/var/lang/bin", provided="/p"
)


def variables(
    own: dict[str, str] | None = None, *, snap_start: bool = False, **caller: str
) -> dict[str, str]:
    runnable = Runnable(
        name="api",
        target=Target(runtime=find_runtime("python3.12"), architecture=Architecture.ARM64),
        handler="shop.api.handler",
        function=Path("api.zip"),
        environment=own or {},
        snap_start=snap_start,
    )
    return lambda_variables(
        runnable,
        places=PLACES,
        memory=256,
        runtime_api="127.0.0.1:9001",
        log_stream="stream",
        caller=caller,
    )


def test_exactly_lambdas() -> None:
    assert variables(HOME="/root", PATH="/secret", PYTHONPATH="/x", VIRTUAL_ENV="/v") == {
        "_HANDLER": "shop.api.handler",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_NAME": "api",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/api",
        "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "AWS_REGION": "us-east-1",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LANG": "en_US.UTF-8",
        "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:"
        "/var/task/lib:/opt/lib",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "PWD": "/var/task",
        "SHLVL": "0",
        "TZ": ":UTC",
    }


def test_access_to_aws_comes_along() -> None:
    network = {
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_SESSION_TOKEN": "t",
        "AWS_PROFILE": "dev",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000",
    }
    found = variables(
        {}, snap_start=False, **network, AWS_SAM_LOCAL="true", AWS_LAMBDA_FUNCTION_NAME="mine"
    )
    assert network.items() <= found.items()
    assert "AWS_SAM_LOCAL" not in found
    assert found["AWS_LAMBDA_FUNCTION_NAME"] == "api"


def test_the_functions_own_win_over_what_may_be_changed() -> None:
    found = variables(
        {"TZ": "Europe/Berlin", "AWS_REGION": "eu-west-1", "TABLE": "t"}, AWS_REGION="x"
    )
    assert (found["TZ"], found["TABLE"]) == ("Europe/Berlin", "t")
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "eu-west-1"


@pytest.mark.parametrize("name", ["_HANDLER", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT"])
def test_what_aws_reserves(name: str) -> None:
    with pytest.raises(InvokeError, match=f"`{name}` cannot be set"):
        check_variables([name])


@pytest.mark.parametrize("name", ["1A", "A-B", "", "Ä", "A=B"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(InvokeError, match="not a name"):
        check_variables([name])


def test_the_region() -> None:
    assert region({}, {}) == "us-east-1"
    assert region({"AWS_DEFAULT_REGION": "a"}, {}) == "a"
    assert region({"AWS_DEFAULT_REGION": "a", "AWS_REGION": "b"}, {}) == "b"
    assert region({"AWS_REGION": "b"}, {"AWS_DEFAULT_REGION": "c"}) == "c"


def test_no_more_than_aws_takes() -> None:
    """Names and values count together; access to AWS is not the function's own there."""
    fits = "x" * (4096 - len('{"A1":""}'))
    check_values({"A1": fits, "AWS_SESSION_TOKEN": "t" * 2000, "AWS_REGION": "eu-west-1"})
    with pytest.raises(InvokeError, match="take 4,097 bytes") as caught:
        check_values({"A1": f"{fits}x"})
    assert fits not in str(caught.value)
    with pytest.raises(InvokeError, match="take 4,"):
        check_values({"A1": "ü" * 2050})


def test_values_are_text() -> None:
    """Bytes of an argument that are not UTF-8 come as halves of characters."""
    with pytest.raises(InvokeError, match="`TABLE` is not text in UTF-8"):
        check_values({"TABLE": "a\udcff"})


def test_values_are_strings() -> None:
    with pytest.raises(InvokeError, match="`TTL` expects a string, not 60"):
        check_values({"TTL": 60})  # type: ignore[dict-item]


def test_names_alone_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AB", "1=2")
    monkeypatch.setenv("CD", "no")
    assert read_variables(["AB", "CD=x=y"], []) == {"AB": "1=2", "CD": "x=y"}
    with pytest.raises(InvokeError, match="has no `=`") as caught:
        read_variables(["NOT_HERE"], [])
    assert "--env NOT_HERE" in str(caught.value)
    with pytest.raises(InvokeError) as caught:
        read_variables(["pa55word"], [])
    assert "pa55word" not in str(caught.value)


def test_variables_of_settings() -> None:
    chosen: dict[str, str | bool] = {"AB": "own", "CD": True, "EF": True}
    assert passed_values(chosen, {"AB": "no", "CD": "here"}) == {"AB": "own", "CD": "here"}


def test_snap_start_is_told() -> None:
    assert variables(snap_start=True)["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start"
