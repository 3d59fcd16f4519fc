"""A11: upload and publish, one by one, from the command line and from Python."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import wherry as public
from support.aws_faults import (
    ACCESS_DENIED,
    CUT_AFTER,
    CUT_BEFORE,
    EXPIRED,
    INTERNAL,
    THROTTLED,
    Fault,
)
from support.deployments import ALIAS, BUCKET, FUNCTION, LAYER, TWO, Site, plain
from support.projects import write_files
from wherry.errors import AwsError, DeployError

if TYPE_CHECKING:
    from pathlib import Path

    from support.aws_account import Account
    from support.aws_faults import Proxy

LAYER_ARN = f"arn:aws:lambda:eu-west-1:123456789012:layer:{LAYER}"
IN_BUCKET = {"bucket": f"s3://{BUCKET}/wherry"}
FUNCTION_ARN = f"arn:aws:lambda:eu-west-1:123456789012:function:{FUNCTION}"


@pytest.fixture
def site(new_site: Site, account: Account) -> Site:
    account.bucket(BUCKET, versioned=True)
    new_site.write(stage=IN_BUCKET, role=account.role())
    return new_site


pytestmark = pytest.mark.usefixtures("in_haste")


def packages(site: Site) -> dict[str, Path]:
    return {path.stem: path for path in (site.root / "dist" / "lambda").glob("*.zip")}


def url(site: Site, name: str, aws_name: str) -> str:
    digest = hashlib.sha256(packages(site)[name].read_bytes()).hexdigest()
    return f"s3://{BUCKET}/wherry/uploads/{aws_name}/{digest}.zip"


def test_the_steps_one_by_one(site: Site) -> None:
    """A11, A9: build, upload, publish; what is left of a deployment is to attach the layer."""
    site.run("build", "--quiet", code=0)
    done = site.run("upload", "staging", code=0)
    assert done.out.splitlines() == [
        url(site, "dependencies", LAYER),
        url(site, "api", FUNCTION),
    ]
    assert {call.service for call in site.proxy.calls} == {"s3"}
    site.proxy.forget()
    done = site.run("publish", "staging", "dependencies", code=0)
    assert done.out == f"{LAYER_ARN}:1\n"
    # It was taken from the bucket, and out of it.
    assert not [
        call
        for call in site.proxy.calls
        if call.operation == "PutObject" and "uploads" in call.path
    ]
    assert site.account.objects(BUCKET) == [
        f"wherry/{LAYER}/000001/pylock.toml",
        f"wherry/{LAYER}/last-pylock.toml",
        url(site, "api", FUNCTION).removeprefix(f"s3://{BUCKET}/"),
    ]
    site.proxy.forget()
    site.deploy("--no-build")
    assert "PublishLayerVersion" not in site.proxy.operations
    assert site.account.layers_of(FUNCTION) == [f"{LAYER_ARN}:1"]
    assert not [key for key in site.account.objects(BUCKET) if "uploads" in key]
    site.plan("--no-build")


def test_what_uploading_says(site: Site) -> None:
    site.run("build", "--quiet", code=0)
    assert plain(site.run("upload", "staging", "dependencies", code=0).err) == (
        f"Uploaded `{LAYER}` to s3://{BUCKET}/wherry/uploads/{LAYER}/DIGEST.zip\n"
        "Uploaded 1 package (SIZE) in TIME\n"
    )
    assert plain(site.run("upload", "staging", "dependencies", code=0).err) == (
        f"`{LAYER}` is there already: s3://{BUCKET}/wherry/uploads/{LAYER}/DIGEST.zip\n"
        "Everything is there; checked in TIME\n"
    )
    assert site.run("upload", "staging", "-q", code=0).err == ""


def test_what_publishing_says(site: Site) -> None:
    """A6: an unchanged layer, exit 0, the ARN that is there, and nothing is published."""
    site.run("build", "--quiet", code=0)
    first = site.run("publish", "staging", "dependencies", code=0)
    assert plain(first.err) == (
        f"Uploading `{LAYER}` (SIZE) ...\n"
        f"Published layer `{LAYER}` version 1: {LAYER_ARN}:1\n"
        "Published 1 version in TIME\n"
    )
    site.run("upload", "staging", "dependencies", code=0)
    site.proxy.forget()
    second = site.run("publish", "staging", "dependencies", code=0)
    assert second.out == first.out == f"{LAYER_ARN}:1\n"
    assert plain(second.err) == "Everything is published; checked in TIME\n"
    assert "PublishLayerVersion" not in site.proxy.operations
    # What was uploaded in vain is gone; the locks stay.
    assert not [key for key in site.account.objects(BUCKET) if "uploads" in key]
    assert f"wherry/{LAYER}/000001/pylock.toml" in site.account.objects(BUCKET)


def test_only_what_differs_is_published(site: Site) -> None:
    """A7: content and runtimes; the code of the function is none of the layer's business."""
    site.run("build", "--quiet", code=0)
    site.run("publish", "staging", "dependencies", code=0)
    site.write(says="two", role=site.account.role())
    site.run("build", "--quiet", code=0)
    assert site.run("publish", "staging", "dependencies", code=0).out == f"{LAYER_ARN}:1\n"
    site.write(alpha=TWO, role=site.account.role())
    site.run("build", "--quiet", code=0)
    assert site.run("publish", "staging", "dependencies", code=0).out == f"{LAYER_ARN}:2\n"
    done = site.run("publish", "staging", "dependencies", "--runtime", "python3.12", code=0)
    assert done.out == f"{LAYER_ARN}:3\n"
    assert len(site.account.layer_versions(LAYER)) == 3


