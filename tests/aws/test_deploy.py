"""`wherry plan` and `wherry deploy`: what they say, and where; and from Python."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import wherry as api
from support.aws_account import code_sha256
from support.deployments import ALIAS, BUCKET, FUNCTION, LAYER, TWO, Site
from support.wheels import make_wheel
from support.zips import zip_bytes

if TYPE_CHECKING:
    from support.aws_faults import Call
    from support.index import Index

ARN = "arn:aws:lambda:eu-west-1:123456789012:"


def plainly(text: str) -> str:
    """Without what differs from run to run."""
    text = re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", text)
    text = re.sub(r"(?m)^(Fetched|what would change in) .*\n", "", text)
    return re.sub(r"in \d+(\.\d+)?m?s", "in TIME", text)


# What is said.


def test_the_first_deployment(site: Site) -> None:
    """D1, D2: digests, uploads, sizes and ARNs on stderr; ARNs alone on stdout."""
    done = site.deploy()
    assert plainly(done.err) == (
        "Layer `shop-dependencies`: sha256 DIGEST, to be changed\n"
        "Function `shop-api`: sha256 DIGEST, to be created\n"
        "Uploading `shop-dependencies` (908 B) ...\n"
        f"Published layer `shop-dependencies` version 1: {ARN}layer:shop-dependencies:1\n"
        "Uploading `shop-api` (372 B) ...\n"
        f"Created function `shop-api`: 372 B, {ARN}function:shop-api\n"
        "Published version 1 of function `shop-api`\n"
        "Alias `live` of function `shop-api`: version 1\n"
        "Deployed staging: 4 changes in TIME\n"
    )
    assert done.out == f"{ARN}layer:shop-dependencies:1\n{ARN}function:shop-api:live\n"


def test_a_deployment_that_has_nothing_to_do(site: Site) -> None:
    """D3, A6, N1: exit 0, and the same on stdout."""
    first = site.deploy()
    done = site.deploy()
    assert done.out == first.out
    assert plainly(done.err) == (
        f"Layer `shop-dependencies`: sha256 DIGEST, as it should be, {ARN}layer:shop-dependencies:1\n"
        f"Function `shop-api`: sha256 DIGEST, as it should be, {ARN}function:shop-api\n"
        "Stage staging is as it should be; checked in TIME\n"
    )


def test_the_digests_are_those_of_the_files(site: Site) -> None:
    done = site.deploy()
    for name, path in ((LAYER, "dependencies"), (FUNCTION, "api")):
        data = (site.root / f"dist/lambda/{path}.zip").read_bytes()
        assert f"`{name}`: sha256 {hashlib.sha256(data).hexdigest()}, " in done.err


def test_quietly(site: Site) -> None:
    done = site.deploy("--quiet")
    assert done.err == ""
    assert len(done.out.splitlines()) == 2


def test_verbosely(site: Site) -> None:
    """All that AWS was asked."""
    site.deploy()
    done = site.deploy("--verbose")
    (line,) = [line for line in done.err.splitlines() if line.startswith("called AWS")]
    called = line.partition(": ")[2].split(", ")
    assert line.startswith("called AWS 4 times: ")
    assert sorted(called) == [
        "lambda:GetLayerVersion",
        "lambda:ListAliases",
        "lambda:ListLayerVersions",
        "lambda:ListVersionsByFunction",
    ]
    planned = site.plan("--verbose")
    assert "asked AWS 4 times: " in planned.err


def test_the_document_of_a_deployment(site: Site) -> None:
    first = site.deploy("--json")
    layer: dict[str, Any] = {
        "name": "dependencies",
        "aws_name": LAYER,
        "arn": f"{ARN}layer:shop-dependencies:1",
        "published": True,
    }
    function: dict[str, Any] = {
        "name": "api",
        "aws_name": FUNCTION,
        "arn": f"{ARN}function:shop-api",
        "version": 1,
        "alias": ALIAS,
        "changed": True,
    }
    document: dict[str, Any] = {
        "schema": 1,
        "stage": "staging",
        "changes": 4,
        "layers": [layer],
        "functions": [function],
    }
    assert first.document == document
    layer["published"] = function["changed"] = False
    document["changes"] = 0
    assert site.deploy("--json").document == document


def test_plans(site: Site) -> None:
    assert plainly(site.plan(code=3).out) == (
        "layer dependencies (shop-dependencies)\n"
        "  publish a version, 908 B: there is no version\n"
        "      all of it is new: one distribution, +399 B\n"
        "function api (shop-api)\n"
        "  create it, 372 B: python3.13 on x86_64\n"
        "      + the new version of shop-dependencies\n"
        "      all of it is new: two files, +144 B\n"
        "  publish a version\n"
        "  create alias live at the new version\n"
        "Stage staging: 4 changes\n"
    )
    site.deploy()
    assert site.plan().out == (
        "layer dependencies (shop-dependencies): as it should be\n"
        "function api (shop-api): as it should be\n"
        "Stage staging is as it should be\n"
    )
    site.write(says="two", alpha=TWO, role=site.account.role())
    assert plainly(site.plan(code=3).out) == (
        "layer dependencies (shop-dependencies)\n"
        "  publish a version, 906 B: content\n"
        "function api (shop-api)\n"
        "  update the configuration: layers\n"
        f"      - {ARN}layer:shop-dependencies:1\n"
        "      + the new version of shop-dependencies\n"
        "  update the code, 372 B: code\n"
        "  publish a version\n"
        "  move alias live: version 1 → the new version\n"
        "Stage staging: 5 changes\n"
    )


def test_the_document_of_a_plan(site: Site) -> None:
    site.deploy()
    site.write(says="two", alpha=TWO, role=site.account.role())
    digests = site.build()
    document = site.plan("--json", code=3).document
    assert document == {
        "schema": 1,
        "stage": "staging",
        "changes": 5,
        "layers": [
            {
                "name": "dependencies",
                "aws_name": LAYER,
                "arn": None,
                "actions": [
                    {
                        "action": "publish-layer",
                        "why": ["content"],
                        "size": 906,
                        "code_sha256": digests["dependencies"],
                    }
                ],
                "difference": None,
            }
        ],
        "functions": [
            {
                "name": "api",
                "aws_name": FUNCTION,
                "arn": f"{ARN}function:shop-api",
                "layers": [{"new_version_of": LAYER}],
                "actions": [
                    {
                        "action": "update-configuration",
                        "why": ["layers"],
                        "layers": [{"new_version_of": LAYER}],
                        "handler": None,
                        "runtime": None,
                        "values": [],
                        "variables": [],
                    },
                    {
                        "action": "update-code",
                        "why": ["code"],
                        "size": 372,
                        "code_sha256": digests["api"],
                        "architecture": None,
                    },
                    {
                        "action": "publish-version",
                        "why": [],
                        "description": "shop 1.0 [wherry layers: 60406e6b]",
                    },
                    {
                        "action": "move-alias",
                        "why": [],
                        "alias": ALIAS,
                        "version": None,
                        "was": 1,
                        "canary": None,
                    },
                ],
                "difference": None,
            }
        ],
        "warnings": [],
    }


PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "json.md"


def rows_of(heading: str) -> list[list[str]]:
    text = PAGE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [re.findall(r"`([^`]+)`", line.split("|")[1]) for line in lines]


def test_the_documents_are_documented(site: Site) -> None:
    """Every field of every action, and no other."""
    every = ["code", "layers", "handler", "runtime", "architecture"]
    share = {"dependencies": {"name": LAYER, "share": ["111111111111"]}}
    site.write(stage={"manage": every, "layers": share}, role=site.account.role())
    plans = [site.plan("--json", code=3).document]
    deployed = site.deploy("--json").document
    tagged: dict[str, Any] = {"manage": [*every, "tags"], "tags": {"team": "shop"}}
    site.write(says="two", alpha=TWO, role=site.account.role(), **tagged)
    plans.append(site.plan("--json", code=3).document)
    fields = [name.removeprefix("….") for row in rows_of("`wherry plan --json`") for name in row]
    parts = [part for one in plans for kind in ("layers", "functions") for part in one[kind]]
    for plan in plans:
        assert set(plan) <= set(fields)
    assert {key for part in parts for key in part} <= set(fields)
    inside = {
        f"difference.{key}" for part in parts if part["difference"] for key in part["difference"]
    }
    assert inside == {name for name in fields if name.startswith("difference.")}
    text = PAGE.read_text()
    actions = {one["action"]: one for part in parts for one in part["actions"]}
    assert set(actions) == set(re.findall(r"(?m)^\| `([a-z]+-[a-z]+)` \|", text))
    for name, action in actions.items():
        (row,) = re.findall(rf"(?m)^\| `{name}` \| (.*) \|$", text)
        told = re.findall(r"`([a-z][a-z0-9_]*)`", row)
        assert set(action) - {"action", "why"} == set(told) - {"version"} | (
            {"version"} & set(action)
        )
    named = {name for row in rows_of("`wherry deploy --json`") for name in row}
    assert named == {
        *deployed,
        *(f"layers[].{key}" for key in deployed["layers"][0]),
        *(f"functions[].{key}" for key in deployed["functions"][0]),
    }


def test_exit_codes_of_plans(site: Site) -> None:
    """3 for differences where it was asked for, else 0."""
    assert site.run("plan", "staging").code == 0
    assert site.run("plan", "staging", "--exit-code").code == 3
    assert site.run("plan", "staging", "--exit-code", "--json").code == 3
    site.deploy()
    assert site.run("plan", "staging", "--exit-code").code == 0


def test_a_dry_run_is_a_plan(site: Site) -> None:
    """And changes nothing."""
    for more in ([], ["--json"], ["--canary", "10%"]):
        assert site.deploy("--dry-run", *more).out == site.plan(*more, code=3).out
    assert site.proxy.mutations == []


def test_the_digest_for_terraform(site: Site) -> None:
    """S10: what a build tells is what a plan tells, and what AWS then reports."""
    built = json.loads(site.run("build", "--json", "--quiet").out)
    told = {package["name"]: package["code_sha256"] for package in built["packages"]}
    planned = site.plan("--json", code=3).document
    (create,) = [
        action
        for action in planned["functions"][0]["actions"]
        if action["action"] == "create-function"
    ]
    data = (site.root / "dist/lambda/api.zip").read_bytes()
    assert create["code_sha256"] == told["api"]
    assert told["api"] == code_sha256(data)
    site.deploy()
    assert site.account.configuration(FUNCTION)["CodeSha256"] == told["api"]
    assert site.account.layer_versions(LAYER) == {1: told["dependencies"]}


@pytest.mark.parametrize("alias", [True, False], ids=["alias", "no-alias"])
def test_a_bucket_costs_nothing_when_nothing_is_to_be_done(site: Site, alias: bool) -> None:
    """N1: at most four calls. Whether something was left there is known by the plan, or asked for."""
    site.account.bucket(BUCKET)
    site.write(stage={"bucket": f"s3://{BUCKET}"}, role=site.account.role())
    if not alias:
        site.change(f'alias = "{ALIAS}"\n', "")
    site.deploy()
    site.proxy.forget()
    site.deploy()
    assert len(site.proxy.operations) == 4
    assert ("ListObjectVersions" in site.proxy.operations) is not alias
    assert site.proxy.mutations == []


def test_an_interrupted_deployment_begins_nothing_more(site: Site) -> None:
    """Ctrl-C: functions under way are brought to their end, others are left; exit 130; running it again goes on."""
    names = [f"f{number}" for number in range(12)]
    role = site.account.role()
    site.write(
        stage={"function-name": "{name}", "functions": {name: {"role": role} for name in names}}
    )
    path = site.root / "wherry.toml"
    tables = "".join(f'[functions.{name}]\nhandler = "shop.api.handler"\n' for name in names)
    head, _, tail = path.read_text().partition("[functions.api]")
    path.write_text(
        f"{head}{tables}[layers.dependencies]{tail.partition('[layers.dependencies]')[2]}"
    )
    site.build()
    site.proxy.forget()
    process = subprocess.Popen(
        [sys.executable, "-m", "wherry", "deploy", "staging", "--no-build", *names],
        cwd=site.root, env=site.environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    site.proxy.delay = lambda call: 1.0 if call.operation == "CreateFunction" else 0.0
    once = threading.Lock()

    def interrupt(call: Call) -> None:
        if call.operation == "CreateFunction" and once.acquire(blocking=False):
            process.send_signal(signal.SIGINT)

    site.proxy.before = interrupt
    _, said = process.communicate(timeout=120)
    # What is under way may come to its end after the word.
    assert process.returncode == 130
    assert "interrupted" in said.splitlines()
    assert "Traceback" not in said
    made = site.proxy.operations.count("CreateFunction")
    assert 0 < made < len(names)
    site.proxy.forget()
    site.deploy("--no-build", *names)
    assert site.proxy.operations.count("CreateFunction") == len(names) - made


# Part of it.


def test_without_building(site: Site) -> None:
    digests = site.build()
    site.write(says="two", role=site.account.role())
    site.deploy("--no-build")
    assert site.account.configuration(FUNCTION)["CodeSha256"] == digests["api"]
    site.plan("--no-build")
    site.plan(code=3)


def test_without_building_and_nothing_built(site: Site) -> None:
    done = site.deploy("--no-build", code=1)
    assert done.error == (
        "error: `api` was not built\n"
        "  ╰─▶ there is no `dist/lambda/api.zip`\n"
        "hint: leave `--no-build` out, or run `wherry build`\n"
    )
    assert site.proxy.calls == []


def test_a_layer_alone(site: Site) -> None:
    done = site.deploy("dependencies")
    assert done.out == f"{ARN}layer:shop-dependencies:1\n"
    assert site.proxy.mutations == ["PublishLayerVersion"]


def test_a_function_brings_its_layers(site: Site) -> None:
    site.deploy("api")
    assert site.proxy.mutations[:2] == ["PublishLayerVersion", "CreateFunction"]


def test_a_plain_project(site: Site) -> None:
    """One function, called as the project; nothing but a stage is said."""
    (site.root / "wherry.toml").write_text(
        f'runtime = "python3.13"\n[stages.staging]\nfunctions.shop = {{role = "{site.account.role()}"}}\n'
    )
    done = site.deploy(code=1)
    assert "function `shop-staging` cannot be created without a handler" in done.error
    done = site.deploy("--handler", "shop.api.handler")
    assert done.out == f"{ARN}function:shop-staging\n"
    assert site.account.configuration("shop-staging")["Handler"] == "shop.api.handler"


# D9: what goes.


@pytest.mark.parametrize("how", ["empty", "not taken"])
def test_a_layer_of_ours_that_is_no_more_wanted_is_detached(site: Site, how: str) -> None:
    """D8, D9: and other people's stay, in their places."""
    data = zip_bytes({"python/other.py": ""})
    site.deploy()
    one, two = site.account.layer("one", data), site.account.layer("two", data)
    (own,) = site.account.layers_of(FUNCTION)
    site.account.functions.update_function_configuration(
        FunctionName=FUNCTION, Layers=[one, own, two]
    )
    if how == "empty":
        site.change('    "*",\n', "")
    else:
        site.change("layers = [", "layers = []\nexclude-files = [")
    site.deploy()
    assert site.account.layers_of(FUNCTION) == [one, two]
    assert site.account.layers_of(FUNCTION, ALIAS) == [one, two]
    site.plan()


