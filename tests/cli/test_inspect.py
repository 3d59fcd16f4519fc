"""``wherry inspect``: of a project and of zip files, as text and JSON, against another file and a commit."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from support.projects import write_files
from support.wheels import make_wheel
from support.zips import HANDLER, installed, write_package

if TYPE_CHECKING:
    from pathlib import Path

    from support.command import Wherry

PYPROJECT = """\
[project]
name = "shop"
version = "1.0"

[tool.wherry]
runtime = "python3.13"

[tool.wherry.functions.api]
handler = "shop.handler"
"""


def project(root: Path) -> None:
    made = make_wheel("view", files={"view/__init__.py": b"VIEW = 1\n" * 200})
    made.write(root)
    lock = (
        'lock-version = "1.0"\ncreated-by = "tests"\n[[packages]]\nname = "view"\nversion = "1.0"\n'
        f'[[packages.wheels]]\npath = "{made.filename}"\nhashes = {{sha256 = "{made.sha256}"}}\n'
    )
    write_files(
        root,
        {
            "pyproject.toml": PYPROJECT,
            "pylock.toml": lock,
            "shop.py": f"import view\n{HANDLER}",
            ".gitignore": "dist/\n",
        },
    )


def git(root: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments],
        cwd=root,
        check=True,
        capture_output=True,
    )


def test_a_project_and_its_commits(wherry: Wherry) -> None:
    project(wherry.cwd)
    done = wherry.succeed("inspect", "--html", "dist/report/api.html")
    lines = done.out.splitlines()
    assert lines[0].startswith("api: ")
    assert lines[1].split() == [
        "distribution", "zipped", "share", "unzipped", "files", "retained", "loaded",
    ]  # fmt: skip
    assert {line.split()[0] for line in lines[2:5]} == {"shop", "view", "(zip"}
    assert (wherry.cwd / "dist/report/api.html").read_text().startswith("<!DOCTYPE html>")
    assert wherry("inspect", "--why", "view", "--no-build").out == (
        "view is in api\n  required: shop → view\n  imported: shop → view\n"
    )


def test_a_commit(wherry: Wherry) -> None:
    project(wherry.cwd)
    git(wherry.cwd, "init", "-q")
    git(wherry.cwd, "add", "-A")
    git(wherry.cwd, "commit", "-qm", "first")
    with (wherry.cwd / "shop.py").open("a") as file:
        file.write("MORE = 1\n")
    changed = wherry("inspect", "--against", "HEAD", "--exit-code")
    assert changed.code == 3
    assert "shop changed, +" in changed.out
    assert "    shop.py changed, +" in changed.out
    # The old packages are written elsewhere.
    git(wherry.cwd, "commit", "-qam", "second")
    same = wherry("inspect", "--against", "HEAD", "--no-build", "--exit-code", "-q")
    assert (same.code, same.out) == (0, "api: no difference\n")
    failed = wherry("inspect", "--against=--output=x")
    assert failed.error.startswith("error: there is nothing to compare with at `--output=x`\n")


def test_a_zip_file_of_another_tool(wherry: Wherry) -> None:
    files = {"app.py": f"import lib\n{HANDLER}", **installed("lib")}
    path = write_package(wherry.cwd / "app.zip", files)
    done = wherry.succeed("inspect", "app.zip", "--json", "--budget", "1MB", "--exit-code")
    (package,) = json.loads(done.out)["packages"]
    assert sum(each["size"] for each in package["distributions"]) + package["overhead"] == (
        path.stat().st_size
    )
    over = wherry("inspect", "app.zip", "--budget", "100", "--exit-code", "--by", "kind")
    assert over.code == 3
    assert over.err.endswith(
        f"warning: `app` is over the budget by {path.stat().st_size - 100} B\n"
    )
    assert over.out.splitlines()[1].split()[0] == "kind"
    top = wherry("inspect", "app.zip", "--top", "1")
    assert "(1 more)" in top.out
    assert wherry("inspect", "app.zip", "--budget", "much").code == 2
    assert wherry("inspect", "app.zip", "api").code == 2


def test_import_times_of_a_log(wherry: Wherry) -> None:
    write_package(wherry.cwd / "fn.zip", {"app.py": f"import lib\n{HANDLER}", **installed("lib")})
    log = "import time: 1500 | 1500 |   json\nimport time: 2500 | 4000 | lib\nlogged\n"
    write_files(wherry.cwd, {"log": log})
    arguments = ["inspect", "fn.zip", "--handler", "app.handler", "--profile", "log", "--quiet"]
    done = wherry.succeed(*arguments, "--html", "page.html")
    assert done.out.endswith(
        "\n\nimport time: 4.0 ms\n"
        "  modules of        itself  share\n"
        "  lib               2.5 ms  62.5%\n"
        "  standard library  1.5 ms  37.5%\n"
    )
    assert '["json",1,1500,' in (wherry.cwd / "page.html").read_text()
    done = wherry(*arguments, "--json")
    assert json.loads(done.out)["import_ms"]["lib"] == 2.5
    done = wherry("inspect", "fn.zip", "--profile", "fn.zip")
    assert (done.code, "`fn.zip` holds no import times" in done.error) == (1, True)


def test_what_a_build_would_refuse_is_shown(wherry: Wherry) -> None:
    project(wherry.cwd)
    with (wherry.cwd / "pyproject.toml").open("a") as file:
        file.write("[tool.wherry.quotas]\nunzipped = 1000\n")
    assert wherry("build").error.startswith("error: `api` is ")
    shown = wherry.succeed("inspect")
    assert "view 1.0" in shown.out
    assert "error SIZE001 api: " in wherry("check").out