def test_versions_of_functions(site: Site) -> None:
    """What the function runs is published, once; its code and its alias stay."""
    site.deploy("--quiet")
    before = site.account.configuration(FUNCTION)["CodeSha256"]
    done = site.run("publish", "staging", code=0)
    assert done.out == f"{LAYER_ARN}:1\n{FUNCTION_ARN}:1\n"
    assert plain(done.err) == "Everything is published; checked in TIME\n"
    # Somebody gives it more memory, and nothing is built.
    site.account.functions.update_function_configuration(FunctionName=FUNCTION, MemorySize=512)
    done = site.run("publish", "staging", "api", "--json", code=0)
    assert done.document == {
        "schema": 1,
        "stage": "staging",
        "versions": [
            {
                "name": "dependencies",
                "kind": "layer",
                "aws_name": LAYER,
                "version": 1,
                "arn": f"{LAYER_ARN}:1",
                "published": False,
            },
            {
                "name": "api",
                "kind": "function",
                "aws_name": FUNCTION,
                "version": 2,
                "arn": f"{FUNCTION_ARN}:2",
                "published": True,
            },
        ],
    }
    assert site.account.alias(FUNCTION, ALIAS)[0] == "1"
    site.write(says="two", role=site.account.role())
    site.run("build", "--quiet", code=0)
    done = site.run("publish", "staging", "api", code=0)
    assert done.err.startswith(
        f"warning: function `{FUNCTION}` runs other code than was built: what it runs is published\n"
        "hint: `wherry deploy staging --no-build` deploys what was built\n"
    )
    assert site.account.configuration(FUNCTION)["CodeSha256"] == before
    # The deployment then finds the version and moves the alias alone, where it is the same.
    site.write(role=site.account.role())
    site.proxy.forget()
    site.deploy()
    assert site.proxy.mutations == ["UpdateAlias"]
    assert site.account.alias(FUNCTION, ALIAS)[0] == "2"


def test_a_function_without_an_alias_is_published_when_it_is_named(site: Site) -> None:
    site.write(role=site.account.role())
    site.change('alias = "live"\n')
    site.deploy("--quiet")
    assert site.account.versions(FUNCTION) == {}
    assert site.run("publish", "staging", code=0).out == f"{LAYER_ARN}:1\n"
    assert FUNCTION_ARN in site.run("publish", "staging", "api", code=0).out
    assert list(site.account.versions(FUNCTION)) == [1]


def test_from_python(site: Site) -> None:
    """A11: all of it, and all together."""
    with site.account.here():
        public.build(site.root, store=None, offline=False)
        uploaded = public.upload(site.root, "staging", names=["dependencies"])
        (package,) = uploaded.packages
        assert (package.name, package.kind, package.sent) == ("dependencies", "layer", True)
        assert package.url == url(site, "dependencies", LAYER)
        head = site.account.storage.head_object(Bucket=package.bucket, Key=package.key)
        assert head["Metadata"]["code-sha256"] == package.code_sha256
        assert head["ContentLength"] == package.size
        assert head["VersionId"] == package.version_id
        (version,) = public.publish(site.root, "staging", names=["dependencies"]).versions
        assert (version.arn, version.published) == (f"{LAYER_ARN}:1", True)
        assert public.plan(site.root, "staging", build=False).plan
        deployed = public.deploy(site.root, "staging", build=False)
        assert deployed.applied.layers[0].arn == version.arn
        assert not public.plan(site.root, "staging").plan