# D10: what is wrong, before anything is changed.


def refused(site: Site, *arguments: str) -> str:
    errors = []
    for command in (["plan", "staging"], ["deploy", "staging", "--dry-run"], ["deploy", "staging"]):
        done = site.run(*command, *arguments, code=1)
        assert done.out == ""
        assert done.err.count("error: ") == 1
        errors.append(done.error)
    assert site.proxy.mutations == []
    assert len(set(errors)) == 1
    return errors[0]


def test_a_missing_function_without_a_role(site: Site) -> None:
    site.change(f'role = "{site.account.role()}"\n', "")
    assert refused(site) == (
        "error: stage `staging` cannot be deployed\n"
        "  ╰─▶ there is no function `shop-api`\n"
        "hint: check that the stage's region, profile and names match AWS; to have a missing "
        'function created, give it a role: functions.api = {role = "arn:…"}\n'
    )


def test_an_image(site: Site) -> None:
    site.account.functions.create_function(
        FunctionName=FUNCTION,
        Role=site.account.role(),
        PackageType="Image",
        Code={"ImageUri": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:1"},
    )
    site.proxy.forget()
    assert refused(site) == (
        "error: stage `staging` cannot be deployed\n"
        "  ╰─▶ function `shop-api` runs a container image\n"
        "hint: a function cannot change from an image to a zip: create another one, and name it in the stage\n"
    )


def test_the_other_architecture(site: Site) -> None:
    site.deploy()
    site.proxy.forget()
    site.change('runtime = "python3.13"', 'runtime = "python3.13"\narchitecture = "arm64"')
    assert refused(site).splitlines()[1] == (
        "  ╰─▶ function `shop-api` is x86_64, and the package was built for arm64"
    )
    site.change("[stages.staging]\n", '[stages.staging]\nmanage = ["code", "architecture"]\n')
    assert "  update the code, 372 B: x86_64 → arm64\n" in site.plan(code=3).out


def test_another_runtime_and_handler_are_told(site: Site) -> None:
    """They are the owner's, unless the stage says that Wherry looks after them."""
    site.deploy()
    site.account.functions.update_function_configuration(
        FunctionName=FUNCTION, Runtime="python3.12", Handler="theirs.main"
    )
    refused = site.plan(code=1)
    assert (
        "function `shop-api` runs python3.12, and the package was built for python3.13"
        in refused.err
    )
    site.account.functions.update_function_configuration(
        FunctionName=FUNCTION, Runtime="python3.13"
    )
    assert site.deploy().err.count("warning: ") == 1
    assert site.account.configuration(FUNCTION, ALIAS)["Handler"] == "theirs.main"
    site.account.functions.update_function_configuration(
        FunctionName=FUNCTION, Runtime="python3.12"
    )
    site.change("[stages.staging]\n", '[stages.staging]\nmanage = ["runtime", "handler"]\n')
    planned = site.plan(code=3)
    assert (
        "  update the configuration: handler theirs.main → shop.api.handler, "
        "runtime python3.12 → python3.13\n"
    ) in planned.out
    assert "warning: " not in planned.err
    site.deploy()
    found = site.account.configuration(FUNCTION, ALIAS)
    assert (found["Runtime"], found["Handler"]) == ("python3.13", "shop.api.handler")
    site.plan()


def test_a_package_that_wants_a_bucket(site: Site) -> None:
    """Quotas of the account, before anything is uploaded."""
    site.change("[stages.staging]\n", "[quotas]\ndirect-upload = 400\n\n[stages.staging]\n")
    assert refused(site) == (
        "error: stage `staging` cannot be deployed\n"
        "  ╰─▶ layer `dependencies` is 908 B zipped, and a direct upload takes 400 B\n"
        'hint: give the stage a bucket, so that packages go through S3: bucket = "s3://…"\n'
    )
    site.account.bucket(BUCKET)
    site.change("[stages.staging]\n", f'[stages.staging]\nbucket = "s3://{BUCKET}"\n')
    site.deploy()


def test_a_package_over_the_quota_unzipped(site: Site, index: Index) -> None:
    """A12: it fails before uploading, built or not."""
    site.build()
    site.change("[stages.staging]\n", "[quotas]\nunzipped = 300\n\n[stages.staging]\n")
    for more in ([], ["--no-build"]):
        assert "unzipped, and AWS Lambda takes 300 B" in refused(site, *more)
    assert site.proxy.calls == []


def test_too_many_layers(site: Site) -> None:
    data = zip_bytes({"python/other.py": ""})
    arns = [site.account.layer(f"x{number}", data) for number in range(5)]
    site.account.function(FUNCTION, data, Layers=arns)
    site.proxy.forget()
    assert "would have 6 layers, and AWS Lambda allows 5" in refused(site)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["stagin"],
            (
                "error: there is no stage `stagin`\n"
                "  ╰─▶ the settings have `staging`\n"
                "hint: did you mean `staging`?\n"
            ),
        ),
        (
            ["staging", "apii"],
            (
                "error: there is no function or layer `apii`\n"
                "  ╰─▶ there are `api`, `dependencies`\n"
                "hint: did you mean `api`?\n"
            ),
        ),
    ],
)
@pytest.mark.parametrize("more", [[], ["--no-build"], ["--promote"]])
def test_names_that_there_are_not(
    site: Site, arguments: list[str], error: str, more: list[str]
) -> None:
    assert site.run("deploy", *arguments, *more, code=1).error == error
    if more != ["--promote"]:
        assert site.run("plan", *arguments, *more, code=1).error == error
    assert site.proxy.calls == []


