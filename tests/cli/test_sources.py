"""Distributions that are no wheel on an index, and the project's own code, through the command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest
import tomli_w

from support.backends import obedient_project
from support.index import serve_index
from support.projects import TINY_BACKEND, make_project, write_files
from support.tools import new_uv_cache, run_uv
from support.wheels import Made, make_sdist, make_wheel
from support.zips import unzipped

if TYPE_CHECKING:
    from pathlib import Path

    from support.command import Finished, Wherry
    from support.index import Index

BYHAND = make_wheel("byhand", "3.0")


def git(root: Path, *arguments: str) -> str:
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "t"), ("EMAIL", "t@example.com"))
    }
    done = subprocess.run(
        ["git", *arguments],
        cwd=root,
        env={**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


class Places:
    """Every kind of source: in a folder, in a repository, on an index, as a file, at an address."""

    def __init__(self, root: Path, index: Index) -> None:
        self.root = root
        self.index = index
        self.shared = obedient_project(
            root / "shared", name="shared", files={"shared/__init__.py": b"SHARED = 1\n"}
        )
        self.toolbox = obedient_project(
            root / "toolbox", name="toolbox", files={"toolbox.py": b"TOOLBOX = 1\n"}
        )
        git(self.toolbox, "init", "-q", "-b", "main")
        git(self.toolbox, "add", "-A")
        git(self.toolbox, "commit", "-q", "-m", "one")
        self.commit = git(self.toolbox, "rev-parse", "HEAD")
        self.byhand = BYHAND.write(root / "wheels")
        self.pure = self._sdist("pure")
        self.linked = self._sdist("linked")
        self.index.add(self.pure, self.linked)

    def _sdist(self, name: str) -> Made:
        folder = obedient_project(
            self.root / "sdists" / name, name=name, files={f"{name}.py": b"PURE = 1\n"}
        )
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        shutil.rmtree(folder)
        return make_sdist(name, files=files)

    @property
    def link(self) -> str:
        return f"{self.index.url}/files/{self.linked.filename}"


@pytest.fixture
def places(tmp_path: Path, index: Index) -> Places:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    return Places(tmp_path, index)


def own_project(
    wherry: Wherry, *, dependencies: list[str] | None = None, **more: dict[str, object]
) -> Path:
    """S8: a project with a src layout and a build backend."""
    pyproject = {
        "project": {
            "name": "shop",
            "version": "1.0",
            "requires-python": ">=3.11",
            "dependencies": dependencies or [],
        },
        "build-system": {"requires": [], "build-backend": "tiny", "backend-path": ["."]},
        **more,
    }
    return write_files(
        wherry.cwd,
        {
            "pyproject.toml": tomli_w.dumps(pyproject),
            "tiny.py": TINY_BACKEND,
            "src/shop/__init__.py": "",
            "src/shop/api.py": "def handler(event, context):\n    return event\n",
        },
    )


def lock_with_pylock(wherry: Wherry, places: Places) -> None:
    project = own_project(wherry)
    packages = [
        {"name": "shared", "directory": {"path": "../shared", "editable": True}},
        {
            "name": "toolbox",
            "version": "1.0",
            "vcs": {
                "type": "git",
                "url": places.toolbox.as_uri(),
                "requested-revision": "main",
                "commit-id": places.commit,
            },
        },
        {
            "name": "byhand",
            "version": "3.0",
            "wheels": [
                {
                    "path": f"../wheels/{BYHAND.filename}",
                    "hashes": {"sha256": BYHAND.sha256},
                }
            ],
        },
        {
            "name": "pure",
            "version": "1.0",
            "sdist": {
                "name": places.pure.filename,
                "url": f"{places.index.url}/files/{places.pure.filename}",
                "hashes": {"sha256": places.pure.sha256},
            },
        },
        {
            "name": "linked",
            "archive": {"url": places.link, "hashes": {"sha256": places.linked.sha256}},
        },
    ]
    lock = {"lock-version": "1.0", "created-by": "tests", "packages": packages}
    write_files(project, {"pylock.toml": tomli_w.dumps(lock)})


def lock_with_uv(wherry: Wherry, places: Places) -> None:
    sources = {
        "shared": {"path": "../shared", "editable": True},
        "toolbox": {"git": places.toolbox.as_uri(), "rev": places.commit},
        "byhand": {"path": f"../wheels/{BYHAND.filename}"},
        "linked": {"url": places.link},
    }
    project = own_project(
        wherry,
        dependencies=["shared", "toolbox", "byhand", "pure", "linked"],
        tool={"uv": {"sources": sources}},
    )
    run_uv("lock", "--quiet", cwd=project, env={"UV_DEFAULT_INDEX": places.index.simple})
    shutil.rmtree(project / ".home")


def lock_with_requirements(wherry: Wherry, places: Places) -> None:
    project = own_project(wherry)
    lines = [
        f"--index-url {places.index.simple}",
        "-e ../shared",
        f"toolbox @ git+{places.toolbox.as_uri()}@{places.commit}",
        f"../wheels/{BYHAND.filename}",
        "pure==1.0",
        f"linked @ {places.link}",
    ]
    write_files(project, {"requirements.txt": "\n".join(lines) + "\n"})


LOCKS = {
    "pylock.toml": lock_with_pylock,
    "uv.lock": lock_with_uv,
    "requirements.txt": lock_with_requirements,
}
NAMES = ["byhand", "linked", "pure", "shared", "shop", "toolbox"]


def build(wherry: Wherry, *arguments: str | Path, **env: str) -> Finished:
    return wherry.succeed("build", "--runtime", "python3.13", "--json", *arguments, **env)


def built(done: Finished) -> list[str]:
    return sorted(re.findall(r"^Building (\S+) \.\.\.$", done.err, re.MULTILINE))


def members(wherry: Wherry) -> dict[str, bytes]:
    return unzipped(wherry.cwd / "dist" / "lambda" / "shop.zip")


@pytest.mark.parametrize("name", LOCKS)
def test_every_kind_of_source(wherry: Wherry, places: Places, tmp_path: Path, name: str) -> None:
    """B3, S8, D6: what is built here is bundled, and no path of this machine is in any file."""
    LOCKS[name](wherry, places)
    env = {"UV_CACHE_DIR": new_uv_cache(tmp_path / "uv-cache")}
    done = build(wherry, **env)
    package = done.document["packages"][0]
    assert [one["name"] for one in package["distributions"]] == NAMES
    files = members(wherry)
    assert files["shared/__init__.py"] == b"SHARED = 1\n"
    assert files["toolbox.py"] == b"TOOLBOX = 1\n"
    assert files["pure.py"] == files["linked.py"] == b"PURE = 1\n"
    assert files["byhand/__init__.py"] == b"__version__ = '3.0'\n"
    assert files["shop/api.py"].startswith(b"def handler(")
    assert "byhand-3.0.dist-info/METADATA" in files
    for path, content in files.items():
        assert tmp_path.name.encode() not in content, path
        assert not path.endswith((".pth", ".egg-link", "direct_url.json")), path
    # What cannot change is built once; a backend out of the tree itself may do anything, and is asked.
    assert built(done) == ["linked", "pure", "shared", "shop", "toolbox"]
    assert built(build(wherry, **env)) == ["shared", "shop"]
    if name != "requirements.txt":
        shutil.rmtree(wherry.cwd / "dist")
        again = build(wherry, "--offline", **env)
        assert again.document["packages"][0]["sha256"] == package["sha256"]
    assert wherry.rubbish() == []


def test_the_formats_of_locks_agree(tmp_path: Path, index: Index, wherry: Wherry) -> None:
    """A1, N1: the same distributions give the same bytes, whichever lock says so."""
    places = Places(tmp_path, index)
    digests = {}
    for name, lock in LOCKS.items():
        place = tmp_path / name
        project = place / "deep" / "shop"
        project.mkdir(parents=True)
        for shared in ("shared", "wheels"):
            shutil.copytree(tmp_path / shared, place / "deep" / shared)
        caller = type(wherry)(store=wherry.store, cwd=project)
        lock(caller, places)
        done = build(caller, UV_CACHE_DIR=new_uv_cache(tmp_path / "uv-cache"))
        digests[name] = done.document["packages"][0]["sha256"]
    assert len(set(digests.values())) == 1, digests


def test_edits_of_a_path_dependency_are_noticed(wherry: Wherry, places: Places) -> None:
    """B3, D5: an edit beside the project, that keeps size and time, is in the next package."""
    lock_with_pylock(wherry, places)
    build(wherry)
    assert build(wherry).document["packages"][0]["changed"] is False
    told = places.shared / "wheel.json"
    before = told.stat()
    obedient_project(places.shared, name="shared", files={"shared/__init__.py": b"SHARED = 2\n"})
    os.utime(told, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert told.stat().st_size == before.st_size
    assert build(wherry).document["packages"][0]["changed"] is True
    assert members(wherry)["shared/__init__.py"] == b"SHARED = 2\n"


def test_a_path_dependency_that_is_gone(wherry: Wherry, places: Places) -> None:
    lock_with_pylock(wherry, places)
    build(wherry)
    package = members(wherry)
    shutil.rmtree(places.shared)
    done = wherry("build", "--runtime", "python3.13")
    assert (done.code, done.out) == (1, "")
    assert "Traceback" not in done.err
    assert "shared" in done.error
    assert members(wherry) == package


def test_a_moved_branch_does_not_matter(wherry: Wherry, places: Places) -> None:
    """A1: the commit that was locked, whatever the branch holds by now."""
    lock_with_pylock(wherry, places)
    obedient_project(places.toolbox, name="toolbox", files={"toolbox.py": b"TOOLBOX = 2\n"})
    git(places.toolbox, "commit", "-q", "-a", "-m", "two")
    build(wherry)
    assert members(wherry)["toolbox.py"] == b"TOOLBOX = 1\n"


def test_an_edit_of_the_project(wherry: Wherry) -> None:
    """S8, D5, A5: what is edited is packaged, what is gone is not."""
    project = own_project(wherry)
    write_files(project, {"src/shop/old.py": "OLD = 1\n"})
    build(wherry)
    source = project / "src" / "shop" / "api.py"
    times = source.stat()
    edited = source.read_bytes().replace(b"event\n", b"evxnt\n")
    source.write_bytes(edited)
    os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
    (project / "src" / "shop" / "old.py").rename(project / "src" / "shop" / "new.py")
    build(wherry)
    files = members(wherry)
    assert files["shop/api.py"] == edited
    assert "shop/new.py" in files
    assert "shop/old.py" not in files


def test_namespace_packages_are_merged(wherry: Wherry, index: Index) -> None:
    """Two distributions and the project share `acme`, which has no `__init__.py`, or an equal one."""
    one = make_wheel(
        "acme-one", files={"acme/one/__init__.py": b"", "old/__init__.py": b"# shared\n"}
    )
    two = make_wheel(
        "acme-two", files={"acme/two/__init__.py": b"", "old/__init__.py": b"# shared\n"}
    )
    index.add(one, two)
    make_project(wherry.cwd, index, [one, two], files={"acme/own.py": "", "old/own.py": ""})
    build(wherry)
    names = members(wherry)
    assert {"acme/one/__init__.py", "acme/two/__init__.py", "acme/own.py"} <= set(names)
    assert "acme/__init__.py" not in names
    assert names["old/__init__.py"] == b"# shared\n"


def test_scripts_and_other_data_of_a_wheel(wherry: Wherry, index: Index) -> None:
    made = make_wheel(
        "tools",
        files={
            "tools.py": b"",
            "tools-1.0.data/scripts/tool": b"#!python\nprint('tool')\n",
            "tools-1.0.data/purelib/pure.py": b"",
            "tools-1.0.data/data/share/tool.txt": b"data",
        },
        executable=["tools-1.0.data/scripts/tool"],
    )
    index.add(made)
    make_project(wherry.cwd, index, [made])
    build(wherry)
    files = members(wherry)
    assert {"tools.py", "pure.py", "bin/tool", "share/tool.txt"} <= set(files)
    assert files["bin/tool"].endswith(b"\nprint('tool')\n")
    assert not [name for name in files if ".data/" in name]
    with zipfile.ZipFile(wherry.cwd / "dist" / "lambda" / "shop.zip") as archive:
        assert archive.getinfo("bin/tool").external_attr >> 16 == 0o100755
        assert archive.getinfo("tools.py").external_attr >> 16 == 0o100644


def test_a_wheel_by_its_address(wherry: Wherry, tmp_path: Path) -> None:
    with serve_index([BYHAND]) as elsewhere:
        write_files(
            wherry.cwd,
            {
                "shop.py": "",
                "requirements.txt": (
                    f"byhand @ {elsewhere.url}/files/{BYHAND.filename} --hash=sha256:{BYHAND.sha256}\n"
                ),
            },
        )
        build(wherry, UV_CACHE_DIR=new_uv_cache(tmp_path / "uv-cache"))
    assert set(members(wherry)) == {
        "shop.py",
        "byhand/__init__.py",
        "byhand-3.0.dist-info/METADATA",
        "byhand-3.0.dist-info/WHEEL",
        "byhand-3.0.dist-info/RECORD",
    }
