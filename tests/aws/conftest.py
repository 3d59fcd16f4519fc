from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import botocore.session
import pytest

from support.aws_faults import serve_faults
from support.deployments import Site, hasty, make_site
from support.light_aws import LightAws, light_aws
from support.moto import moto as serve_moto
from wherry.aws.client import Client
from wherry.settings.model import StageSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.aws_account import Account
    from support.aws_faults import Proxy
    from support.command import Wherry
    from support.index import Index
    from support.moto import Moto


@pytest.fixture(scope="session", autouse=True)
def _models_are_read_once() -> Iterator[None]:
    """What boto3 reads about AWS's services takes it longer than to ask them here."""
    with pytest.MonkeyPatch.context() as patch:
        once = functools.cache(botocore.session.create_loader)
        patch.setattr(botocore.session, "create_loader", once)
        yield


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    """A stand-in for AWS."""
    with serve_moto() as served:
        yield served


@pytest.fixture
def account(moto: Moto) -> Account:
    """An empty account of it."""
    return moto.account()


@pytest.fixture
def aws() -> Iterator[LightAws]:
    """A stand-in that is quicker to start, and knows functions and layers alone."""
    with light_aws() as served:
        yield served


@pytest.fixture
def proxy(account: Account) -> Iterator[Proxy]:
    """Between Wherry and the account: counts calls and lets them fail."""
    with serve_faults(account.url) as served:
        yield served


@pytest.fixture
def in_account(account: Account, proxy: Proxy) -> Iterator[None]:
    """This process works with the account, through the proxy."""
    with account.here(url=proxy.url):
        yield


@pytest.fixture
def client(in_account: None) -> Client:
    """The client of a stage in the account."""
    return Client(StageSettings(region="eu-west-1"), name="staging")


@pytest.fixture
def in_haste(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process hardly sleeps."""
    with hasty(monkeypatch):
        yield


@pytest.fixture
def site(wherry: Wherry, account: Account, index: Index, proxy: Proxy) -> Site:
    """A project whose function may be created in the account."""
    made = make_site(wherry, account, index, proxy)
    made.write(role=account.role())
    return made
