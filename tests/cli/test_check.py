"""``wherry check``: of a project, of zip archives of others, as text, JSON and SARIF; and the checks of a build."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from support.projects import EMPTY_LOCK, write_files
from support.shared_objects import SharedObject
from support.wheels import make_wheel
from support.zips import HANDLER, installed, write_package

if TYPE_CHECKING:
    from pathlib import Path

    from support.command import Wherry

GL = SharedObject(needed=("libc.so.6", "libGL.so.1")).data()
PYPROJECT = """\
[project]
name = "shop"
version = "1.0"

[tool.wherry]
runtime = "python3.13"
{settings}

[tool.wherry.functions.api]
handler = "shop.handler"
{function}
"""


def project(root: Path, source: str, *, settings: str = "", function: str = "") -> None:
    """A project with one function and a vendored wheel that needs what Lambda does not have."""
    made = make_wheel(
        "view",
        files={"view/__init__.py": b"from view import screen\n", "view/screen.so": GL},
        tag="cp313-cp313-manylinux_2_17_x86_64",
    )
    made.write(root)
    lock = (
        'lock-version = "1.0"\ncreated-by = "tests"\n[[packages]]\nname = "view"\nversion = "1.0"\n'
        f'[[packages.wheels]]\npath = "{made.filename}"\nhashes = {{sha256 = "{made.sha256}"}}\n'
    )
    write_files(
        root,
        {
            "pyproject.toml": PYPROJECT.format(settings=settings, function=function),
            "pylock.toml": lock,
            "shop.py": source,
        },
    )


FAILING = f"import view\n{HANDLER}"


def test_a_build_stops_at_what_is_certain_to_fail(wherry: Wherry) -> None:
    project(wherry.cwd, FAILING)
    failed = wherry.fail("build")
    assert failed.out == ""
    assert failed.error == (
        "error: the package would fail on AWS Lambda\n"
        "  ╰─▶ ELF003 `view/screen.so` of `view`: it needs `libGL.so.1`, which python3.13 does not have "
        "(shop → view → view.screen)\n"
        "hint: take a variant that does without it, such as `-headless`; or ship the library in `lib/` of a layer, "
        'or say that the runtime has it: [tool.wherry.runtimes."python3.13"] libraries = ["libGL.so.1"]\n'
        '      `wherry check` lists all findings; `check = "warn"` in the settings builds anyway\n'
    )
    assert not (wherry.cwd / "dist").exists()
    # What is not imported does not matter, from the next edit on.
    (wherry.cwd / "shop.py").write_text(f"def view():\n    import view\n{HANDLER}")
    assert wherry("build").code == 0
    # And a verdict that is remembered holds for these imports alone.
    (wherry.cwd / "shop.py").write_text(f"# edited\ndef view():\n    import view\n{HANDLER}")
    assert wherry("build").code == 0
    (wherry.cwd / "shop.py").write_text(FAILING)
    assert wherry("build").code == 1


def test_a_name_that_is_gone_stops_a_build(wherry: Wherry) -> None:
    """Also in the project's own code, and after a verdict that was remembered."""
    project(wherry.cwd, f"from models import Order\n{HANDLER}", settings='include = ["/models.py"]')
    (wherry.cwd / "models.py").write_text("class Order: ...\n")
    assert wherry("build").code == 0
    (wherry.cwd / "models.py").write_text("class Order:\n    items = 1\n")
    assert wherry("build").code == 0
    (wherry.cwd / "models.py").write_text("class PreOrder: ...\n")
    assert (
        "IMP003 `shop.py:1` of `api`: `shop` imports `Order` from `models`"
        in wherry.fail("build").error
    )


def test_settings_say_what_a_build_does(wherry: Wherry) -> None:
    project(wherry.cwd, FAILING, settings='check = "warn"')
    warned = wherry.succeed("build")
    assert "warning: ELF003 `view/screen.so` of `view`: it needs `libGL.so.1`" in warned.err
    project(wherry.cwd, FAILING, settings='check = "off"')
    assert "ELF003" not in wherry("build").err
    # A build without checks is none that later ones may take over.
    project(wherry.cwd, FAILING)
    assert wherry("build").code == 1
    project(wherry.cwd, FAILING, settings='check = {ignore = ["ELF"]}')
    assert wherry("build").code == 0
    runtimes = '[tool.wherry.runtimes."python3.13"]\nlibraries = ["libGL.so.1"]'
    project(wherry.cwd, FAILING, settings=runtimes)
    assert wherry("build").code == 0
    project(wherry.cwd, FAILING, settings='check = {level = "maybe", ignore = ["elf003"], x = 1}')
    wrong = wherry.fail("build")
    for problem in ("check.level: expected one of error, warn, off", "check.ignore", "check.x"):
        assert problem in wrong.err


