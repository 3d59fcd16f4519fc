from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.localstack import localstack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.aws_account import Account
    from support.localstack import LocalStack


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """LocalStack, one for all that need it."""
    with localstack() as started:
        yield started


@pytest.fixture
def account(stack: LocalStack) -> Account:
    """An account of it, of its own for each test."""
    return stack.account()