def test_the_document_of_uploading(site: Site) -> None:
    site.run("build", "--quiet", code=0)
    document = site.run("upload", "staging", "dependencies", "--json", "-q", code=0).document
    (package,) = document["packages"]
    assert {key: package[key] for key in ("name", "kind", "aws_name", "bucket", "sent")} == {
        "name": "dependencies",
        "kind": "layer",
        "aws_name": LAYER,
        "bucket": BUCKET,
        "sent": True,
    }
    assert (document["schema"], document["stage"]) == (1, "staging")


DROVER = f"""\
stages:
  staging:
    region_name: eu-west-1
    function_name: {FUNCTION}
    compatible_runtime: python3.13
    requirements_layer_name: {LAYER}
    function_file_patterns: ['^shop/']
    upload_bucket: {{region_name: eu-west-1, bucket_name: {BUCKET}, prefix: drover}}
"""


def test_the_steps_with_the_settings_of_drover(site: Site) -> None:
    """A11 for a project of D1."""
    write_files(
        site.root,
        {
            "drover.yml": DROVER,
            "install/shop/api.py": "def handler(event, context): ...\n",
            "install/alpha/__init__.py": "",
        },
    )
    given = ("--config", "drover.yml", "--install-path", "install")
    site.run("build", "--quiet", "--stage", "staging", *given, code=0)
    keys = site.run("upload", *given, "staging", code=0).out.splitlines()
    assert all(key.startswith(f"s3://{BUCKET}/drover/uploads/") for key in keys)
    assert len(keys) == 2
    # Nothing was published by drover, and nothing is asked for here.
    assert site.run("publish", *given, "staging", code=0).out == f"{LAYER_ARN}:1\n"
    assert site.run("prune", "--config", "drover.yml", "staging", code=0).out == ""
    done = site.run("rollback", "--config", "drover.yml", "staging", "--yes", code=1)
    assert f"there is no function `{FUNCTION}` in eu-west-1" in done.err


# Interruptions.


@pytest.mark.parametrize("fault", [THROTTLED, INTERNAL, CUT_BEFORE, CUT_AFTER], ids=str)
@pytest.mark.parametrize("operation", ["PutObject", "PublishLayerVersion"])
def test_a_fault_that_passes(site: Site, fault: Fault, operation: str) -> None:
    """Nothing is published twice, and nothing is left."""
    site.run("build", "--quiet", code=0)
    site.proxy.inject(fault, operation=operation)
    assert site.run("publish", "staging", "dependencies", code=0).out == f"{LAYER_ARN}:1\n"
    assert list(site.account.layer_versions(LAYER)) == [1]
    assert site.account.objects(BUCKET) == [
        f"wherry/{LAYER}/000001/pylock.toml",
        f"wherry/{LAYER}/last-pylock.toml",
    ]


@pytest.mark.parametrize("nth", range(3), ids=["package", "lock", "last-lock"])
def test_what_was_interrupted_is_ended_by_the_next_run(site: Site, nth: int) -> None:
    """A9: also the lock of a version that was published before."""
    site.run("build", "--quiet", code=0)
    site.run("publish", "staging", "dependencies", code=0)
    calls = [call.operation for call in site.proxy.calls]
    at = [number for number, operation in enumerate(calls) if operation == "PutObject"][nth]
    site.account.functions.delete_layer_version(LayerName=LAYER, VersionNumber=1)
    for key in site.account.objects(BUCKET):
        for version in site.account.storage.list_object_versions(Bucket=BUCKET, Prefix=key)[
            "Versions"
        ]:
            site.account.storage.delete_object(
                Bucket=BUCKET, Key=key, VersionId=version["VersionId"]
            )
    site.proxy.forget()
    site.proxy.inject(EXPIRED, at=at, attempts=None)
    done = site.run("publish", "staging", "dependencies", code=1)
    assert "expired" in done.err
    site.proxy.forget()
    (arn,) = site.run("publish", "staging", "dependencies", code=0).out.splitlines()
    number = int(arn.rpartition(":")[2])
    assert list(site.account.layer_versions(LAYER)) == [number]
    assert set(site.account.objects(BUCKET)) == {
        f"wherry/{LAYER}/{number:06}/pylock.toml",
        f"wherry/{LAYER}/last-pylock.toml",
    }


# Bad input.


