"""Functions that take signed code only."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from support.aws_account import code_sha256
from support.deployments import BUCKET, FUNCTION, Site
from support.signer import PROFILE, SIGNATURE, Signer
from support.storage import Storage, serve_storage

if TYPE_CHECKING:
    from support.aws_account import Account
    from support.aws_faults import Proxy

SIGNED = {"bucket": f"s3://{BUCKET}/wherry", "signing-profile": "shop"}


@pytest.fixture
def signer(account: Account, proxy: Proxy) -> Signer:
    made = Signer(account=account)
    proxy.answer = made.answer
    return made


@pytest.fixture
def site(new_site: Site, in_haste: None) -> Site:
    return new_site


@pytest.mark.real  # Many deployments.
def test_packages_are_signed_once_and_known_by_their_digest(site: Site, signer: Signer) -> None:
    account = site.account
    account.bucket(BUCKET, versioned=True)
    site.write(stage=SIGNED, role=account.role())
    site.plan(code=3)
    assert signer.jobs == {}
    said = site.deploy().err
    assert f"Signed `{FUNCTION}` with the profile `shop`: s3://{BUCKET}/wherry/signed/" in said
    assert len(signer.jobs) == 2  # The layer, too.
    assert account.configuration(FUNCTION)["CodeSha256"] in signer.signed
    assert account.configuration(FUNCTION, "1")["CodeSha256"] in signer.signed
    # The packages themselves do not stay in the bucket.
    assert not [key for key in account.objects(BUCKET) if "/uploads/" in key]

    site.plan()
    site.proxy.forget()
    site.deploy()
    assert site.proxy.mutations == []
    assert len(signer.jobs) == 2

    site.write(says="two", stage=SIGNED, role=account.role())
    site.deploy()
    assert len(signer.jobs) == 3
    # Back to the code of before, which is signed already.
    site.write(stage=SIGNED, role=account.role())
    site.deploy()
    assert len(signer.jobs) == 3
    assert account.alias(FUNCTION, "live")[0] == "1"
    # What was signed is gone: it is signed again.
    for key in account.objects(BUCKET):
        if key.endswith(".zip"):
            versions = account.storage.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"]
            for version in versions:
                account.storage.delete_object(
                    Bucket=BUCKET, Key=key, VersionId=version["VersionId"]
                )
    site.write(says="two", stage=SIGNED, role=account.role())
    site.deploy()
    assert len(signer.jobs) == 4
    assert account.configuration(FUNCTION)["CodeSha256"] in signer.signed


@pytest.mark.parametrize("signs", [True, pytest.param(False, marks=pytest.mark.real)])
def test_what_another_stage_runs_is_signed_once(site: Site, signer: Signer, signs: bool) -> None:
    """Whether the other stage signs, too, or only this one."""
    account = site.account
    account.bucket(BUCKET, versioned=True)
    signer.enforced = signs
    site.write(stage=SIGNED if signs else {}, role=account.role())
    site.add(
        f"""[stages.production]
        region = "{account.region}"
        alias = "live"
        bucket = "{SIGNED["bucket"]}"
        signing-profile = "shop"
        functions.api = {{ name = "shop-production", role = "{account.role()}" }}"""
    )
    with serve_storage(Storage()) as storage:
        site.deploy()
        built = [path.read_bytes() for path in site.root.glob("dist/lambda/*.zip")]

        def locate(call: Any, data: bytes) -> bytes:
            part = {"GetFunction": "Code", "GetLayerVersion": "Content"}.get(call.operation)
            if part is None or b"CodeSha256" not in data:
                return data
            answer = json.loads(data)
            digest = answer.get("Configuration", answer[part])["CodeSha256"]
            codes = {code_sha256(code): code for code in (*built, *signer.signed.values())}
            storage.others[digest.replace("/", "_")] = codes[digest]
            answer[part]["Location"] = storage.url(digest.replace("/", "_"))
            return json.dumps(answer).encode()

        site.proxy.edit = locate
        signer.enforced = True
        for code in (3, 0):
            site.run("plan", "production", "--from", "staging", "--exit-code", code=code)
            site.run("deploy", "production", "--from", "staging", code=0)
    assert len(signer.jobs) == 2
    signed = account.configuration("shop-production")["CodeSha256"]
    assert signed in signer.signed
    assert (signed == account.configuration(FUNCTION)["CodeSha256"]) == signs


def test_a_refused_package_is_explained(site: Site, signer: Signer) -> None:
    site.write(role=site.account.role())
    said = site.deploy(code=1).err
    assert "cannot create function `shop-api`" in said
    assert "CodeVerificationFailedException" in said
    assert f"that AWS Signer has signed with {PROFILE}\n" in said
    assert "the packages were not signed" in said
    assert 'hint: name one of the profiles in the stage: signing-profile = "shop"' in said


def test_a_refused_package_is_told_where_a_page_answers_instead(site: Site, signer: Signer) -> None:
    site.proxy.edit = lambda call, data: (
        b"<html>" if call.operation == "GetFunctionCodeSigningConfig" else data
    )
    site.write(role=site.account.role())
    said = site.deploy(code=1).err
    assert "CodeVerificationFailedException" in said
    assert "with a profile of its configuration" in said


@pytest.mark.real
def test_what_cannot_be_signed_changes_nothing(site: Site, signer: Signer) -> None:
    account = site.account
    account.bucket(BUCKET)
    site.write(stage=SIGNED, role=account.role())
    said = site.deploy(code=1).err
    assert f"`s3://{BUCKET}` keeps no versions of objects, and AWS Signer needs one" in said
    account.storage.put_bucket_versioning(
        Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}
    )
    signer.fails = "the profile was revoked"
    said = site.deploy(code=1).err
    assert "does not sign `shop-dependencies` with the profile `shop`" in said
    assert "the profile was revoked" in said
    signer.fails = None
    site.write(stage={**SIGNED, "signing-profile": "other"}, role=account.role())
    assert "with the profile `other`" in site.deploy(code=1).err
    assert [
        one for one in site.proxy.mutations if one in {"CreateFunction", "PublishLayerVersion"}
    ] == []


def test_a_package_that_was_signed_elsewhere(site: Site, signer: Signer) -> None:
    """It takes the place of the one that was built."""
    account = site.account
    signer.enforced = False
    site.write(role=account.role())
    site.build()
    path = site.root / "dist/lambda/api.zip"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(SIGNATURE, "by somebody else")
    site.deploy("--no-build")
    site.proxy.forget()
    site.deploy("--no-build")
    assert site.proxy.mutations == []


def test_a_plan_warns_before_signed_code_is_replaced(site: Site, signer: Signer) -> None:
    signer.enforced = False
    site.write(role=site.account.role())
    site.deploy()
    site.write(says="two", role=site.account.role())

    def tell(call: Any, data: bytes) -> bytes:
        if call.operation != "ListVersionsByFunction":
            return data
        answer = json.loads(data)
        for version in answer["Versions"]:
            version["SigningProfileVersionArn"] = PROFILE
        return json.dumps(answer).encode()

    site.proxy.edit = tell
    said = " ".join(site.plan(code=3).err.split())
    assert (
        f"the code of function `shop-api` was signed with {PROFILE}, and the new code is not"
        in said
    )
