"""drover's job, with drover's own settings: rows D1 to D12, each as a user would try it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.aws_faults import ACCESS_DENIED, CONFLICT, Fault, Proxy
from support.deployments import Site
from support.projects import write_files
from support.wheels import make_wheel
from support.zips import zip_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from support.aws_account import Account
    from support.command import Finished, Wherry
    from support.index import Index

FUNCTION, LAYER, BUCKET = "basic-lambda", "basic-lambda-requirements", "drover-examples"
DROVER = """\
stages:
  staging:
    region_name: us-east-1
    function_name: basic-lambda
    compatible_runtime: python3.13
    function_file_patterns:
      - '^basic_lambda.*'
    function_extra_paths:
      - instance
"""
WITH_BUCKET = f"""\
    upload_bucket:
      region_name: us-east-1
      bucket_name: {BUCKET}
      prefix: packages
"""
ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n"})
LAMBDA = make_wheel("basic-lambda", "1.0", files={"basic_lambda/__init__.py": b"import alpha\n"})
DEPLOY = ("deploy", "--config", "drover.yml", "--install-path", "install", "staging")
PLAN = ("plan", "--exit-code", "--config", "drover.yml", "--install-path", "install", "staging")


@pytest.fixture
def account(moto) -> Account:
    found: Account = moto.account("us-east-1")
    return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that pip makes, as drover's documentation has it."""
    folder = tmp_path_factory.mktemp("drover")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-compile"]
    for made in (ALPHA, LAMBDA):
        made.write(folder / "shelf")
    command += ["--find-links", "shelf", "--target", "install", "basic_lambda", "alpha"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP")}
    environment = {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run(command, check=True, cwd=folder, env=environment)
    return folder / "install"


@pytest.fixture
def site(wherry: Wherry, account: Account, index: Index, proxy: Proxy, installed: Path) -> Site:
    """What drover's documentation has: an installed folder, and a function that is there already."""
    write_files(wherry.cwd, {"drover.yml": DROVER, "instance/config.toml": "a = 1\n"})
    shutil.copytree(installed, wherry.cwd / "install")
    account.function(FUNCTION, zip_bytes({"x.py": ""}))
    return Site(wherry=wherry, account=account, index=index, proxy=proxy)


pytestmark = pytest.mark.usefixtures("in_haste")


def deploy(site: Site, *arguments: str, code: int | None = 0) -> Finished:
    site.proxy.forget()
    return site.run(*DEPLOY, *arguments, code=code)


def number(arn: str) -> int:
    return int(arn.rpartition(":")[2])


def with_bucket(site: Site, *, exists: bool = True) -> None:
    if exists:
        site.account.storage.create_bucket(Bucket=BUCKET)
        site.account.storage.put_bucket_versioning(
            Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}
        )
    (site.root / "drover.yml").write_text(DROVER + WITH_BUCKET)


def test_d1_the_settings_unchanged(site: Site) -> None:
    """D1, and what drover says while it works, in Wherry's words."""
    done = deploy(site)
    sizes = r"\d+(\.\d+)? (B|KiB)"
    assert re.search(r"basic-lambda.*\b[0-9a-f]{12}", done.err)
    assert re.search(sizes, done.err)
    arn = "arn:aws:lambda:us-east-1:123456789012:function:basic-lambda"
    assert arn in done.out + done.err
    assert site.account.configuration(FUNCTION)["Runtime"] == "python3.13"
    site.run(*PLAN, code=0)


def test_d2_the_first_deployment_attaches_the_layer(site: Site) -> None:
    deploy(site)
    (arn,) = site.account.layers_of(FUNCTION)
    assert arn.endswith(f":layer:{LAYER}:1")


def test_d3_a_second_run_changes_nothing(site: Site) -> None:
    deploy(site)
    assert site.proxy.mutations
    deploy(site)
    assert site.proxy.mutations == []
    assert len(site.proxy.calls) <= 4


def test_d4_code_alone_and_dependencies_alone(site: Site) -> None:
    deploy(site)
    (site.root / "install/basic_lambda/__init__.py").write_text("import alpha\nprint(1)\n")
    deploy(site)
    assert site.proxy.mutations == ["UpdateFunctionCode"]
    (site.root / "install/alpha/__init__.py").write_text("A = 2\n")
    deploy(site)
    assert site.proxy.mutations == ["PublishLayerVersion", "UpdateFunctionConfiguration"]


@pytest.mark.parametrize("how", ["edited", "renamed"])
@pytest.mark.parametrize("path", ["basic_lambda/__init__.py", "alpha/__init__.py"])
def test_d5_a_changed_file_is_noticed(site: Site, how: str, path: str) -> None:
    """RECORD is not believed."""
    deploy(site)
    file = site.root / "install" / path
    if how == "edited":
        # The same size, and the same time.
        kept = file.stat()
        file.write_bytes(bytes(reversed(file.read_bytes())))
        os.utime(file, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    else:
        file.rename(file.with_name("other.py"))
    site.run(*PLAN, code=3)
    deploy(site)
    wanted = "UpdateFunctionCode" if path.startswith("basic") else "PublishLayerVersion"
    assert site.proxy.mutations[0] == wanted


def test_d6_the_same_project_in_two_folders(site: Site, tmp_path: Path) -> None:
    deploy(site)
    elsewhere = tmp_path / "deep" / "elsewhere"
    shutil.copytree(site.root, elsewhere, ignore=shutil.ignore_patterns("dist"))
    other = Site(
        wherry=type(site.wherry)(store=tmp_path / "other-store", cwd=elsewhere),
        account=site.account,
        index=site.index,
        proxy=site.proxy,
    )
    deploy(other)
    assert site.proxy.mutations == []


def test_d7_without_a_bucket_directly(site: Site) -> None:
    done = deploy(site)
    assert "warning" not in done.err
    assert not [call for call in site.proxy.calls if call.service == "s3"]


def test_d7_through_the_bucket_and_away(site: Site) -> None:
    with_bucket(site)
    done = deploy(site)
    assert "warning" not in done.err
    bodies = [call.body for call in site.proxy.calls if call.operation == "UpdateFunctionCode"]
    assert [body["S3Bucket"] for body in bodies] == [BUCKET]
    assert [key for key in site.account.objects(BUCKET) if key.endswith(".zip")] == []


def refuse(site: Site, fault: Fault) -> None:
    for operation in ("HeadBucket", "PutObject", "HeadObject"):
        for at in range(4):
            site.proxy.inject(fault, at=at, attempts=None, operation=operation)


@pytest.mark.parametrize("why", ["missing", "denied"])
def test_d7_a_bucket_that_refuses(site: Site, why: str) -> None:
    """The package is small: directly then, with a warning."""
    with_bucket(site, exists=why == "denied")
    site.proxy.forget()
    if why == "denied":
        refuse(site, ACCESS_DENIED)
    done = site.run(*DEPLOY, code=0)
    assert "warning" in done.err
    assert BUCKET in done.err
    site.proxy.forget()
    assert len(site.account.layers_of(FUNCTION)) == 1
    site.run(*PLAN, code=0)


def test_d8_the_layers_are_exactly_those_of_drover(site: Site) -> None:
    """In its order: the supplemental layers, then the requirements, of which a second copy of a file is found."""
    data = zip_bytes({"python/other.py": ""})
    theirs = site.account.layer("theirs", data)
    one, two = site.account.layer("one", data), site.account.layer("two", data)
    site.account.functions.update_function_configuration(
        FunctionName=FUNCTION, Layers=[theirs], Runtime="python3.12"
    )
    arns = f"    supplemental_layer_arns: ['{two}', '{one}']\n"
    (site.root / "drover.yml").write_text(DROVER + arns)
    deploy(site)
    found = site.account.layers_of(FUNCTION)
    assert found[:2] == [two, one]
    assert [LAYER in arn for arn in found] == [False, False, True]
    assert site.account.configuration(FUNCTION)["Runtime"] == "python3.13"
    deploy(site)
    assert site.proxy.mutations == []


def test_d1_an_extra_path_that_is_not_there_is_passed_over(site: Site) -> None:
    (site.root / "drover.yml").write_text(DROVER.replace("- instance", "- nowhere"))
    done = deploy(site)
    assert "`function_extra_paths` names `nowhere`, which does not exist" in done.err


def test_d9_the_layer_is_detached_when_all_dependencies_go(site: Site) -> None:
    deploy(site)
    assert len(site.account.layers_of(FUNCTION)) == 1
    for path in (site.root / "install").glob("alpha*"):
        shutil.rmtree(path)
    site.run(*PLAN, code=3)
    deploy(site)
    assert site.account.layers_of(FUNCTION) == []
    assert "UpdateFunctionConfiguration" in site.proxy.mutations
    site.run(*PLAN, code=0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  staging:", "  other:", "stag"),
        ("stages:", "stages: [", "drover.yml"),
        ("'^basic", "'^(basic", "regular expression"),
        ("python3.13", "python2.4", "python2.4"),
        ("function_name: basic-lambda", "function_name: not-there", "not-there"),
        ("us-east-1", "eu-central-1", "basic-lambda"),
    ],
    ids=["stage", "yaml", "regex", "runtime", "function", "other-region"],
)
def test_d10_bad_settings(site: Site, old: str, new: str, message: str) -> None:
    """One clear error, exit 1, and nothing on AWS was changed."""
    (site.root / "drover.yml").write_text(DROVER.replace(old, new))
    done = deploy(site, code=1)
    assert done.err.count("error: ") == 1
    assert message in done.error
    assert site.proxy.mutations == []


@pytest.mark.parametrize("call", range(4))
def test_d10_denied(site: Site, call: int) -> None:
    """Any error of AWS: its message as the cause, and what to allow."""
    site.proxy.forget()
    site.proxy.inject(ACCESS_DENIED, at=call, attempts=None)
    done = site.run(*DEPLOY, code=1)
    assert done.err.count("error: ") == 1
    assert "is not authorized to perform" in done.error
    denied = next(one for one in site.proxy.calls if one.number == call)
    assert denied.actions[0] in done.error.partition("hint: ")[2]


def test_d10_no_credentials(site: Site) -> None:
    given = site.environment
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del given[name]
    done = subprocess.run(
        [sys.executable, "-m", "wherry", *DEPLOY],
        cwd=site.root, env={**given, "HOME": str(site.root)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "credentials" in done.stderr
    assert "hint: " in done.stderr


@pytest.mark.parametrize("where", ["http://127.0.0.1:9", "http://lambda.us-easter-1.invalid"])
def test_d10_nobody_listens(site: Site, where: str) -> None:
    """As where the region is none of AWS's, so that no such host is there."""
    (site.root / "drover.yml").write_text(DROVER.replace("us-east-1", "us-easter-1"))
    url, site.proxy.url = site.proxy.url, where
    try:
        done = site.run(*DEPLOY, code=1)
    finally:
        site.proxy.url = url
    assert where in done.error
    assert "us-east-1" in done.error.partition("hint: ")[2]


@pytest.mark.parametrize("attached", [True, False])
def test_d11_a_layer_version_that_is_gone_is_published_again(site: Site, attached: bool) -> None:
    deploy(site)
    if not attached:
        site.account.functions.update_function_configuration(FunctionName=FUNCTION, Layers=[])
    site.account.functions.delete_layer_version(LayerName=LAYER, VersionNumber=1)
    site.run(*PLAN, code=3)
    deploy(site)
    assert list(site.account.layer_versions(LAYER)) == [2]
    assert [number(arn) for arn in site.account.layers_of(FUNCTION)] == [2]
    site.run(*PLAN, code=0)


@pytest.mark.parametrize("operation", ["UpdateFunctionCode", "UpdateFunctionConfiguration"])
def test_d12_a_conflict_is_waited_out(site: Site, operation: str) -> None:
    """Several times in a row."""
    site.proxy.forget()
    for at in range(3):
        site.proxy.inject(CONFLICT, at=at, attempts=None, operation=operation)
    site.run(*DEPLOY, code=0)
    assert site.proxy.operations.count(operation) == 4
    site.run(*PLAN, code=0)
