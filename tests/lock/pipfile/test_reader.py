"""``Pipfile.lock``: samples in its exact form. Those that pipenv makes are in ``test_tools``."""

from __future__ import annotations

import hashlib
import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

import wherry
from support.index import Index, serve_index
from support.locks import RELEASES, VERSIONS, Heard, by_name, read, versions, write
from support.wheels import make_wheel
from wherry.errors import FetchError, LockError, TargetError
from wherry.events import Note, Warned
from wherry.lock.formats import LockFormat
from wherry.store import Store

if TYPE_CHECKING:
    from pathlib import Path

PIPFILE = """\
[[source]]
name = "main"
url = "INDEX"
verify_ssl = true

[packages]
alpha = "~=1.0"
beta = "<2"
gamma = {version = "*", extras = ["fast"]}
native = "*"

[dev-packages]
devtool = "*"

[windows]
winonly = "*"

[requires]
python_version = "3.13"
"""


def pinned(name: str, version: str, **more: Any) -> dict[str, Any]:
    hashes = [
        f"sha256:{made.sha256}"
        for made in RELEASES
        if made.filename.startswith(f"{name}-{version}")
    ]
    return {"hashes": sorted(hashes), "version": f"=={version}", **more}


def pipfile_lock(pipfile: str, **default: Any) -> dict[str, Any]:
    """The lock as pipenv writes it for this Pipfile, with these packages more."""
    data = tomllib.loads(pipfile)
    hashed = {
        "_meta": {"sources": data["source"], "requires": data.get("requires", {})},
        "default": data.get("packages", {}),
        "develop": data.get("dev-packages", {}),
        "windows": data["windows"],
    }
    digest = hashlib.sha256(
        json.dumps(hashed, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()
    return {
        "_meta": {
            "hash": {"sha256": digest},
            "pipfile-spec": 6,
            "requires": data.get("requires", {}),
            "sources": data["source"],
        },
        "default": {
            "alpha": pinned("alpha", "1.1", index="main"),
            "beta": pinned("beta", "1.0", index="main", markers="python_version >= '3.8'"),
            "delta": pinned("delta", "4.0"),
            "gamma": pinned("gamma", "3.0", extras=["fast"], index="main"),
            "native": pinned("native", "1.0", index="main"),
            "winonly": pinned("winonly", "1.0", markers="sys_platform == 'win32'"),
            **default,
        },
        "develop": {
            "beta": pinned("beta", "1.0"),
            "devtool": pinned("devtool", "9.0", index="main"),
        },
        "windows": {"winonly": pinned("winonly", "1.0")},
    }


def project_at(folder: Path, index: Index, **default: Any) -> Path:
    pipfile = PIPFILE.replace("INDEX", index.simple)
    lock = json.dumps(pipfile_lock(pipfile, **default), indent=4)
    return write(folder, Pipfile=pipfile, Pipfile__lock=lock)


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Path:
    return project_at(tmp_path, index)


def relocked(project: Path, **changes: Any) -> None:
    path = project / "Pipfile.lock"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_the_locked_versions_come_out(project: Path) -> None:
    """K3: `Pipfile.lock`. A2: development packages are absent."""
    lock = read(project)
    assert versions(lock) == VERSIONS
    assert lock.format is LockFormat.PIPFILE_LOCK
    assert lock.stable
    assert lock.inputs == (project / "Pipfile.lock", project / "Pipfile")


def test_the_index_tells_the_names_and_the_lock_the_hashes(project: Path, index: Index) -> None:
    native = next(package for package in read(project).pylock.packages if package.name == "native")
    made = {made.filename: made for made in RELEASES if made.filename.startswith("native")}
    assert {wheel.filename for wheel in native.wheels or ()} | {"native-1.0.tar.gz"} == set(made)
    for wheel in native.wheels or ():
        assert wheel.url == f"index+{index.simple}native/{wheel.filename}"
        assert wheel.hashes == {"sha256": made[wheel.filename].sha256}
        assert wheel.size == len(made[wheel.filename].data)


def test_a_build_asks_for_each_list_of_files_once(tmp_path: Path) -> None:
    """Reading the lock and fetching the wheels need the same lists."""
    with serve_index(RELEASES) as index:
        project = project_at(tmp_path / "shop", index)
        wherry.build(project, runtime="python3.13", store=Store(tmp_path / "store"))
        lists = [path for path in index.requests if path.startswith("/simple/")]
        assert len(index.downloads) == len(VERSIONS)
    assert sorted(lists) == sorted(set(lists))
    assert len(lists) >= len(VERSIONS)


def test_only_files_with_a_recorded_hash_are_taken(tmp_path: Path) -> None:
    """N2: hashes enforced; a file that was added or replaced since is not used."""
    with serve_index(RELEASES) as index:
        project = project_at(tmp_path, index)
        index.add(make_wheel("beta", "1.0", tag="cp313-cp313-manylinux_2_17_x86_64"))
        beta = next(each for each in read(project).pylock.packages if each.name == "beta")
        assert [wheel.filename for wheel in beta.wheels or ()] == ["beta-1.0-py3-none-any.whl"]
        index.add(make_wheel("beta", "1.0", files={"beta.py": b"evil"}))
        with pytest.raises(LockError) as caught:
            read(project)
    assert caught.value.message == "no file of `beta==1.0` has a hash that `Pipfile.lock` records"


@pytest.mark.parametrize("name", ["dev", "develop", "dev-packages"])
def test_the_development_category_has_three_names(project: Path, name: str) -> None:
    assert versions(read(project, groups=(name,))) == {**VERSIONS, "devtool": "9.0"}


def test_other_categories_are_groups(project: Path) -> None:
    assert versions(read(project, groups=("windows",))) == {**VERSIONS, "winonly": "1.0"}


@pytest.mark.parametrize(
    ("wanted", "message", "hint"),
    [
        (
            {"groups": ("window",)},
            "`Pipfile.lock` has no group `window`",
            "did you mean `windows`?",
        ),
        ({"extras": ("x",)}, "`Pipfile.lock` has no extra `x`", None),
    ],
)
def test_what_is_not_there_is_named(
    project: Path, wanted: dict[str, Any], message: str, hint: str | None
) -> None:
    with pytest.raises(LockError) as caught:
        read(project, **wanted)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_stale_lock_is_refused(project: Path) -> None:
    pipfile = project / "Pipfile"
    pipfile.write_text(pipfile.read_text().replace('"~=1.0"', '"~=1.1"'))
    with pytest.raises(LockError) as caught:
        read(project)
    assert caught.value.message == "`Pipfile.lock` is older than `Pipfile`"
    assert caught.value.hint == "run `pipenv lock`"
    assert versions(read(project, frozen=True)) == VERSIONS


def test_names_are_hashed_as_they_stand_or_normalized(project: Path) -> None:
    """Newer versions of pipenv normalize them."""
    pipfile = project / "Pipfile"
    relocked(project, _meta=pipfile_lock(pipfile.read_text())["_meta"])
    assert versions(read(project)) == VERSIONS
    pipfile.write_text(pipfile.read_text().replace("alpha =", "Alpha ="))
    assert versions(read(project)) == VERSIONS


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        ("", "", None),
        ('"~=1.0"', '"~=1.1"', None),
        ('"~=1.0"', '"~=2.0"', "`Pipfile` asks for `alpha~=2.0`, the lock has 1.1"),
        ('beta = "<2"', 'other = "*"', "`Pipfile` asks for `other` in [packages], the lock does not have it"),
        ('devtool = "*"', 'devtool = {version = ">9"}', "`Pipfile` asks for `devtool>9`, the lock has 9.0"),
        ('"3.13"', '"3.12"', "`Pipfile` requires Python 3.12, the lock was made for Python 3.13"),
    ],
)  # fmt: skip
def test_without_a_source_the_machines_are_hashed(
    tmp_path: Path, index: Index, before: str, after: str, cause: str | None
) -> None:
    """Of the indexes that pip is set up for, pipenv hashes all and records one."""
    project = project_at(tmp_path, index)
    pipfile = project / "Pipfile"
    lock = pipfile_lock(
        pipfile.read_text().replace(
            "[packages]", '[[source]]\nname = "pip"\nurl = "https://host"\n[packages]'
        )
    )
    hashed, recorded = lock["_meta"], lock["_meta"]["sources"][:1]
    relocked(project, _meta={**hashed, "sources": recorded})
    text = pipfile.read_text()
    pipfile.write_text(text[text.index("[packages]") :].replace(before, after))
    heard = Heard()
    if cause is None:
        assert versions(read(project, reporter=heard)) == VERSIONS
        assert "`Pipfile` names no [[source]]" in heard.texts(Note)[0]
        return
    with pytest.raises(LockError) as caught:
        read(project)
    assert caught.value.where == (cause,)


