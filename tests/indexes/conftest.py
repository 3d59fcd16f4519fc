"""An environment that says nothing of indexes, and no waiting between attempts."""

from __future__ import annotations

import os
import re

import pytest

from wherry.indexes import session

_SPEAKING = re.compile(
    r"(UV|PIP|POETRY|AWS)_\w+|NETRC|XDG_CONFIG_HOME|(HTTP|HTTPS|ALL)_PROXY", re.IGNORECASE
)


@pytest.fixture(autouse=True)
def plain_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for name in list(os.environ):
        if _SPEAKING.fullmatch(name):
            monkeypatch.delenv(name)
    monkeypatch.setattr(session, "BACKOFF", 0.001)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "no-config"))
    monkeypatch.setenv("NETRC", str(tmp_path_factory.getbasetemp() / "no-netrc"))
