"""Least privilege: the page of IAM actions, compared with the calls that each command makes."""

from __future__ import annotations

import hashlib
import json
import random
import re
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tomli_w

from support.aws_account import code_sha256
from support.aws_faults import CUT_AFTER, Call, serve_faults
from support.command import Wherry
from support.deployments import ALIAS, BUCKET, FUNCTION, LAYER, ONE, TWO, Site, hasty
from support.index import serve_index
from support.projects import make_project
from support.signer import Signer
from support.storage import Storage, serve_storage
from support.wheels import make_wheel
from support.zips import zip_bytes

if TYPE_CHECKING:
    from support.moto import Moto
    from support.wheels import Made

# Every command is run in every scenario.
pytestmark = pytest.mark.real

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "iam.md"
COMMANDS = (
    *("plan", "deploy", "rollback", "history", "prune"),
    *("upload", "publish", "invoke", "logs", "init"),
)
BIG = 9 * 2**20
DEPLOYER = "arn:aws:iam::123456789012:role/deployer"


@dataclass(frozen=True)
class Row:
    """A line of the page: an action, what has to be so for it to be needed, and the commands that need it then."""

    action: str
    when: frozenset[str]
    commands: frozenset[str]


@cache
def rows() -> list[Row]:
    found = re.findall(
        r"(?m)^\| `([a-z0-9]+:[A-Za-z]+)` \| ([^|]+) \| ([^|]+) \|", PAGE.read_text("utf-8")
    )
    return [
        Row(
            action=action,
            when=frozenset(when.split(", ")) - {"always"},
            commands=frozenset(re.findall(r"`(\w+)`", commands)),
        )
        for action, when, commands in found
    ]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Settings, and what is so by them in the words of the page."""

    so: frozenset[str]
    stage: dict[str, Any] = field(default_factory=dict)
    function: dict[str, Any] = field(default_factory=dict)
    layer: dict[str, Any] = field(default_factory=dict)
    big: bool = False

    @property
    def deletes(self) -> bool:
        """Whether the version that a rollback leaves is deleted."""
        return "`--delete`" in self.so


BUCKETS = {"bucket": f"s3://{BUCKET}/wherry"}
SCENARIOS = {
    "plain": Scenario(so=frozenset({"no `alias`"})),
    "layers": Scenario(so=frozenset({"no `alias`", "layers"})),
    "alias": Scenario(so=frozenset({"`alias` or `publish`"}), function={"alias": ALIAS}),
    "delete": Scenario(so=frozenset({"`alias` or `publish`", "`--delete`"}), function={"alias": ALIAS}),
    "publish": Scenario(so=frozenset({"no `alias`", "`alias` or `publish`"}), function={"publish": True}),
    "all": Scenario(so=frozenset({"`alias` or `publish`", "layers"}), function={"alias": ALIAS}),
    "publish-layers": Scenario(
        so=frozenset({"no `alias`", "`alias` or `publish`", "layers"}), function={"publish": True},
    ),
    "create": Scenario(so=frozenset({"`alias` or `publish`", "`role`"}), function={"alias": ALIAS, "role": "?"}),
    "create-tags": Scenario(
        so=frozenset({"`alias` or `publish`", "`role`", "`tags`"}),
        function={"alias": ALIAS, "role": "?"}, stage={"tags": {"team": "shop"}},
    ),
    "managed": Scenario(
        so=frozenset({
            "no `alias`", "`alias` or `publish`", "layers", "`memory`", '`manage = "tags"`', "`ssm`", "`secret`",
            '`version = "latest"`', "`tags`",
        }),
        function={
            "publish": True, "manage": ["code", "layers", "memory", "environment", "tags"],
            "memory": 512, "tags": {"team": "shop"},
            "environment": {"ONE": {"ssm": "/shop/one"}, "TWO": {"secret": "shop/two"}},
            "layers": ["dependencies", {"name": "others", "version": "latest"}],
        },
    ),
    "share": Scenario(so=frozenset({"no `alias`", "layers", "`share`"}), layer={"share": ["210987654321"]}),
    "bucket": Scenario(
        so=frozenset({"no `alias`", "`alias` or `publish`", "layers", "`bucket`"}), stage=BUCKETS, function={"publish": True},
    ),
    "bucket-keep": Scenario(
        so=frozenset({"no `alias`", "layers", "`bucket`"}), stage={**BUCKETS, "keep": True},
    ),
    "bucket-versions": Scenario(
        function={"publish": True},
        so=frozenset({"no `alias`", "`alias` or `publish`", "layers", "`bucket`", "with versions"}), stage=BUCKETS,
    ),
    "signed": Scenario(
        function={"publish": True},
        so=frozenset({
            "no `alias`", "`alias` or `publish`", "layers", "`bucket`", "with versions", "`signing-profile`",
        }),
        stage={**BUCKETS, "signing-profile": "shop"},
    ),
    "bucket-tags": Scenario(
        function={"publish": True},
        so=frozenset({"no `alias`", "`alias` or `publish`", "layers", "`bucket`", "`tags`"}), stage={**BUCKETS, "tags": {"team": "shop"}},
    ),
    "bucket-kms": Scenario(
        function={"publish": True},
        so=frozenset({"no `alias`", "`alias` or `publish`", "layers", "`bucket`", '`encryption = "aws:kms"`'}),
        stage={**BUCKETS, "encryption": "aws:kms"},
    ),
    "bucket-big": Scenario(
        so=frozenset({"no `alias`", "`alias` or `publish`", "layers", "`bucket`", "from 8 MiB"}),
        stage=BUCKETS, function={"publish": True}, big=True,
    ),
    "switch": Scenario(
        so=frozenset({"`alias` or `publish`", "`test`", "`alarms`", "steps", "`--from`"}),
        stage={"test": [{"event": {}}], "alarms": ["errors"]}, function={"alias": ALIAS},
    ),
    "assume-role": Scenario(
        so=frozenset({"no `alias`", "`alias` or `publish`", "`bucket`", "`assume-role`"}),
        stage={**BUCKETS, "assume-role": DEPLOYER}, function={"publish": True},
    ),
}  # fmt: skip


class Recorder:
    """A scenario that is played; ``actions`` are what each command needed."""

    def __init__(self, site: Site, scenario: Scenario) -> None:
        self.site = site
        self.scenario = scenario
        self.signer = Signer(account=site.account, enforced=False)
        if "`signing-profile`" in scenario.so:
            site.proxy.answer = self.signer.answer
        self.actions: dict[str, set[str]] = {command: set() for command in COMMANDS}
        # Packages that were built, by their hash.
        self._built: dict[str, bytes] = {}
        self._chance = random.Random(4)

    def write(self, text: str, alpha: Made) -> None:
        """Settings and code."""
        site, scenario = self.site, self.scenario
        if scenario.big:
            content = {"alpha/__init__.py": b"", "alpha/data.bin": self._chance.randbytes(BIG)}
            alpha = make_wheel("alpha", text, files=content)
        site.index.add(alpha)
        code = f"TEXT = {text!r}\ndef handler(event, context):\n    return 1\n"
        files = {"shop/__init__.py": "", "shop/api.py": code}
        make_project(site.root, site.index, [alpha], files=files)
        if scenario.big:
            (site.root / "shop/data.bin").write_bytes(self._chance.randbytes(BIG))
        function: dict[str, Any] = {"handler": "shop.api.handler"}
        said = dict(scenario.function)
        if "role" in said:
            said["role"] = site.account.role()
        stage = {
            "region": site.account.region,
            "functions": {"api": {"name": FUNCTION, **said}},
            **scenario.stage,
        }
        stages = {"staging": stage}
        if "`--from`" in scenario.so:
            other = {"name": f"{FUNCTION}-other", "alias": ALIAS, "role": site.account.role()}
            stages["other"] = {"region": site.account.region, "functions": {"api": other}}
        settings: dict[str, Any] = {"functions": {"api": function}, "stages": stages}
        if "layers" in scenario.so:
            function["layers"] = ["dependencies"]
            settings["layers"] = {"dependencies": {"include": ["*"]}}
            stage["layers"] = {"dependencies": {"name": LAYER, **scenario.layer}}
        (site.root / "wherry.toml").write_text(tomli_w.dumps({"runtime": "python3.13", **settings}))
        site.run("build", "--quiet", code=0)
        assert site.proxy.calls == []
        for path in (site.root / "dist/lambda").glob("*.zip"):
            data = path.read_bytes()
            self._built[code_sha256(data)] = data

    def run(self, command: str, *arguments: str) -> None:
        if self.scenario.big:
            self._begin_uploads()
        self.site.proxy.forget()
        if command in {"deploy", "rollback"}:
            self.site.proxy.inject(CUT_AFTER, operation="UpdateAlias")
        words = {
            "invoke": ("invoke", "--stage", "staging", "api", "--json"),
            "init": ("init", "--stage", "new", "--from", FUNCTION, "--dry-run"),
        }
        given = words.get(command, (command, "staging", *arguments))
        self.site.run(*given, code=0)
        self.actions[command] |= self.site.proxy.actions
        self.site.proxy.forget()

    def leave_behind(self) -> None:
        """What an interrupted deployment leaves in the bucket."""
        data = next(iter(self._built.values()))
        key = f"wherry/uploads/{FUNCTION}/{hashlib.sha256(data).hexdigest()}.zip"
        self.site.account.storage.put_object(Bucket=BUCKET, Key=key, Body=data)
        self._begin_uploads()

    def _begin_uploads(self) -> None:
        for name in (FUNCTION, LAYER):
            for data in self._built.values():
                key = f"wherry/uploads/{name}/{hashlib.sha256(data).hexdigest()}.zip"
                self.site.account.storage.create_multipart_upload(Bucket=BUCKET, Key=key)

    def locate(self, storage: Storage, call: Call, data: bytes) -> bytes:
        """The stand-in says that code is at AWS itself; this says where it is."""
        if call.operation != "GetFunction":
            return data
        answer = json.loads(data)
        digest = answer["Configuration"]["CodeSha256"]
        name = hashlib.sha256(digest.encode()).hexdigest()
        storage.others[name] = self._built.get(digest, b"")
        storage.others[name] = storage.others[name] or self.signer.signed.get(digest, b"")
        answer["Code"]["Location"] = storage.url(name)
        return json.dumps(answer).encode()


def play(recorder: Recorder) -> None:
    """Every command, from the first deployment on."""
    scenario = recorder.scenario
    recorder.write("1.0", ONE)
    recorder.run("plan")
    if "`role`" not in scenario.so:
        recorder.run("publish")
    recorder.run("deploy")
    recorder.write("2.0", TWO)
    recorder.run("plan")
    if "`bucket`" in scenario.so:
        recorder.run("upload")
    recorder.run("deploy")
    recorder.write("3.0", ONE)
    recorder.run("publish")
    recorder.run("deploy")
    recorder.run("deploy")
    recorder.run("plan")
    if "`--from`" in scenario.so:
        recorder.write("4.0", TWO)
        recorder.site.run("deploy", "other", code=0)
        recorder.run("deploy", "--from", "other", "--canary", "50%/1s")
    recorder.run("history")
    recorder.run("init")
    recorder.run("invoke")
    recorder.run("logs")
    if scenario.function:
        recorder.run("rollback", "--yes", *(["--delete"] if scenario.deletes else []))
    if "`bucket`" in scenario.so:
        recorder.leave_behind()
    recorder.run("prune", "--keep-versions", "0", "--keep-days", "0", "--yes")


@pytest.fixture(scope="module")
def played(moto: Moto, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, set[str]]]:
    """The actions of each command, by scenario."""
    found = {}
    folder = tmp_path_factory.mktemp("iam")
    old = zip_bytes({"old.py": ""})
    with (
        pytest.MonkeyPatch.context() as patch,
        hasty(patch),
        serve_index() as index,
        serve_storage(Storage()) as storage,
    ):
        # No package in the bucket is too young to be left there.
        patch.setattr("wherry.aws.prune.find._DEPLOYMENT", timedelta(0))
        for name, scenario in SCENARIOS.items():
            account = moto.account()
            moto.invoke_simply()
            account.bucket(BUCKET, versioned="with versions" in scenario.so)
            if "`role`" not in scenario.so:
                account.function(FUNCTION, old)
            if "`alarms`" in scenario.so:
                account.alarm("errors")
            if "`ssm`" in scenario.so:
                account.layer("others", old)
                account.client("ssm").put_parameter(Name="/shop/one", Value="1", Type="String")
                account.client("secretsmanager").create_secret(Name="shop/two", SecretString="2")
            root = folder / name / "shop"
            root.mkdir(parents=True)
            wherry = Wherry(store=folder / "store", cwd=root)
            with serve_faults(account.url) as proxy:
                site = Site(wherry=wherry, account=account, index=index, proxy=proxy)
                recorder = Recorder(site, scenario)
                proxy.edit = partial(recorder.locate, storage)
                play(recorder)
            found[name] = recorder.actions
    return found


@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_is_called_that_the_page_does_not_name(
    played: dict[str, dict[str, set[str]]], name: str
) -> None:
    so = SCENARIOS[name].so
    for command, actions in played[name].items():
        named = {row.action for row in rows() if command in row.commands and row.when <= so}
        assert actions <= named, command


def test_nothing_is_named_that_is_not_needed(played: dict[str, dict[str, set[str]]]) -> None:
    """Every action of the page, for every command of its row, was called where it says."""
    assert len(rows()) > 40
    unseen = [
        f"{command}: {row.action} {sorted(row.when)}"
        for row in rows()
        for command in sorted(row.commands)
        if not any(
            row.action in played[name][command]
            for name, scenario in SCENARIOS.items()
            if row.when <= scenario.so
        )
    ]
    assert unseen == []


def test_planning_needs_no_action_that_changes() -> None:
    planned = {row.action for row in rows() if "plan" in row.commands}
    reads = r"(lambda|ssm|secretsmanager):(Get|List)|s3:(List|GetObject)|sts:AssumeRole"
    assert all(re.match(reads, action) for action in planned)


def test_the_words_of_the_page_are_those_of_the_scenarios() -> None:
    words = set().union(*(row.when for row in rows()))
    assert words == set().union(*(scenario.so for scenario in SCENARIOS.values()))
    assert set().union(*(row.commands for row in rows())) == set(COMMANDS)