def test_a_lock_for_another_python(project: Path) -> None:
    with pytest.raises(TargetError) as caught:
        read(project, runtime="python3.12")
    assert caught.value.where == ("Pipfile.lock: it was locked for Python 3.13",)
    heard = Heard()
    assert read(project, runtime="python3.12", asked_runtime=True, reporter=heard).pylock.packages
    assert heard.texts(Warned)[-1] == (
        "`Pipfile.lock` was locked for Python 3.13, and python3.12 was asked for"
    )


def test_an_unknown_version_is_refused(project: Path) -> None:
    meta = json.loads((project / "Pipfile.lock").read_text())["_meta"]
    relocked(project, _meta={**meta, "pipfile-spec": 7})
    with pytest.raises(LockError, match=r"`Pipfile\.lock` is of the unknown version 7"):
        read(project)


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        ({"hashes": ["sha256:00"]}, "default.alpha.version: this is missing"),
        ({"version": "==1.1"}, "default.alpha.hashes: there is no hash of `alpha`"),
        ({"version": "1,1", "hashes": []}, "default.alpha.version: "),
        ({"version": "==1.1", "hashes": [1]}, "default.alpha.hashes[0]: expected a string, not an integer"),
        ({"version": "==1.1", "index": "other"}, "default.alpha.index: `_meta.sources` has no `other`"),
        ({"version": "==1.1", "markers": "nonsense"}, "default.alpha.markers: "),
        ("==1.1", "default.alpha: expected a table, not a string"),
    ],
)  # fmt: skip
def test_a_wrong_shape_says_where(project: Path, entry: object, where: str) -> None:
    relocked(project, default={"alpha": entry})
    with pytest.raises(LockError) as caught:
        read(project)
    assert caught.value.message == "`Pipfile.lock` is malformed"
    assert caught.value.where[0].startswith(where)


