"""Which zips a function is made of, after a build and without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.functions import HERE
from support.index import serve_index
from support.projects import make_project, write_files
from support.reporters import Heard
from support.wheels import make_wheel
from wherry.errors import InvokeError, OutputError
from wherry.events import Warned
from wherry.invoke.runnable import choose_function, find_runnable
from wherry.pipeline.build import build
from wherry.pipeline.report import BuildReport
from wherry.pipeline.request import read_request
from wherry.pipeline.written import report_written
from wherry.store import Store

ARN = "arn:aws:lambda:eu-west-1:123456789012:layer:other:3"
SETTINGS = f"""
[project]
name = "shop"
version = "1.0"
[tool.wherry]
runtime = "{HERE}"
[tool.wherry.functions.api]
handler = "from shop.api import handler"
layers = ["top", "{ARN}"]
[tool.wherry.functions.bare]
[tool.wherry.layers.top]
include = ["beta"]
layers = ["base"]
[tool.wherry.layers.base]
include = ["alpha"]
"""


@pytest.fixture
def project(tmp_path: Path, store: Store) -> tuple[Path, BuildReport]:
    wheels = [make_wheel("alpha"), make_wheel("beta")]
    root = tmp_path / "shop"
    root.mkdir()
    with serve_index(wheels) as index:
        make_project(root, index, wheels)
        write_files(root, {"pyproject.toml": SETTINGS})
        return root, build(root, store=store)


def test_a_function_with_its_layers_in_their_order(project: tuple[Path, BuildReport]) -> None:
    root, report = project
    heard = Heard()
    found = find_runnable(report, "api", environment={"A1": "x"}, reporter=heard)
    output = root / "dist" / "lambda"
    assert found.function == output / "api.zip"
    assert found.layers == (output / "base.zip", output / "top.zip")
    assert found.handler == "shop.api.handler"
    assert found.environment == {"A1": "x"}
    (warning,) = heard.events
    assert isinstance(warning, Warned)
    assert ARN in warning.text
    heard.events.clear()
    fetched = {ARN: output / "fetched.zip"}
    complete = find_runnable(report, "api", fetched=fetched, reporter=heard)
    assert complete.layers == (*found.layers, output / "fetched.zip")
    assert heard.events == []


def test_what_was_written_is_found_again(project: tuple[Path, BuildReport]) -> None:
    root, report = project
    heard = Heard()
    request = read_request(root, names=["api"])
    written = find_runnable(report_written(request), "api", reporter=heard)
    assert written == find_runnable(report, "api")
    assert len(heard.events) == 1
    # A layer that came out empty was not written, and a function does without.
    (root / "dist" / "lambda" / "base.zip").unlink()
    fewer = find_runnable(report_written(request), "api")
    assert [path.name for path in fewer.layers] == ["top.zip"]
    with pytest.raises(OutputError, match="was not built"):
        report_written(read_request(root, names=["api"], output=root / "elsewhere"))


def test_a_handler_that_is_said_elsewhere(project: tuple[Path, BuildReport]) -> None:
    root, report = project
    with pytest.raises(InvokeError, match="`bare` has no handler") as caught:
        find_runnable(report, "bare")
    assert "[tool.wherry.functions.bare]" in (caught.value.hint or "")
    written = report_written(read_request(root, names=["bare"], handler="a.b"))
    assert find_runnable(written, "bare").handler == "a.b"


def test_which_function() -> None:
    assert choose_function(["a"], None) == "a"
    assert choose_function(["a", "b"], "b") == "b"
    with pytest.raises(InvokeError, match="and none was named"):
        choose_function(["a", "b"], None)
    with pytest.raises(InvokeError, match="no function `apj`") as caught:
        choose_function(["api", "web"], "apj")
    assert caught.value.hint == "did you mean `api`?"
    with pytest.raises(InvokeError, match="no function to call"):
        choose_function([], None)
