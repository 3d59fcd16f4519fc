"""Whether a ``uv.lock`` is as new as its projects: uv makes the lock, and what the projects say is edited."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from support.locks import Heard, read, write
from support.tools import run_uv
from support.wheels import make_wheel
from wherry.errors import LockError
from wherry.events import SILENT, Note
from wherry.files import ProjectFiles
from wherry.lock.document import read_toml
from wherry.lock.uv.freshness import check_fresh
from wherry.lock.uv.local import local_packages

if TYPE_CHECKING:
    from pathlib import Path

    from support.index import Index

ROOT = """\
[project]
name = "Root_App"
version = "0.1"
requires-python = ">=3.11"
dependencies = [
    "outer", "alpha>=1 ; python_version < '3.13'", "gamma[fast]", "local", "sourced", "plain", "computed",
    "winonly; os_name == 'nt' or sys_platform == 'cygwin'", "delta", "bare", "flat",
]

[project.optional-dependencies]
one = ["native ; os_name == 'posix' or os_name == 'java'"]
all = ["root-app[one]"]

[dependency-groups]
A = ["devtool"]
b = ["beta"]
c = [{include-group = "a"}]

[tool.uv]
constraint-dependencies = ["alpha<9", "beta; sys_platform == 'win32'"]
override-dependencies = ["delta>1"]
build-constraint-dependencies = ["setuptools<99; python_version > '3.8'"]
exclude-dependencies = ["unwanted"]
environments = ["sys_platform == 'linux'", "sys_platform == 'win32'"]
prerelease = "allow"
exclude-newer-package = {alpha = false}
conflicts = [[{group = "A"}, {group = "b"}]]
dependency-metadata = [{name = "Some", version = "1.0", requires-dist = ["alpha; python_version < '3.12'"]}]

[tool.uv.dependency-groups]
b = {requires-python = ">=3.12"}

[tool.uv.workspace]
members = ["members/*", "members/outer/inner"]

[tool.uv.sources]
outer = {workspace = true}
inner = {workspace = true}
bare = {workspace = true}
plain = {path = "../elsewhere/plain"}
computed = {path = "computed"}
local = {path = "wheels/local-7.0-py3-none-any.whl"}
sourced = {git = "REPOSITORY", branch = "main"}
flat = {index = "folder"}
delta = [{index = "main", marker = "sys_platform == 'linux'"}]

[[tool.uv.index]]
name = "main"
url = "INDEX"
default = true

[[tool.uv.index]]
name = "folder"
url = "./wheels"
format = "flat"
explicit = true
"""
MEMBER = """\
[project]
name = "NAME"
version = "0.1"
requires-python = ">=3.11"
dependencies = [DEPENDENCIES]
[build-system]
requires = ["nothing"]
build-backend = "nothing"
"""
DYNAMIC = """\
[project]
name = "computed"
dynamic = ["version", "dependencies"]
[build-system]
requires = []
build-backend = "tiny"
backend-path = ["."]
"""
BACKEND = """\
import pathlib

def prepare_metadata_for_build_wheel(folder, config_settings=None):
    info = pathlib.Path(folder, "computed-1.0.dist-info")
    info.mkdir()
    text = "Metadata-Version: 2.1\\nName: computed\\nVersion: 1.0\\nRequires-Dist: alpha\\n"
    (info / "METADATA").write_text(text)
    return info.name
