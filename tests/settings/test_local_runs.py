"""The settings of a function that are for local runs: within the limits of AWS."""

from __future__ import annotations

import tomllib

import pytest

from wherry.errors import SettingsError
from wherry.settings.model import FunctionSettings
from wherry.settings.read import read_settings


def read(text: str) -> FunctionSettings:
    table = tomllib.loads(f"[functions.api]\n{text}")
    return read_settings(table, "wherry.toml").functions["api"]


def test_they_are_read() -> None:
    found = read(
        'environment = { TABLE = "items", KEY = true }\ntimeout = 900\nmemory = 128\n'
        "ephemeral-storage = 10240\nboto3 = false"
    )
    assert found.environment == {"TABLE": "items", "KEY": True}
    assert (found.timeout, found.memory, found.ephemeral_storage) == (900, 128, 10240)
    assert not found.boto3
    default = read("")
    assert (default.environment, default.timeout, default.memory) == ({}, None, None)
    assert default.boto3


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("timeout = 901", "functions.api.timeout: expected a number from 1 to 900"),
        ("timeout = 0", "functions.api.timeout: expected a number from 1 to 900"),
        ("timeout = true", "functions.api.timeout: expected a number from 1 to 900"),
        ("memory = 64", "functions.api.memory: expected a number from 128 to 10240"),
        ("ephemeral-storage = 1", "expected a number from 512 to 10240"),
        ('boto3 = "no"', "functions.api.boto3: expected true or false"),
        ("environment = { A = 1 }", "expected a table of variables"),
        ('environment = { "A-B" = "x" }', "`A-B` is not the name of a variable"),
    ],
)
def test_what_aws_does_not_take(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(text)
    assert problem in str(caught.value)
