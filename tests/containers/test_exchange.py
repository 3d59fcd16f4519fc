"""A container that does not end is ended, by its engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.containers.engine import Engine
from wherry.containers.exchange import Container
from wherry.containers.image import Image
from wherry.errors import ContainerError
from wherry.settings.model import ContainerOptions
from wherry.target import Architecture, Target, find_runtime

ENGINE = """#!/bin/sh
echo "$1 $2" >> "$0.log"
[ "$1" != run ] || exec sleep 60
"""


def test_a_run_of_a_container_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "docker"
    program.write_text(ENGINE)
    program.chmod(0o755)
    container = Container(
        engine=Engine(command=str(program), kind="docker"),
        image=Image(reference="builder:1", identity="x"),
        options=ContainerOptions(),
        target=Target(runtime=find_runtime("python3.13"), architecture=Architecture.X86_64),
    )
    monkeypatch.setenv("WHERRY_BUILD_TIMEOUT", "0.2")
    with pytest.raises(ContainerError, match=r"was ended after 0\.2 seconds") as caught:
        container.run_shell(
            "true", lent={}, changed={}, workdir="/", environment={}, log=tmp_path / "log"
        )
    assert "WHERRY_BUILD_TIMEOUT" in (caught.value.hint or "")
    assert (tmp_path / "docker.log").read_text().splitlines()[-1] == "rm --force"