"""


def member(name: str, dependencies: str) -> str:
    return MEMBER.replace("NAME", name).replace("DEPENDENCIES", dependencies)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, index: Index, uv_cache: Path) -> Path:
    """A workspace with all that uv records, locked on a machine that named an option on its command line."""
    folder = tmp_path_factory.mktemp("freshness")
    repository = write(folder / "repository", pyproject__toml=member("sourced", ""))
    git = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
    for command in (
        ["init", "--quiet", "-b", "main"],
        ["add", "."],
        [*git, "commit", "--quiet", "-m", "x"],
    ):
        assert os.spawnlp(os.P_WAIT, "git", "git", "-C", str(repository), *command) == 0
    text = ROOT.replace("INDEX", index.simple).replace("REPOSITORY", repository.as_uri())
    root = write(folder / "root", pyproject__toml=text)
    for name in ("local", "flat"):
        make_wheel(name, "7.0").write(root / "wheels")
    write(root / "members" / "outer", pyproject__toml=member("outer", '"inner", "alpha"'))
    write(root / "members" / "outer" / "inner", pyproject__toml=member("inner", '"beta"'))
    # Neither names a build system: uv installs the one that another member asks for, and not the other.
    for name in ("bare", "alone"):
        bare = f'[project]\nname = "{name}"\nversion = "0"\n'
        write(root / "members" / name, pyproject__toml=bare)
    write(root / "computed", pyproject__toml=DYNAMIC, tiny__py=BACKEND)
    # A member of another workspace, whose sources are those of that workspace.
    other = (
        '[tool.uv.workspace]\nmembers = ["*"]\n[tool.uv.sources]\nsibling = {workspace = true}\n'
    )
    write(folder / "elsewhere", pyproject__toml=other)
    plain = member("plain", '"sibling", "inner; sys_platform == \'never\'"')
    write(folder / "elsewhere" / "plain", pyproject__toml=plain)
    write(folder / "elsewhere" / "sibling", pyproject__toml=member("sibling", ""))
    run_uv(
        *("lock", "--quiet", "--fork-strategy", "fewest"),
        cwd=root,
        env={"UV_CACHE_DIR": str(uv_cache)},
    )
    return folder


def edited(made: Path, tmp_path: Path, file: str, *edits: tuple[str, str]) -> Path:
    """A copy of the projects with a file edited; uv has never seen it, and its cache is cold."""
    folder = tmp_path / "copy"
    shutil.copytree(made, folder, ignore=shutil.ignore_patterns(".git"))
    path = folder / "root" / file
    text = path.read_text()
    for before, after in edits:
        assert before in text
        text = text.replace(before, after, 1)
    path.write_text(text)
    return folder / "root"


def read_cold(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The notes of reading a lock, with no cache, no interpreter to be found and no network."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cold"))
    monkeypatch.setenv("PATH", "/nowhere")
    heard = Heard()
    read(root, reporter=heard, offline=True)
    return heard.texts(Note)


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("pyproject.toml", "", ""),
        ("pyproject.toml", "python_version < '3.13'", "python_full_version < '3.13'"),
        ("pyproject.toml", "os_name == 'nt' or sys_platform == 'cygwin'", "sys_platform == 'cygwin' or sys_platform == 'win32'"),
        ("pyproject.toml", '"members/*", "members/outer/inner"', '"members/**"'),
        ("pyproject.toml", 'branch = "main"', 'branch = "main", subdirectory = "."'),
        ("pyproject.toml", 'name = "Some"', 'name = "some"'),
        ("pyproject.toml", 'version = "0.1"', 'version = "0.2"'),
        ("members/outer/pyproject.toml", '"inner", "alpha"', '"Alpha", "inner"'),
    ],
)  # fmt: skip
def test_it_is_fresh_whatever_is_on_the_machine(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, before: str, after: str
) -> None:
    """What cannot be known is one note: an option of the command line, and what a build backend keeps to itself."""
    notes = read_cold(edited(made, tmp_path, file, (before, after)), tmp_path, monkeypatch)
    assert len(notes) == 1
    assert "`computed/pyproject.toml` asks for is known to its build backend alone" in notes[0]
    assert "it was made with `fork-strategy` `fewest`, which the project does not name" in notes[0]


ASKS = "`pyproject.toml` asks for "
CONFLICT = "the group `a` and the group `b`"


@pytest.mark.parametrize(
    ("file", "before", "after", "cause"),
    [
        ("pyproject.toml", "< '3.13'", "< '3.12'", ASKS + "`alpha>=1 ; python_version < '3.12'`, the lock was made for"),
        ("pyproject.toml", "'cygwin'", "'emscripten'", ASKS + "`winonly; "),
        ("pyproject.toml", "os_name == 'posix'", "os_name == 'nt'", ASKS + "`native ; "),
        ("pyproject.toml", "root-app[one]", "root-app", ASKS + "`root-app`, the lock was made for `root-app[one]`"),
        ("pyproject.toml", 'branch = "main"', 'tag = "main"', ASKS + "`sourced` from file://"),
        ("pyproject.toml", "local-7.0", "local-7.1", ASKS + "`local` from wheels/local-7.1-py3-none-any.whl, the lock was made for `local` from wheels/local-7.0-py3-none-any.whl"),
        ("pyproject.toml", "marker = \"sys_platform == 'linux'\"}", "marker = \"sys_platform == 'win32'\"}", ASKS + '`delta ; sys_platform == "win32"` from http'),
        ("pyproject.toml", '{index = "main", ', '{url = "https://host/delta-1-py3-none-any.whl", ', ASKS + '`delta ; sys_platform == "linux"` from https://host/delta-1-py3-none-any.whl'),
        ("pyproject.toml", 'flat = {index = "folder"}', "", ASKS + "`flat`, the lock was made for `flat` from wheels"),
        ("pyproject.toml", 'plain = {path = "../elsewhere/plain"}', "", ASKS + "`plain`, the lock was made for `plain` from ../elsewhere/plain"),
        ("pyproject.toml", "alpha<9", "alpha<8", "`pyproject.toml, constraint-dependencies` asks for `alpha<8`, the lock was made for `alpha<9`"),
        ("pyproject.toml", '"delta>1"', "", "`pyproject.toml, override-dependencies` no longer asks for `delta>1 ; "),
        ("pyproject.toml", "setuptools<99", "setuptools<98", "`pyproject.toml, build-constraint-dependencies` asks for `setuptools<98; "),
        ("pyproject.toml", '"unwanted"', "", "`exclude-dependencies` and the lock differ about `unwanted`"),
        ("pyproject.toml", ", \"sys_platform == 'win32'\"]", "]", "`environments` is `sys_platform == 'linux'`, the lock was made for"),
        ("pyproject.toml", 'prerelease = "allow"', 'prerelease = "disallow"', "`prerelease` is `disallow`, the lock was made with `allow`"),
        ("pyproject.toml", 'prerelease = "allow"', 'resolution = "lowest"', "`resolution` is `lowest`, the lock was made with `highest`"),
        ("pyproject.toml", "alpha = false", 'alpha = "2020-01-01"', "`exclude-newer-package.alpha` is `2020-01-01`, the lock was made with `false`"),
        ("pyproject.toml", 'conflicts = [[{group = "A"}, {group = "b"}]]', "", CONFLICT + " no longer conflict"),
        ("pyproject.toml", '{group = "b"}]]', '{group = "b"}, {group = "c"}]]', CONFLICT + " and the group `c` conflict, which the lock does not know"),
        ("pyproject.toml", "'3.12'\"]}]", "'3.13'\"]}]", "`dependency-metadata` and the lock differ about `some`"),
        ("pyproject.toml", '">=3.12"', '">=3.13"', "`pyproject.toml, group b` asks for `beta`, the lock was made for"),
        ("pyproject.toml", ', "members/outer/inner"', "", "`members/outer/inner` is no longer a member of the workspace"),
        ("members/outer/pyproject.toml", "[build-system]", "[tool.uv]\npackage = false\n[build-system]", "`members/outer/pyproject.toml` is no package now, the lock was made otherwise"),
        ("members/bare/pyproject.toml", "[project]", "[tool.uv]\npackage = false\n[project]", "`members/bare/pyproject.toml` is no package now, the lock was made otherwise"),
        ("members/alone/pyproject.toml", "[project]", "[build-system]\n[project]", "`members/alone/pyproject.toml` is a package now, the lock was made otherwise"),
        ("members/outer/pyproject.toml", '"alpha"', '"native"', "`members/outer/pyproject.toml` asks for `native`, the lock does not have it"),
        ("members/outer/inner/pyproject.toml", ">=3.11", ">=3.12", "requires-python is `>=3.11 and >=3.12`, the lock was made for `>=3.11`"),
        ("../elsewhere/plain/pyproject.toml", '"sibling"', '"alpha"', "`../elsewhere/plain/pyproject.toml` asks for `alpha`, the lock does not have it"),
    ],
)  # fmt: skip
def test_it_is_stale_whatever_is_on_the_machine(
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    before: str,
    after: str,
    cause: str,
) -> None:
    root = edited(made, tmp_path, file, (before, after))
    with pytest.raises(LockError) as caught:
        read_cold(root, tmp_path, monkeypatch)
    assert caught.value.message == "`uv.lock` is older than `pyproject.toml`"
    assert any(line.startswith(cause) for line in caught.value.where), caught.value.where


SPAN = 'exclude-newer = "0001-01-01T00:00:00Z"\nexclude-newer-span = "P30D"'
DATE = 'exclude-newer = "2025-06-02T00:00:00Z"'


@pytest.mark.parametrize(
    ("recorded", "given", "causes"),
    [
        (SPAN, "30 days", ()),
        (SPAN, "P30D", ()),
        (SPAN, "720 hours", ()),
        (SPAN, "4 weeks", ()),
        (SPAN, "2 months", ()),
        (SPAN, "5 weeks", ("`exclude-newer` is `5 weeks`, the lock was made with `P30D`",)),
        (DATE, "2025-06-01", ()),
        (DATE, "2025-06-02T02:00:00+02:00", ()),
        (DATE, "2025-07-01", ()),
        (DATE, "2025-05-30", ("`exclude-newer` is `2025-05-30`, the lock was made with `2025-06-02T00:00:00Z`",)),
        (DATE, "30 days", ("`exclude-newer` is `30 days`, the lock was made with `2025-06-02T00:00:00Z`",)),
        ("", "30 days", ("`exclude-newer` is `30 days`, the lock was made without it",)),
    ],
)  # fmt: skip
def test_the_bound_of_releases_is_the_recorded_one(
    tmp_path: Path, recorded: str, given: str, causes: tuple[str, ...]
) -> None:
    """One that lets newer releases in is no reason to lock again."""
    lock = f'version = 1\nrevision = 5\nrequires-python = ">=3.11"\n[options]\n{recorded}\n'
    lock += '[[package]]\nname = "shop"\nversion = "1"\nsource = {virtual = "."}\n'
    project = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\n'
    text = f'{project}[tool.uv]\nexclude-newer = "{given}"\n'
    root = write(tmp_path, pyproject__toml=text, uv__lock=lock)
    files = ProjectFiles()
    table = read_toml(root / "uv.lock", files)

    def check() -> None:
        check_fresh(table, local_packages(table, root), root, files, SILENT)

    if not causes:
        check()
        return
    with pytest.raises(LockError) as caught:
        check()
    assert caught.value.where == causes
