"""What another stage runs, by digest, without building."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import tomli_w

from support.deployments import ONE, TWO, Site
from support.light_aws import LightAws
from support.projects import write_files

if TYPE_CHECKING:
    from pathlib import Path


ROLE = "arn:aws:iam::123456789012:role/shop"


@pytest.fixture
def site(light_site: Site) -> Site:
    """The project is deployed to staging; production is empty."""
    write(light_site, "one", ONE)
    light_site.deploy()
    return light_site


def write(site: Site, says: str, alpha: Any, **production: Any) -> None:
    site.write(says=says, alpha=alpha)
    stage: dict[str, Any] = {
        "region": "eu-west-1",
        "alias": "live",
        "functions": {"api": {"role": ROLE}},
    }
    settings = {
        "runtime": "python3.13",
        "functions": {"api": {"handler": "shop.api.handler", "layers": ["dependencies"]}},
        "layers": {"dependencies": {"include": ["*"]}},
        "stages": {"staging": stage, "production": {**stage, **production}},
    }  # fmt: skip
    write_files(site.root, {"wherry.toml": tomli_w.dumps(settings)})


def digests(aws: LightAws, stage: str, version: int = 1) -> tuple[str, list[str]]:
    """Of the code and of the layers of a version."""
    found = aws.functions[f"shop-api-{stage}"].versions[version]
    layers = []
    for layer in found["Layers"]:
        name, _, number = layer["Arn"].rpartition(":")
        layers.append(aws.layer_version(name, int(number))["Content"]["CodeSha256"])
    return found["CodeSha256"], layers


def test_production_gets_what_staging_runs(site: Site, aws: LightAws) -> None:
    # The project has gone on since.
    write(site, "two", TWO)
    for path in (site.root / "dist" / "lambda").iterdir():
        path.unlink()
    planned = site.run("plan", "production", "--from", "staging", code=0)
    assert "create it" in planned.out
    assert "shop-api-production" not in aws.functions
    done = site.run("deploy", "production", "--from", "staging", code=0)
    assert "From staging: `api`, version 1 of `shop-api-staging` (shop 1.0), sha256 " in done.err
    assert not list((site.root / "dist" / "lambda").iterdir())
    assert digests(aws, "production") == digests(aws, "staging")
    made = aws.functions["shop-api-production"]
    # Under the stage's own name, so that the next deployment finds its own layer there.
    assert [layer["Arn"].split(":")[6] for layer in made.latest["Layers"]] == [
        "shop-dependencies-production"
    ]
    assert made.versions[1]["Description"] == "shop 1.0"
    assert aws.alias("shop-api-production", "live") == (1, {})
    # Again, and nothing is fetched or changed.
    aws.calls.clear()
    site.run("deploy", "production", "--from", "staging", code=0)
    assert "Code" not in aws.calls
    assert not [call for call in aws.calls if call.startswith(("Update", "Publish", "Create"))]
    # A deployment of the checkout replaces both.
    site.run("deploy", "production", code=0)
    assert len(made.latest["Layers"]) == 1
    assert digests(aws, "production", 2) != digests(aws, "staging")


def test_what_callers_get_is_brought(site: Site, aws: LightAws) -> None:
    """Not a canary, nor what is only published."""
    write(site, "two", TWO)
    site.deploy("--canary", "10%")
    done = site.run("deploy", "production", "--from", "staging", code=0)
    assert (
        "has a canary in stage `staging`: the version that most callers get is deployed" in done.err
    )
    assert digests(aws, "production") == digests(aws, "staging", 1)


def test_the_same_layer_is_not_published_again(site: Site, aws: LightAws) -> None:
    name = {"layers": {"dependencies": {"name": "shop-dependencies-staging"}}}
    write(site, "one", ONE, **name)
    site.run("deploy", "production", "--from", "staging", code=0)
    assert list(aws.layers) == ["shop-dependencies-staging"]
    assert len(aws.layers["shop-dependencies-staging"]) == 1
    assert digests(aws, "production") == digests(aws, "staging")


def test_other_bytes_come(site: Site, aws: LightAws) -> None:
    """The digest that AWS reports is verified, and nothing is changed."""
    own = aws.stored

    def stored(digest: str) -> bytes:
        return own(digest) + b"x"

    aws.stored = stored  # type: ignore[method-assign]
    done = site.run("deploy", "production", "--from", "staging", code=1)
    assert "its digest is not the one that AWS reports" in done.error
    assert "shop-api-production" not in aws.functions
    assert list(aws.layers) == ["shop-dependencies-staging"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("staging", "--from", "staging"), "stage `staging` cannot be deployed from itself"),
        (("staging", "--from", "production"), "there is no function `shop-api-production`"),
        (("production", "--from", "stagin"), "did you mean `staging`?"),
    ],
)
def test_what_cannot_be_brought(site: Site, arguments: tuple[str, ...], message: str) -> None:
    done = site.run("deploy", *arguments, code=1)
    assert message in done.error


def test_layers_of_others_stay_behind(site: Site, aws: LightAws, tmp_path: Path) -> None:
    aws.layers["foreign"] = [b"PK"]
    aws.update_configuration(
        "shop-api-staging",
        {"Layers": [aws.layer_version("foreign", 1)["LayerVersionArn"], *(
            layer["Arn"] for layer in aws.functions["shop-api-staging"].latest["Layers"]
        )]},
    )  # fmt: skip
    write(site, "two", ONE)
    site.deploy()
    done = site.run("deploy", "production", "--from", "staging", "--verbose", code=0)
    assert (
        "layer:foreign:1` of `shop-api-staging` does not belong to the project, and is not deployed"
        in done.err
    )
    assert len(aws.functions["shop-api-production"].latest["Layers"]) == 1
