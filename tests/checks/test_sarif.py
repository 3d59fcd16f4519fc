"""SARIF logs as GitHub takes them: its limits, and what it tells alerts apart by."""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec.structs import replace

from wherry.checks.model import Finding
from wherry.checks.registry import rules
from wherry.checks.sarif import sarif_log

FINDING = Finding(
    code="IMP001",
    severity="error",
    package="api",
    where="shop/models.py:7",
    message="`shop.models` imports `nowhere`",
    hint="add it",
    owner="api",
)


def test_texts_of_rules_are_those_that_github_requires() -> None:
    (run,) = sarif_log([])["runs"]
    described = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in described] == sorted(rules())
    for rule in described:
        for text in (rule["shortDescription"], rule["fullDescription"], rule["help"]):
            assert 0 < len(text["text"]) <= 1024


def test_locations_are_relative_references() -> None:
    for where in ("shop/models.py:7", "a b/#%é.py", "//x.py", "C:/x:y.py", "", "../x"):
        (result,) = sarif_log([replace(FINDING, where=where)])["runs"][0]["results"]
        (location,) = result["locations"]
        address = urlsplit(location["physicalLocation"]["artifactLocation"]["uri"])
        assert address.path
        assert (address.scheme, address.netloc, address.query, address.fragment) == ("",) * 4
        assert not address.path.startswith("/")


def test_an_alert_stays_the_same_when_lines_move() -> None:
    def prints(*findings: Finding) -> list[str]:
        results = sarif_log(findings)["runs"][0]["results"]
        return [result["partialFingerprints"]["primaryLocationLineHash"] for result in results]

    moved = replace(FINDING, where="shop/models.py:9", message="`shop.models` imports another")
    assert prints(FINDING) == prints(moved)
    others = [
        replace(FINDING, code="RT002"),
        replace(FINDING, where="shop/api.py:7"),
        replace(FINDING, package="jobs"),
        replace(FINDING, owner="lib"),
    ]
    assert len(set(prints(FINDING, FINDING, *others))) == 6


def test_there_are_no_more_results_than_github_takes() -> None:
    (run,) = sarif_log([FINDING] * 25_001)["runs"]
    assert len(run["results"]) == 25_000
