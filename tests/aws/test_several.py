"""Several stages at once: one build, one report for each, and no failure that hides another."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

import wherry as public
from support.deployments import Site
from support.reporters import Heard
from wherry.aws.several import each_stage, split_names
from wherry.errors import DeployError, SettingsError
from wherry.events import Note, OfStage, UploadStarted

if TYPE_CHECKING:
    from support.command import Wherry

MORE = """
[stages.production]
regions = ["eu-west-1", "us-east-1"]
alias = "live"
functions.api = { role = "?" }
[stages.partner]
region = "eu-west-1"
[stages.blue]
region = "eu-west-1"
functions.api = { name = "shop-api", alias = "blue" }
layers.dependencies = { name = "shop-dependencies" }
"""


@pytest.fixture
def site(site: Site) -> Site:
    site.add(MORE.replace("?", site.account.role()))
    return site


def test_side_by_side(site: Site) -> None:
    """Built once; each report in a piece; exit 1 for one that fails, with the others deployed."""
    done = site.run("deploy", "staging", "partner", "production@us-east-1", code=1)
    titles = [line for line in done.err.splitlines() if line.startswith("== ")]
    assert titles == [
        "== staging ==", "== partner ==", "== production@us-east-1 ==", "== all stages ==",
    ]  # fmt: skip
    reports = done.err.split("== ")
    assert "Deployed staging: 4 changes" in reports[1]
    assert reports[2].startswith("partner ==\nerror: stage `partner` cannot be deployed\n")
    assert "Deployed production@us-east-1: 4 changes" in reports[3]
    assert done.err.endswith(
        "== all stages ==\n"
        "staging               deployed, 4 changes\n"
        "partner               failed\n"
        "production@us-east-1  deployed, 4 changes\n"
        "error: 1 of 3 stages failed\n"
        "  ╰─▶ partner: stage `partner` cannot be deployed\n"
        "hint: the same command continues where it stopped\n"
    )
    # In its region, under the name of the stage.
    assert done.out.splitlines()[-1] == (
        "arn:aws:lambda:us-east-1:123456789012:function:shop-api-production:live"
    )
    site.run("plan", "production@us-east-1", "--exit-code", code=0)
    site.run("rollback", "production@us-east-1", "--to", "1", "--yes", code=0)


def test_plans(site: Site) -> None:
    """What is as it should be is counted; one document; and `--exit-code` of them all."""
    site.deploy()
    done = site.run("plan", "staging", "production", "--all-regions", "--exit-code", code=3)
    assert done.out.startswith("Stage staging is as it should be\nlayer dependencies (")
    assert done.out.endswith("Stage production@us-east-1: 4 changes\n")
    done = site.run("plan", "staging", "partner", "api", "--json", code=1)
    first, second = done.document["stages"]
    assert (first["stage"], first["changes"], first["error"]) == ("staging", 0, None)
    assert [part["name"] for part in first["functions"]] == ["api"]
    assert second["stage"] == "partner"
    assert second["error"]["where"][0] == "there is no function `shop-api-partner`"
    # The document of one stage is what it was.
    assert "stages" not in site.run("plan", "staging", "--json", code=0).document


def test_two_aliases_of_one_function(site: Site) -> None:
    """They follow each other, or each would meet the other's changes."""
    done = site.run("deploy", "staging", "blue", code=0)
    assert done.err.endswith("staging  deployed, 4 changes\nblue     deployed, 1 change\n")
    assert site.account.alias("shop-api", "blue") == ("1", {})
    assert len(site.account.layer_versions("shop-dependencies")) == 1


def test_from_python(site: Site) -> None:
    heard = Heard()
    with site.account.here():
        results = public.for_stages(
            public.deploy, site.root, ["production@us-east-1", "staging"], reporter=heard
        )
    assert [(one.stage, one.error) for one in results] == [
        ("production@us-east-1", None), ("staging", None),
    ]  # fmt: skip
    assert {event.stage for event in heard.events if isinstance(event, OfStage)} == {
        "production@us-east-1", "staging",
    }  # fmt: skip


def test_which_words_are_stages(site: Site) -> None:
    assert split_names(site.root, ["staging"]) == (("staging",), ())
    assert split_names(site.root, ["staging", "api", "blue", "staging"]) == (
        ("staging", "blue"), ("api",),
    )  # fmt: skip
    assert split_names(site.root, ["production", "staging"], all_regions=True) == (
        ("production@eu-west-1", "production@us-east-1", "staging"), (),
    )  # fmt: skip
    with pytest.raises(SettingsError, match="there is no stage, function or layer `prodution`"):
        split_names(site.root, ["staging", "prodution"])
    done = site.run("deploy", "staging", "nonsense-of-a-name", code=1)
    assert done.err.startswith("error: there is no function or layer `nonsense-of-a-name`\n")
    for share in ("0.00001", "99.9999%"):
        done = site.run("plan", "staging", "--canary", share, code=2)
        assert done.err.startswith(f"error: `{share}` is not a share of calls")
    assert site.run("plan", "staging@", code=1).err.startswith(
        "error: `@` is followed by no region\n"
    )
    done = site.run("plan", "production@eu-west-2", code=1)
    assert done.err.startswith("error: stage `production` is not in eu-west-2\n")


def test_the_stages_of_drover_yml(wherry: Wherry, site: Site) -> None:
    """Each builds its own packages."""
    stage = "{name}: {{region_name: eu-west-1, function_name: {name}, compatible_runtime: python3.13, function_file_patterns: ['.*']}}"
    text = "\n".join(f"  {stage.format(name=name)}" for name in ("one", "two"))
    (site.root / "drover.yml").write_text(f"stages:\n{text}\n")
    (site.root / "install").mkdir()
    (site.root / "install/app.py").write_text("def handler(event, context): ...\n")
    given = ("--config", "drover.yml", "--install-path", "install")
    done = site.run("plan", "one", "two", *given, "--json", code=1)
    assert [one["error"]["where"][0] for one in done.document["stages"]] == [
        "there is no function `one`", "there is no function `two`",
    ]  # fmt: skip


def test_an_interruption_sends_nothing_more() -> None:
    """What is under way is told at its next package."""
    begun, told = threading.Event(), []

    def work(stage: str, reporter: Any) -> None:
        if stage == "first":
            begun.wait(5)
            raise KeyboardInterrupt
        reporter.emit(Note(text="begun"))
        begun.set()
        for _ in range(1000):
            threading.Event().wait(0.01)
            try:
                reporter.emit(UploadStarted(name="x", size=1))
            except BaseException as error:
                told.append(type(error).__name__)
                raise

    with pytest.raises(KeyboardInterrupt):
        each_stage(work, [["first"], ["second"]])
    assert told == ["_InterruptedError"]


def test_a_failure_of_one_is_its_result() -> None:
    def work(stage: str, _reporter: Any) -> str:
        if stage == "b":
            raise DeployError("no")
        return stage

    results = each_stage(work, [["a", "b", "c"], ["d"]])
    assert [(one.value, one.error and one.error.message) for one in results] == [
        ("a", None), (None, "no"), ("c", None), ("d", None),
    ]  # fmt: skip
