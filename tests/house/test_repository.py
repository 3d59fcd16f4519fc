"""What is, and what is not, in the repository."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

import wherry

ROOT = Path(__file__).resolve().parents[2]


def files() -> list[Path]:
    """What git holds or would take: the tracked files, and those that are new and not ignored."""
    try:
        done = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git repository")
    return [
        path
        for name in sorted(set(filter(None, done.stdout.decode().split("\0"))))
        if (path := ROOT / name).is_file()
    ]


def findings(pattern: str) -> list[str]:
    """Where a pattern stands: path, line number and line."""
    compiled = re.compile(pattern, re.IGNORECASE)
    found = []
    for path in files():
        text = path.read_bytes().decode("utf-8", "replace")
        if compiled.search(text):
            found += [
                f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
                for number, line in enumerate(text.splitlines(), start=1)
                if compiled.search(line)
            ]
    return found


# In pieces, or this file would be found.
HOSTS = "|".join(
    r"\b" + r"\.".join(host) + r"\b"
    for host in (
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("pypi", "python", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("crates", "io"),
        ("rubygems", "org"),
        ("conda", "anaconda", "org"),
    )
)
# Made-up homes are welcome in tests: `/home/me` is nobody's.
HOMES = (
    r"(?<![\w./~*?}$-])/(?:home|Users|root)/"
    r"(?!(?:me|user|somebody|someone|nobody|dev|runner|builder)/)[a-z.][\w.-]*/"
)
HERE = re.escape(str(ROOT)) + r"(?![\w-])"
# A clone in a folder such as `/src` has a path that means other things too.
HERE_TELLS = len(ROOT.parts) > 2


def test_no_file_names_the_host_of_a_registry() -> None:
    """The default index is what the environment says; its library knows PyPI's address."""
    assert not findings(HOSTS)


def test_no_file_names_a_developers_folder() -> None:
    assert not findings(HOMES)
    if HERE_TELLS:
        assert not findings(HERE)


def test_no_lock_that_records_addresses() -> None:
    """Those name the host of a registry; poetry.lock and requirements files need not."""
    locks = re.compile(r"uv\.lock|pylock(\..+)?\.toml|Pipfile\.lock|pdm\.lock|package-lock\.json")
    assert not [path for path in files() if locks.fullmatch(path.name)]


def test_the_patterns_find_what_they_are_for() -> None:
    assert len(files()) > 100
    assert findings("def test_the_patterns_find_what_they_are_for")
    assert re.search(HOSTS, "https://" + "pypi" + ".org/simple/")
    assert re.search(HOSTS, "files." + "python" + "hosted" + ".org")
    assert re.search(HOMES, '"' + "/home" + '/ada/src/wherry"')
    assert re.search(HOMES, "in " + "/root" + "/.cache/wherry")
    assert not re.search(HOMES, "/home/me/src and ~/home/ada/x and https://host/users/ada/")
    assert re.search(HERE, f"{ROOT}/src")


def test_the_licence_is_there() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0" in text
    assert pyproject()["project"]["license"] == "Apache-2.0"
    assert pyproject()["project"]["license-files"] == ["LICENSE"]
    assert "Apache-2.0" in (ROOT / "README.md").read_text(encoding="utf-8")


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_all_versions_agree() -> None:
    """One place says it; the changelog's newest entry is of it."""
    assert pyproject()["project"]["dynamic"] == ["version"]
    assert pyproject()["tool"]["hatch"]["version"]["path"] == "src/wherry/version.py"
    text = (ROOT / "src" / "wherry" / "version.py").read_text(encoding="utf-8")
    said = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    assert said
    assert said[1] == wherry.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", changelog, re.MULTILINE)
    assert newest
    # Between releases the version in the code is that of the next one, perhaps with `.dev0`.
    assert newest[1] == re.sub(r"\.dev\d+$", "", said[1])


def test_python_versions_agree() -> None:
    document = pyproject()
    lowest = document["project"]["requires-python"].removeprefix(">=")
    classifiers = document["project"]["classifiers"]
    named = [found[1] for text in classifiers if (found := re.search(r":: (3\.\d+)$", text))]
    assert named[0] == lowest
    assert document["tool"]["mypy"]["python_version"] == lowest
    assert f"Python {lowest} or newer" in (ROOT / "README.md").read_text(encoding="utf-8")


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def test_every_dependency_is_accounted_for_and_no_other() -> None:
    page = (ROOT / "docs" / "explanation" / "dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
    declared = [name_of(each) for each in pyproject()["project"]["dependencies"]]
    assert [name for name, _, _ in rows] == declared == sorted(declared)
    assert all(what.strip() and why.strip() for _, what, why in rows)


def test_every_dependency_is_imported() -> None:
    source = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "src" / "wherry").rglob("*.py")
    )
    for requirement in pyproject()["project"]["dependencies"]:
        name = name_of(requirement)
        module = {"pyyaml": "yaml", "python-dotenv": "dotenv"}.get(name, name.replace("-", "_"))
        assert re.search(rf"^\s*(from|import) {module}\b", source, re.MULTILINE), module


def test_the_development_environment_is_pinned_with_hashes() -> None:
    text = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    pinned: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        assert not line.startswith("-"), f"an option: {line}"
        found = re.fullmatch(
            r"([a-z0-9-]+)==([^\s;]+)(?:\s*;\s*[^#]*?)?((?:\s+--hash=sha256:[0-9a-f]{64})+)", line
        )
        assert found, f"not pinned with hashes: {line[:60]}"
        pinned[found[1]] = found[2]
    document = pyproject()
    groups = document["dependency-groups"]
    wanted = [*document["project"]["dependencies"], *groups["dev"], *groups["tools"]]
    assert {name_of(each) for each in wanted} <= pinned.keys()


def test_newcomers_commands_exist() -> None:
    """The two commands of the README."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ make (\S+)", readme, re.MULTILINE)
    assert commands == ["demo", "test"]
    for target in {*commands, *re.findall(r"`make (\S+)`", readme)}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