def test_all_failures_are_told_at_once(project: Path) -> None:
    entry = {"version": "==1.1", "hashes": ["sha256:00"]}
    relocked(project, default={"alpha": entry, "beta": entry})
    with pytest.raises(LockError) as caught:
        read(project)
    assert caught.value.message == "2 packages of `Pipfile.lock` cannot be read"
    assert any("`alpha==1.1`" in line for line in caught.value.where)
    assert any("`beta==1.1`" in line for line in caught.value.where)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"a": ' * 3000, "{} x", "1" * 5000])
def test_broken_json_is_one_clear_error(project: Path, text: str) -> None:
    (project / "Pipfile.lock").write_text(text)
    with pytest.raises(LockError, match=r"`Pipfile\.lock` is not valid JSON"):
        read(project)


def test_the_place_of_a_syntax_error_is_told(project: Path) -> None:
    (project / "Pipfile.lock").write_text('{\n "a" 1}')
    with pytest.raises(LockError, match=r"line 2 column 6"):
        read(project)


def test_without_an_index_to_ask(project: Path) -> None:
    with pytest.raises(FetchError, match=r"an index must be asked .*, which `--offline` forbids"):
        read(project, offline=True)


def test_an_index_that_is_gone(tmp_path: Path) -> None:
    with serve_index(RELEASES) as index:
        project = project_at(tmp_path, index)
        index.files.clear()
        with pytest.raises((LockError, FetchError)):
            read(project)