def test_nothing_was_built(site: Site) -> None:
    """D10."""
    for step in ("upload", "publish"):
        done = site.run(step, "staging", code=1)
        assert done.out == ""
        assert done.err.startswith(
            "error: `api` was not built\n  ╰─▶ there is no `dist/lambda/api.zip`\nhint: "
        )
        assert "wherry build" in done.err
    assert site.proxy.calls == []


def test_a_quota_is_exceeded(site: Site) -> None:
    """A12: it fails before uploading."""
    site.run("build", "--quiet", code=0)
    site.add("[quotas]\nunzipped = 100")
    for step in ("upload", "publish"):
        done = site.run(step, "staging", code=1)
        assert done.out == ""
        assert "unzipped, and AWS Lambda takes 100 B" in done.err
    assert site.proxy.calls == []


def test_there_is_no_bucket(new_site: Site) -> None:
    new_site.run("build", "--quiet", code=0)
    assert new_site.run("upload", "staging", code=1).err == (
        "error: stage `staging` has no bucket to upload to\n"
        'hint: give it one: [tool.wherry.stages.staging] bucket = "s3://…"\n'
    )
    # Publishing needs none.
    assert new_site.run("publish", "staging", "dependencies", code=0).out == f"{LAYER_ARN}:1\n"


@pytest.mark.parametrize("how", ["missing", "denied"])
def test_a_bucket_that_refuses(new_site: Site, account: Account, proxy: Proxy, how: str) -> None:
    """D10, D7: to upload there is all that was asked for; publishing goes around it."""
    new_site.write(stage=IN_BUCKET)
    new_site.run("build", "--quiet", code=0)
    if how == "denied":
        account.bucket(BUCKET)
        proxy.inject(ACCESS_DENIED, operation="PutObject", attempts=None)
    done = new_site.run("upload", "staging", "dependencies", code=1)
    assert done.out == ""
    assert done.error.startswith("error: cannot ")
    assert BUCKET in done.error
    assert "\nhint: " in done.error
    proxy.forget()
    if how == "denied":
        proxy.inject(ACCESS_DENIED, operation="PutObject", attempts=None)
    done = new_site.run("publish", "staging", "dependencies", code=0)
    assert f"warning: `s3://{BUCKET}` refuses, so `{LAYER}` is uploaded directly: " in done.err


def test_a_function_that_is_missing(site: Site) -> None:
    """D10: publishing makes none."""
    site.run("build", "--quiet", code=0)
    done = site.run("publish", "staging", code=1)
    assert done.err == (
        "error: some functions of stage `staging` do not exist\n"
        f"  ╰─▶ there is no function `{FUNCTION}`\n"
        "hint: `wherry deploy staging` creates those that have a role in the stage; or name what to publish\n"
    )
    assert site.proxy.mutations == []


@pytest.mark.parametrize("step", ["upload", "publish", "rollback", "prune"])
def test_names_that_are_not_there(site: Site, step: str) -> None:
    """D10."""
    more = ["--yes"] if step in {"rollback", "prune"} else []
    done = site.run(step, "stagin", *more, code=1)
    assert done.err == (
        "error: there is no stage `stagin`\n"
        "  ╰─▶ the settings have `staging`\n"
        "hint: did you mean `staging`?\n"
    )
    done = site.run(step, "staging", "ap", *more, code=1)
    assert done.err == (
        "error: there is no function or layer `ap`\n"
        "  ╰─▶ there are `api`, `dependencies`\n"
        "hint: did you mean `api`?\n"
    )
    done = site.run(step, *more, code=2)
    assert done.err == f"error: missing argument 'STAGE'\nhint: wherry {step} --help\n"
    done = site.run(step, "staging", "--nonsense", code=2)
    assert done.err.startswith("error: no such option '--nonsense'\n")
    assert site.proxy.calls == []


def test_errors_from_python(site: Site) -> None:
    with site.account.here():
        public.build(site.root)
        with pytest.raises(DeployError, match="some functions"):
            public.publish(site.root, "staging")
        site.write(stage={"bucket": "s3://none-there"})
        with pytest.raises(AwsError, match="none-there"):
            public.upload(site.root, "staging")


@pytest.mark.parametrize("command", ["upload", "publish", "rollback", "prune", "build"])
def test_help_loads_no_boto3(command: str) -> None:
    script = (
        "import sys\nfrom wherry.cli import run\n"
        f"run([{command!r}, '--help'])\nsys.exit('botocore' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(f"Usage: wherry {command} ".encode())
