"""Which calls are made, how many, and when."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import tomli_w

from support.deployments import ALIAS, BUCKET, FUNCTION, LAYER, TWO, Site
from support.projects import write_files

if TYPE_CHECKING:
    from support.aws_faults import Call

NUMBER_OF_FUNCTIONS = 10


def ten_functions(site: Site) -> list[str]:
    """Settings with as many functions that take one layer; their names."""
    names = [f"f{number}" for number in range(NUMBER_OF_FUNCTIONS)]
    role = site.account.role()
    settings = {
        "runtime": "python3.13",
        "functions": {
            name: {"handler": "shop.api.handler", "layers": ["dependencies"]} for name in names
        },
        "layers": {"dependencies": {"include": ["*"]}},
        "stages": {
            "staging": {
                "region": "eu-west-1",
                "function-name": "{name}",
                "alias": ALIAS,
                "functions": {name: {"role": role} for name in names},
            }
        },
    }
    write_files(site.root, {"wherry.toml": tomli_w.dumps(settings)})
    return names


@pytest.mark.parametrize("alias", [True, False], ids=["alias", "no-alias"])
def test_an_unchanged_function_with_a_layer_takes_four_calls(site: Site, alias: bool) -> None:
    """N1, A6, D3: what is there is known by its hash; nothing is called that changes anything."""
    if not alias:
        site.change(f'alias = "{ALIAS}"\n')
    site.deploy()
    site.proxy.forget()
    done = site.deploy("--json")
    assert len(site.proxy.calls) <= 4, site.proxy.operations
    assert site.proxy.mutations == []
    assert done.out
    site.proxy.forget()
    site.plan()
    assert len(site.proxy.calls) <= 4, site.proxy.operations


def test_an_unchanged_deployment_with_a_bucket(site: Site) -> None:
    """No call more: what an interrupted deployment may have left in the bucket is looked for when there is something to do."""
    site.account.bucket(BUCKET)
    site.write(stage={"bucket": f"s3://{BUCKET}/wherry"}, role=site.account.role())
    site.deploy()
    site.proxy.forget()
    site.deploy()
    assert len(site.proxy.calls) <= 4, site.proxy.operations
    assert site.proxy.mutations == []


def test_planning_changes_nothing(site: Site) -> None:
    """Whatever there is to do: `wherry plan` and `--dry-run` do none of it."""
    for change in ("create", "code", "layer"):
        if change == "code":
            site.write(says="two", role=site.account.role())
        elif change == "layer":
            site.write(says="two", alpha=TWO, role=site.account.role())
        site.proxy.forget()
        site.plan(code=3)
        site.run("plan", "staging", "--json", code=0)
        site.deploy("--dry-run")
        assert site.proxy.mutations == []
        site.deploy()


def test_a_shared_layer_is_looked_up_once(site: Site) -> None:
    names = ten_functions(site)
    site.deploy()
    assert site.proxy.operations.count("PublishLayerVersion") == 1
    site.proxy.forget()
    site.deploy()
    operations = site.proxy.operations
    assert operations.count("ListLayerVersions") == 1
    assert operations.count("GetLayerVersion") <= 1
    assert len(operations) <= 2 + 2 * len(names)
    assert site.proxy.mutations == []


def overlapping(calls: list[Call]) -> int:
    """How many calls were under way at once, at most."""
    edges = sorted([(call.started, 1) for call in calls] + [(call.ended, -1) for call in calls])
    most = now = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most


def function_of(call: Call) -> str:
    match = re.search(r"/functions/([^/?]+)", call.path)
    return match[1] if match else str(call.body.get("FunctionName", ""))


def test_deployments_of_functions_overlap(site: Site) -> None:
    """Seen where the calls arrive, with answers that take their time."""
    names = ten_functions(site)
    site.deploy()
    site.write(says="two")
    ten_functions(site)
    site.proxy.forget()
    site.proxy.delay = lambda call: 0.2 if function_of(call) in names else 0.0
    site.deploy()
    for operation in ("ListVersionsByFunction", "UpdateFunctionCode", "PublishVersion"):
        calls = [call for call in site.proxy.calls if call.operation == operation]
        assert len(calls) == len(names)
        assert overlapping(calls) >= 4, operation
    # Each function's own steps follow one another.
    for name in names:
        own = [call for call in site.proxy.calls if function_of(call) == name and call.mutates]
        assert overlapping(own) == 1
        assert [call.operation for call in own] == [
            "UpdateFunctionCode", "PublishVersion", "UpdateAlias",
        ]  # fmt: skip


def test_code_alone_and_layers_alone(site: Site) -> None:
    """D4: a changed file updates code; a changed dependency publishes a layer and updates configuration."""
    site.change(f'alias = "{ALIAS}"\n')
    site.deploy()
    site.write(says="two", role=site.account.role())
    site.change(f'alias = "{ALIAS}"\n')
    site.proxy.forget()
    site.deploy()
    assert site.proxy.mutations == ["UpdateFunctionCode"]
    site.write(says="two", alpha=TWO, role=site.account.role())
    site.change(f'alias = "{ALIAS}"\n')
    site.proxy.forget()
    site.deploy()
    assert site.proxy.mutations == ["PublishLayerVersion", "UpdateFunctionConfiguration"]


def test_another_runtime_publishes_the_layer_again(site: Site) -> None:
    """A7: the same content for other runtimes is another version."""
    site.deploy()
    before = site.account.layer_versions(LAYER)
    for text in ('runtimes = ["python3.12", "python3.13"]', 'architectures = ["x86_64", "arm64"]'):
        site.change("[layers.dependencies]\n", f"[layers.dependencies]\n{text}\n")
        site.plan(code=3)
        site.deploy()
        site.plan()
    after = site.account.layer_versions(LAYER)
    assert len(after) == len(before) + 2
    assert set(after.values()) == set(before.values())
    (arn,) = site.account.layers_of(FUNCTION)
    assert arn.endswith(":3")
