"""Hashes behind URLs in requirements files."""

from __future__ import annotations

import pytest

from wherry.lock.requirements.listed_hashes import fragment_hashes

HASH = "ab" * 32


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"x @ file:///x.whl#sha256={HASH}", True),
        (f"x @ file:///x.whl#sha256={HASH.upper()} ; python_version > '3'", True),
        (f"x @ file:///x.whl#egg=x&sha256={HASH}&subdirectory=a", True),
        (f"x @ file:///a#b/x.whl#sha256={HASH}", True),
        (f"x @ file:///x.whl?a=b&sha256={HASH}", False),
        (f"x @ file:///x.whl#sha256={HASH}0", False),
        (f"x @ file:///x.whl#notsha256={HASH}", False),
        (f"x @ file:///x.whl sha256={HASH}", False),
        # A search from each mark to the end would take hours.
        ("x @ file:///x.whl" + "#" * 3_000_000, False),
    ],
)
def test_hashes_behind_urls(text: str, *, found: bool) -> None:
    assert fragment_hashes(text) == ((f"sha256:{HASH}",) if found else ())