def test_findings_are_text_json_or_sarif(wherry: Wherry) -> None:
    project(wherry.cwd, FAILING)
    found = wherry("check", "--exit-code")
    assert found.code == 3
    assert found.out == (
        "error ELF003 api: view/screen.so: it needs `libGL.so.1`, which python3.13 does not have "
        "(shop → view → view.screen)\n"
        "  hint: take a variant that does without it, such as `-headless`; or ship the library in `lib/` of a layer, "
        'or say that the runtime has it: [tool.wherry.runtimes."python3.13"] libraries = ["libGL.so.1"]\n'
    )
    assert "Checked api for python3.13-x86_64: 1 error" in found.err
    document = wherry("check", "--json").document
    assert document["schema"] == 1
    assert [set(finding) for finding in document["findings"]] == [
        {"code", "severity", "package", "where", "message", "hint", "owner"}
    ]
    log = wherry("check", "--sarif").document
    (run,) = log["runs"]
    assert (log["version"], run["tool"]["driver"]["name"]) == ("2.1.0", "wherry")
    (result,) = run["results"]
    assert result["ruleId"] == run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "ELF003"
    location = result["locations"][0]["physicalLocation"]
    assert location == {
        "artifactLocation": {"uri": "view/screen.so"},
        "region": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2},
    }
    assert wherry("check", "--ignore", "ELF", "--exit-code").code == 0
    assert wherry("check", "--select", "HND", "--json").document["findings"] == []
    unknown = wherry.fail("check", "--select", "ELF9")
    assert "no check has the code `ELF9`" in unknown.err
    # A build that was made for a check is none that `build` takes over.
    assert wherry("build").code == 1


def test_zip_archives_of_others_are_checked_with_their_layers(wherry: Wherry) -> None:
    lib = installed("lib", {"lib/__init__.py": "import nowhere\n"}, folder="python/")
    write_package(wherry.cwd / "layer.zip", lib)
    write_package(wherry.cwd / "function.zip", {"app.py": f"import lib\n{HANDLER}"})
    found = wherry("check", "function.zip", "--layer", "layer.zip", "--json", "--exit-code")
    assert found.code == 3
    (finding,) = found.document["findings"]
    assert (finding["code"], finding["package"], finding["owner"]) == ("IMP001", "layer", "lib")
    assert "checking for python3.14-x86_64" in found.err
    (finding,) = wherry("check", "function.zip", "--json").document["findings"]
    assert (finding["code"], finding["owner"]) == ("IMP001", "function")
    # It needs neither a project nor its settings.
    absent = wherry("check", "function.zip", "--handler", "app.main", "--json").document
    assert {finding["code"] for finding in absent["findings"]} == {"HND002", "IMP001"}


def test_what_is_no_package_is_an_error(wherry: Wherry) -> None:
    (wherry.cwd / "text.zip").write_text("text")
    assert "`text.zip` is not a zip archive" in wherry("check", "text.zip").error
    assert wherry("check", "absent.zip").code == 1
    assert wherry("check", "text.zip", "api").code == 2
    assert wherry("check", "--layer", "text.zip").code == 1
    assert wherry("check", "--json", "--sarif").code == 2


def test_layers_of_a_project_are_checked_with_its_functions(wherry: Wherry) -> None:
    layers = 'layers = ["screen"]\n\n[tool.wherry.layers.screen]\ninclude = ["view"]'
    project(wherry.cwd, FAILING, function=layers)
    (finding,) = wherry("check", "--json").document["findings"]
    assert (finding["package"], finding["where"]) == ("screen", "python/view/screen.so")
    assert wherry("build").code == 1
    arn = 'layers = ["arn:aws:lambda:eu-west-1:111122223333:layer:libs:1"]'
    project(wherry.cwd, FAILING, function=arn)
    # Its libraries may be in the layer that is not here.
    assert wherry("check", "--exit-code").code == 0
    assert wherry("build").code == 0
    notes = wherry("check", "--strict", "--json").document["findings"]
    assert ("ELF003", "note") in {(each["code"], each["severity"]) for each in notes}


def test_written_packages_are_checked_without_a_build(wherry: Wherry) -> None:
    write_files(
        wherry.cwd,
        {
            "pyproject.toml": PYPROJECT.format(settings="", function=""),
            "pylock.toml": EMPTY_LOCK,
            "shop.py": HANDLER,
        },
    )
    assert wherry("build").code == 0
    (wherry.cwd / "shop.py").write_text(f"import nowhere\n{HANDLER}")
    assert json.loads(wherry("check", "--no-build", "--json").out)["findings"] == []
    assert wherry("check", "--exit-code").code == 3
