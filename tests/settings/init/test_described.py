"""Projects that another tool describes: what is said about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from wherry.settings.init.proposal import propose
from wherry.settings.project import read_project

if TYPE_CHECKING:
    from pathlib import Path

HANDLER = "def handler(event, context): ...\n"
LAYER = "{Type: AWS::Serverless::LayerVersion, Metadata: {BuildMethod: python3.13}, Properties: {ContentUri: deps}}"


def function(code: str, runtime: str = "python3.13") -> str:
    properties = f"{{CodeUri: {code}, Handler: app.handler, Runtime: {runtime}}}"
    return f"{{Type: AWS::Serverless::Function, Properties: {properties}}}"


@pytest.mark.parametrize(
    ("resources", "warning"),
    [
        ({"A": function("app.py")}, "skipped `A` of template.yaml: `app.py` is a file, and was made by something else"),
        ({"A": function("out")}, "skipped `A` of template.yaml: `out` is outside of the repository"),
        ({"A": function("gone")}, "skipped `A` of template.yaml: there is no folder `gone`"),
        (
            {"A": function("src"), "B": function("src"), "C": function("src", "python2.7")},
            "`C` is for python2.7 in template.yaml, which AWS no longer has or the project does not run on: it is built for python3.13",
        ),
        (
            {"A": function("src"), "B": function("src"), "C": function("src", "python3.12")},
            "`C` is for python3.12 in template.yaml: build it with `wherry build C --runtime python3.12`",
        ),
    ],
)  # fmt: skip
def test_warnings(tmp_path: Path, resources: dict[str, str], warning: str) -> None:
    """Also where none of its functions can be built, and the project's own files decide."""
    text = "".join(f"  {name}: {resource}\n" for name, resource in resources.items())
    files = {"template.yaml": f"Resources:\n{text}", "app.py": HANDLER, "src/app.py": HANDLER}
    root = write_files(tmp_path / "shop", files)
    (root / "out").symlink_to(write_files(tmp_path / "elsewhere", {"app.py": HANDLER}))
    (root / "loop").symlink_to("loop")
    assert warning in propose(read_project(root)).warnings


def test_layers_alone(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {"template.yaml": f"Resources:\n  Deps: {LAYER}\n", "deps/util.py": ""},
    )  # fmt: skip
    table = propose(read_project(tmp_path)).table
    assert "functions" not in table
    assert table["layers"] == {"Deps": {"root": "deps"}}


def test_a_handler_in_the_wheel_of_the_project(tmp_path: Path) -> None:
    """By its name there, which lies in ``src`` in the project; the template may be called ``sam.yaml``."""
    handler = "{CodeUri: ., Handler: shop.api.handler, Runtime: python3.13}"
    resource = f"{{Type: AWS::Serverless::Function, Metadata: {{BuildMethod: makefile}}, Properties: {handler}}}"
    files = {
        "sam.yaml": f"Resources: {{A: {resource}}}\n",
        "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n',
        "src/shop/__init__.py": "",
        "src/shop/api.py": HANDLER,
    }
    proposal = propose(read_project(write_files(tmp_path, files)))
    assert proposal.table["functions"] == {"A": {"handler": "shop.api.handler"}}
    assert "build-project" not in proposal.table
    assert proposal.notes[0] == "read sam.yaml of AWS SAM"