def test_no_stage_is_said(site: Site) -> None:
    for command in ("plan", "deploy"):
        assert site.run(command, code=2).error.startswith("error: missing argument 'STAGE'\n")


def test_a_role_that_lambda_cannot_take(site: Site) -> None:
    site.change(site.account.role(), "arn:aws:iam::123456789012:role/nobody")
    done = site.deploy(code=1)
    assert "cannot create function `shop-api`" in done.error
    assert "  ╰─▶ CreateFunction: InvalidParameterValueException: The role defined" in done.error
    assert "hint: the function's `role` must exist and let lambda.amazonaws.com" in done.error
    assert list(site.account.layer_versions(LAYER)) == [1]


# From Python.


def test_from_python(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A11: the same calls as from the command line."""
    monkeypatch.setenv("WHERRY_CACHE_DIR", str(site.wherry.store))
    with site.account.here(url=site.proxy.url):
        planned = api.plan(site.root, "staging")
        assert planned.plan
        assert site.proxy.mutations == []
        deployed = api.deploy(site.root, "staging")
        assert deployed.applied.functions[0].arn == f"{ARN}function:{FUNCTION}"
        assert deployed.document() == {**site.deploy("--json").document, "changes": 4, **{
            key: deployed.document()[key] for key in ("layers", "functions")
        }}  # fmt: skip
        planned = api.plan(site.root, "staging")
        assert not planned.plan
        assert len(planned.calls) == 4


def test_aws_is_not_asked_for_what_is_wrong_here(site: Site, index: Index) -> None:
    """A build that fails is a deployment that did not begin."""
    broken = make_wheel("alpha", "9.0", tag="py3-none-macosx_11_0_arm64")
    site.write(alpha=broken, role=site.account.role())
    site.deploy(code=1)
    assert site.proxy.calls == []