def test_a_package_is_looked_for_on_all_indexes(tmp_path: Path, index: Index) -> None:
    with serve_index([make_wheel("other", "1.0")]) as first:
        pipfile = PIPFILE.replace("INDEX", first.simple).replace(
            "[packages]", f'[[source]]\nname = "second"\nurl = "{index.simple}"\n\n[packages]'
        )
        lock = pipfile_lock(pipfile)
        lock["default"] = {"delta": pinned("delta", "4.0")}
        write(tmp_path, Pipfile=pipfile, Pipfile__lock=json.dumps(lock))
        assert versions(read(tmp_path)) == {"delta": "4.0"}


def test_a_secret_of_the_environment_stays_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A8: user and password of a private repository; the secret is in no lock."""
    monkeypatch.setenv("INDEX_USER", "me")
    monkeypatch.setenv("INDEX_PASSWORD", "p@ss:/ word")
    with serve_index(RELEASES, auth=("me", "p@ss:/ word")) as index:
        address = index.simple.replace("://", "://${INDEX_USER}:${INDEX_PASSWORD}@")
        pipfile = PIPFILE.replace("INDEX", address, 1)
        write(tmp_path, Pipfile=pipfile, Pipfile__lock=json.dumps(pipfile_lock(pipfile)))
        lock = read(tmp_path)
    assert versions(lock) == VERSIONS
    assert "p@ss" not in str(lock)
    assert "p%40ss" not in str(lock)


def test_folders_archives_and_commits(tmp_path: Path, index: Index) -> None:
    """B3: path dependencies, wheels by path."""
    local = make_wheel("local", "7.0")
    project = project_at(
        tmp_path / "project",
        index,
        shared={"path": "../shared", "editable": True},
        itself={"file": ".", "editable": True},
        local={"path": "./wheels/local-7.0-py3-none-any.whl", "hashes": [f"sha256:{local.sha256}"]},
        unhashed={"path": "./wheels/local-7.0-py3-none-any.whl"},
        sourced={"git": "https://host/sourced.git", "ref": "5f816684", "subdirectory": "python"},
    )
    local.write(project / "wheels")
    write(tmp_path / "shared", setup__py="")
    packages = by_name(read(project))
    directory, vcs = packages["shared"].directory, packages["sourced"].vcs
    assert directory is not None
    assert directory.path == "../shared"
    assert "itself" not in packages
    for name in ("local", "unhashed"):
        archive = packages[name].archive
        assert archive is not None
        assert archive.hashes == {"sha256": local.sha256}
    assert vcs is not None
    assert (vcs.url, vcs.commit_id, vcs.subdirectory) == (
        "https://host/sourced.git",
        "5f816684",
        "python",
    )


def test_an_archive_without_a_hash_is_said(tmp_path: Path, index: Index) -> None:
    url = f"{index.url}/files/delta-4.0-py3-none-any.whl"
    project = project_at(tmp_path, index, delta={"file": url})
    heard = Heard()
    lock = read(project, reporter=heard)
    archive = next(package for package in lock.pylock.packages if package.name == "delta").archive
    assert archive is not None
    assert archive.hashes == {
        "sha256": next(made.sha256 for made in RELEASES if made.filename.startswith("delta"))
    }
    assert not lock.stable
    assert "records no hash of `delta`" in heard.texts(Warned)[0]


def test_categories_that_contradict_each_other(project: Path) -> None:
    relocked(project, windows={"alpha": pinned("alpha", "1.0")})
    with pytest.raises(LockError) as caught:
        read(project, groups=("windows",))
    assert caught.value.message == "`Pipfile.lock` has two versions of `alpha`"
