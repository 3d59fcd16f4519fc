"""One function with an alias that is deployed to the light AWS, past settings and builds: a few milliseconds a call."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.aws_account import Account, code_sha256
from support.desired import desired_function
from support.light_aws import LightAws
from support.zips import zip_bytes
from wherry.aws.apply import apply
from wherry.aws.client import Client
from wherry.aws.diff import diff
from wherry.aws.locks import LockKeeper
from wherry.aws.model import Desired
from wherry.aws.observe import observe, observe_functions
from wherry.aws.plan import Applied
from wherry.aws.prepare import Prepared
from wherry.aws.promote import plan_promotion
from wherry.aws.rollback.find import Subject, find_rollbacks
from wherry.aws.rollback.rollback import roll_back
from wherry.aws.switch.cases import TestCase
from wherry.aws.switch.release import Release, release
from wherry.aws.switch.steps import CanaryStep
from wherry.events import Event
from wherry.pipeline.report import BuildReport
from wherry.settings.model import StageSettings
from wherry.settings.project import read_project
from wherry.target import RUNTIMES, Architecture, Target

__all__ = ["ALIAS", "NAME", "Shop", "code_of", "open_shop"]

NAME, ALIAS = "shop-api", "live"


def code_of(number: int) -> bytes:
    """A package; its content is the number."""
    return zip_bytes({"number": str(number)})


def number_of(code: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(code)) as read:
        return int(read.read("number"))


@dataclass(kw_only=True, repr=False)
class Shop:
    """The function, and the one who operates it."""

    aws: LightAws
    folder: Path
    stage: StageSettings = field(default_factory=lambda: StageSettings(region="eu-west-1"))
    alias: str = ALIAS
    events: list[Event] = field(default_factory=list)
    _client: Client | None = None

    def __repr__(self) -> str:
        return "the shop"

    def emit(self, event: Event) -> None:
        self.events.append(event)

    @property
    def client(self) -> Client:
        if self._client is None:
            self._client = Client(self.stage, name="staging")
        return self._client

    def set_stage(self, **settings: Any) -> None:
        """Other settings of the stage."""
        self.client.stage = StageSettings(region="eu-west-1", **settings)

    def deploy(
        self,
        number: int,
        *,
        canary: float | None = None,
        steps: Sequence[float] = (),
        cases: Sequence[TestCase] = (),
        traffic: bool = True,
    ) -> Applied:
        """Deploy the code with this number; a step of a canary lasts for no time."""
        path = self.folder / f"{number}.zip"
        if not path.exists():
            path.write_bytes(code_of(number))
        data = path.read_bytes()
        first = steps[0] if steps else canary
        function = desired_function(
            "api",
            aws_name=NAME,
            path=path,
            code_sha256=code_sha256(data),
            size=len(data),
            handler="shop.handler",
            publish=True,
            alias=self.alias,
            canary=first,
            version_description=f"shop {number}",
            role="arn:aws:iam::123456789012:role/shop",
        )
        desired = Desired(stage="staging", functions=(function,))
        plan = diff(desired, observe(desired, self.client))
        how = Release(
            cases={"api": cases} if cases else {},
            steps=tuple(CanaryStep(share=share, seconds=0.0) for share in steps),
            traffic=traffic,
        )
        return release(plan, self._prepared(), how)

    def _prepared(self) -> Prepared:
        target = Target(runtime=RUNTIMES["python3.13"], architecture=Architecture("x86_64"))
        return Prepared(
            project=read_project(self.folder),
            report=BuildReport(target=target, packages=(), seconds=0.0),
            client=self.client,
            locks=LockKeeper(self.client, {}),
            reporter=self,
        )

    def promote(self) -> None:
        observed = observe_functions([NAME], self.client)
        plan = plan_promotion("staging", {"api": NAME}, {"api": self.alias}, observed)
        apply(plan, self.client, reporter=self)

    def rollback(self) -> None:
        subject = Subject(name="api", aws_name=NAME, alias=self.alias)
        roll_back(find_rollbacks([subject], client=self.client), client=self.client, reporter=self)

    @property
    def stands(self) -> tuple[int, dict[int, float]]:
        """The alias: its version, and the shares of others."""
        return self.aws.alias(NAME, self.alias)

    def serves(self, version: int) -> int:
        """The number of the code of a version."""
        function = self.aws.functions[NAME]
        return number_of(function.code[function.versions[version]["CodeSha256"]])

    @property
    def record(self) -> str:
        return self.aws.description(NAME, self.alias)


@contextmanager
def open_shop(aws: LightAws, folder: Path) -> Iterator[Shop]:
    """A shop whose function does not exist yet."""
    folder.mkdir(exist_ok=True)
    (folder / "wherry.toml").write_text('runtime = "python3.13"\n')
    (folder / "shop.py").write_text("def handler(event, context):\n    return event\n")
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1.0"\n')
    with Account(aws.url).here():
        yield Shop(aws=aws, folder=folder)
