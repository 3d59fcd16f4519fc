"""`wherry init --from`: layers that were published by hand become layers of the first settings."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from support.aws_account import Account
from support.aws_faults import serve_faults
from support.deployments import FUNCTION, Site, make_site
from support.light_aws import LightAws, RefusedError
from support.projects import make_project
from support.wheels import make_wheel
from support.zips import zip_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from support.command import Wherry
    from support.index import Index

WHEELS = [make_wheel(name) for name in ("alpha", "beta")]


@pytest.fixture
def site(wherry: Wherry, aws: LightAws, index: Index) -> Iterator[Site]:
    """A project with two distributions and no settings."""
    with serve_faults(aws.url) as proxy:
        made = make_site(wherry, Account(aws.url), index, proxy)
        index.add(*WHEELS)
        make_project(made.root, index, WHEELS)
        (made.root / "wherry.toml").unlink(missing_ok=True)
        yield made


def first_settings(
    site: Site, aws: LightAws, layers: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Any], str]:
    """The files that are written for a function with layers, each with paths of a distribution; and the warnings."""
    for name, distributions in layers.items():
        files = {f"{one}.dist-info/METADATA": "" for one in distributions}
        aws.layers[name] = [zip_bytes(files)]
    code = zip_bytes({"x.py": ""})
    arns = [f"{aws.arn('layer', name)}:1" for name in layers]
    site.account.functions.create_function(
        FunctionName=FUNCTION,
        Runtime="python3.13",
        Handler="shop.api.handler",
        Role="arn:aws:iam::123456789012:role/shop",
        Architectures=["x86_64"],
        Layers=arns,
        Code={"ZipFile": code},
    )
    done = site.run("init", "--stage", "live", "--from", FUNCTION, code=0)
    text = (site.root / "pyproject.toml").read_text()
    return tomllib.loads(text)["tool"]["wherry"], done.err


def test_a_layer_of_the_projects_distributions(site: Site, aws: LightAws) -> None:
    """Others stay attached. What a virtual environment has beside them does not count."""
    folder = "python/lib/python3.13/site-packages"
    layers = {
        "shop-libraries": [f"{folder}/Alpha-0.9", f"{folder}/beta-1.0", f"{folder}/pip-26.0"],
        "telemetry": ["python/telemetry-1.0"],
        "binaries": [],
    }
    settings, said = first_settings(site, aws, layers)
    (function,) = settings["functions"].values()
    assert function == {"handler": "shop.api.handler", "layers": ["dependencies"]}
    assert settings["layers"] == {"dependencies": {}}
    assert settings["stages"]["live"]["layers"] == {"dependencies": {"name": "shop-libraries"}}
    assert "shop-libraries:1 has distributions of the project" in said
    for name in ("telemetry", "binaries"):
        assert f"keeps its layer {aws.arn('layer', name)}:1" in said
    plan = site.run("plan", "live", "--json", code=0).document
    assert [layer["name"] for layer in plan["layers"]] == ["dependencies"]


def test_several_layers_keep_what_they_have(site: Site, aws: LightAws) -> None:
    layers = {"shop-small": ["python/alpha-1.0"], "shop-big": ["python/beta-1.0"]}
    settings, _ = first_settings(site, aws, layers)
    assert settings["layers"] == {
        "shop-small": {"include": ["alpha"]}, "shop-big": {"include": ["beta"]},
    }  # fmt: skip
    (function,) = settings["functions"].values()
    assert function["layers"] == ["shop-small", "shop-big"]


def test_a_layer_that_cannot_be_read_stays(site: Site, aws: LightAws) -> None:
    def refuse(operation: str) -> None:
        if operation == "GetLayerVersion":
            raise RefusedError(403, "AccessDeniedException")

    aws.before = refuse
    settings, said = first_settings(site, aws, {"shop": ["python/alpha-1.0"]})
    assert "layers" not in settings
    assert "keeps its layer" in said
