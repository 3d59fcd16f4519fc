from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.pylock import PackageArchive, PackageDirectory, PackageSdist, PackageVcs
from packaging.utils import canonicalize_name

from support.backends import obedient_project
from support.contexts import context
from support.index import serve_index
from support.interpreters import missing
from support.projects import write_files
from support.wheels import Made, make_sdist, make_wheel
from wherry.bundle.content import read_all
from wherry.errors import BuildError, FetchError, SelectionError, ToolError, WherryError
from wherry.sources.dependency import dependency_bundles, recall_dependency
from wherry.wheels.select import Selected

if TYPE_CHECKING:
    from support.reporters import Heard
    from wherry.context import Context
    from wherry.lock.model import Source
    from wherry.sources.project import Built
    from wherry.store import Store
    from wherry.target import Target


def selected(source: Source, *, name: str = "shop", version: str | None = "1.0") -> Selected:
    return Selected(name=canonicalize_name(name), version=version, source=source)


def files(built: Built) -> dict[str, bytes]:
    return {entry.path: read_all(entry.payload) for entry in built.bundle}


def dependency_bundle(distribution: Selected, run: Context, *, base: Path) -> Built:
    return dependency_bundles([distribution], base, run)[0]


def sdist_of(root: Path) -> Made:
    obedient_project(root, files={"shop.py": b"A = 1\n"})
    return make_sdist(
        "shop", files={path.name: path.read_bytes() for path in root.iterdir() if path.is_file()}
    )


def test_an_sdist_is_fetched_verified_and_built_once(
    tmp_path: Path, target: Target, store: Store, heard: Heard
) -> None:
    made = sdist_of(tmp_path / "shop")
    with serve_index([made]) as index:
        source = PackageSdist(
            name=made.filename,
            url=f"{index.url}/files/{made.filename}",
            hashes={"sha256": made.sha256},
        )
        built = dependency_bundle(
            selected(source), context(store, target=target, reporter=heard), base=tmp_path
        )
    assert (built.name, built.version) == ("shop", "1.0")
    assert files(built)["shop.py"] == b"A = 1\n"
    again = dependency_bundle(
        selected(source), context(store, target=target, offline=True, reporter=heard), base=tmp_path
    )
    assert again == built
    assert heard.builds == 1
    assert recall_dependency(built.digest, store) == built
    assert recall_dependency("0" * 64, store) is None


def test_an_sdist_on_disk(tmp_path: Path, target: Target, store: Store) -> None:
    made = sdist_of(tmp_path / "shop")
    made.write(tmp_path / "files")
    source = PackageSdist(path=f"files/{made.filename}", hashes={"sha256": made.sha256})
    built = dependency_bundle(
        selected(source), context(store, target=target, offline=True), base=tmp_path
    )
    assert files(built)["shop.py"] == b"A = 1\n"


def test_hashes_are_enforced(tmp_path: Path, target: Target, store: Store) -> None:
    made = sdist_of(tmp_path / "shop")
    made.write(tmp_path)
    source = PackageSdist(path=made.filename, hashes={"sha256": "0" * 64})
    with pytest.raises(FetchError, match="is not the file that the lock records"):
        dependency_bundle(selected(source), context(store, target=target), base=tmp_path)


@pytest.mark.parametrize(
    ("name", "version", "message"),
    [("other", "1.0", "another distribution"), ("shop", "2.0", "another version")],
)
def test_what_was_built_must_be_what_was_locked(
    name: str, version: str, message: str, tmp_path: Path, target: Target, store: Store
) -> None:
    made = sdist_of(tmp_path / "shop")
    made.write(tmp_path)
    source = PackageSdist(path=made.filename, hashes={"sha256": made.sha256})
    with pytest.raises(BuildError, match=message):
        dependency_bundle(
            selected(source, name=name, version=version),
            context(store, target=target),
            base=tmp_path,
        )
    same = dependency_bundle(
        selected(source, version="1.0.0"), context(store, target=target), base=tmp_path
    )
    assert same.version == "1.0"


def test_an_archive_with_the_project_further_below(
    tmp_path: Path, target: Target, store: Store
) -> None:
    obedient_project(tmp_path / "shop", files={"shop.py": b""})
    made = make_sdist(
        "mono",
        files={f"python/{path.name}": path.read_bytes() for path in (tmp_path / "shop").iterdir()},
    )
    made.write(tmp_path)

    def source(subdirectory: str) -> PackageArchive:
        return PackageArchive(
            path=made.filename, hashes={"sha256": made.sha256}, subdirectory=subdirectory
        )

    built = dependency_bundle(
        selected(source("python")), context(store, target=target), base=tmp_path
    )
    assert "shop.py" in files(built)
    for wrong in ("../python", "none"):
        with pytest.raises(BuildError, match="is not a folder of its source"):
            dependency_bundle(selected(source(wrong)), context(store, target=target), base=tmp_path)


def test_an_archive_that_is_a_wheel_is_taken_as_it_is(
    tmp_path: Path, target: Target, store: Store
) -> None:
    """B3: wheels by path."""
    made = make_wheel("shop", tag="cp313-cp313-manylinux_2_28_aarch64")
    made.write(tmp_path)
    source = PackageArchive(path=made.filename, hashes={"sha256": made.sha256})
    built = dependency_bundle(selected(source), context(store, target=target), base=tmp_path)
    assert files(built)["shop/__init__.py"] == b"__version__ = '1.0'\n"
    assert built.digest == made.sha256


def test_a_wheel_for_another_target_is_refused(
    tmp_path: Path, target: Target, store: Store
) -> None:
    made = make_wheel("shop", tag="cp311-cp311-win_amd64")
    made.write(tmp_path)
    source = PackageArchive(path=made.filename, hashes={"sha256": made.sha256})
    with pytest.raises(SelectionError, match="does not run on python3.13-arm64"):
        dependency_bundle(selected(source), context(store, target=target), base=tmp_path)


def test_a_folder_is_read_anew_each_time(tmp_path: Path, target: Target, store: Store) -> None:
    """B3, S8: path dependencies, editable or not; no builder's path in any file."""
    obedient_project(tmp_path / "shared MARKER/shop", files={"shop.py": b"A = 1\n"})
    source = PackageDirectory(path="../shared MARKER/shop", editable=True)
    (tmp_path / "project").mkdir()

    def build() -> dict[str, bytes]:
        found = selected(source, version=None)
        base = tmp_path / "project"
        return files(dependency_bundle(found, context(store, target=target), base=base))

    first = build()
    assert first["shop.py"] == b"A = 1\n"
    assert not [path for path, content in first.items() if b"MARKER" in content]
    obedient_project(tmp_path / "shared MARKER/shop", files={"shop.py": b"A = 2\n"})
    assert build()["shop.py"] == b"A = 2\n"


class Repository:
    """A git repository with one commit."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        who = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "t"), ("EMAIL", "t@example.com"))
        }
        environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null"}
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *arguments],
            cwd=self.root,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    if shutil.which("git") is None:
        missing("git is not installed")
    return Repository(tmp_path / "repository")


def commit_source(
    repository: Repository, commit: str, subdirectory: str | None = None
) -> PackageVcs:
    return PackageVcs(
        type="git",
        url=repository.root.as_uri(),
        commit_id=commit,
        subdirectory=subdirectory,
    )


def test_an_exact_commit_is_built(
    repository: Repository, tmp_path: Path, target: Target, store: Store, heard: Heard
) -> None:
    obedient_project(repository.root / "python", files={"shop.py": b"A = 1\n"})
    first = repository.commit()
    obedient_project(repository.root / "python", files={"shop.py": b"A = 2\n"})
    second = repository.commit()
    for commit, content in ((first, b"A = 1\n"), (second, b"A = 2\n"), (first, b"A = 1\n")):
        built = dependency_bundle(
            selected(commit_source(repository, commit, "python")),
            context(store, target=target, offline=True, reporter=heard),
            base=tmp_path,
        )
        assert files(built)["shop.py"] == content
    assert heard.builds == 2


def test_a_commit_that_no_branch_leads_to(
    repository: Repository, tmp_path: Path, target: Target, store: Store
) -> None:
    obedient_project(repository.root, files={"shop.py": b"old\n"})
    lost = repository.commit()
    repository.git("commit", "-q", "--amend", "-m", "another")
    repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
    built = dependency_bundle(
        selected(commit_source(repository, lost)), context(store, target=target), base=tmp_path
    )
    assert files(built)["shop.py"] == b"old\n"


def test_submodules_come_along(
    repository: Repository, tmp_path: Path, target: Target, store: Store
) -> None:
    inner = Repository(tmp_path / "inner")
    write_files(inner.root, {"wheel.json": ""})
    obedient_project(tmp_path / "whole", files={"shop.py": b"inner\n"})
    shutil.copy(tmp_path / "whole/wheel.json", inner.root)
    inner.commit()
    backend = (
        (tmp_path / "whole/obedient.py").read_text().replace('"wheel.json"', '"sub/wheel.json"')
    )
    write_files(
        repository.root,
        {"obedient.py": backend, "pyproject.toml": (tmp_path / "whole/pyproject.toml").read_text()},
    )
    repository.git("submodule", "--quiet", "add", inner.root.as_uri(), "sub")
    commit = repository.commit()
    built = dependency_bundle(
        selected(commit_source(repository, commit)), context(store, target=target), base=tmp_path
    )
    assert files(built)["shop.py"] == b"inner\n"


@pytest.mark.parametrize(
    ("commit", "cause"),
    [("0" * 40, "has no commit"), ("main", "is not the digest of a commit"), ("--all", "is not")],
)
def test_a_commit_that_is_not_there(
    commit: str, cause: str, repository: Repository, tmp_path: Path, target: Target, store: Store
) -> None:
    obedient_project(repository.root, files={})
    repository.commit()
    with pytest.raises(FetchError, match="`shop` cannot be fetched") as caught:
        dependency_bundle(
            selected(commit_source(repository, commit)),
            context(store, target=target),
            base=tmp_path,
        )
    assert cause in caught.value.where[0]


@pytest.mark.parametrize(
    "url", ["http://me:pass-word@127.0.0.1:9/x.git", "--upload-pack=touch x", "file:///none/at/all"]
)
def test_a_repository_that_is_not_there(
    url: str, repository: Repository, tmp_path: Path, target: Target, store: Store
) -> None:
    """A8: no password in the message."""
    source = PackageVcs(type="git", url=url, commit_id="0" * 40)
    with pytest.raises(FetchError) as caught:
        dependency_bundle(selected(source), context(store, target=target), base=tmp_path)
    assert "pass-word" not in str(caught.value)
    assert not (tmp_path / "x").exists()


def test_offline_asks_no_repository(
    repository: Repository, tmp_path: Path, target: Target, store: Store
) -> None:
    source = PackageVcs(type="git", url="https://127.0.0.1:9/x.git", commit_id="0" * 40)
    with pytest.raises(FetchError, match="is not in the store"):
        dependency_bundle(
            selected(source), context(store, target=target, offline=True), base=tmp_path
        )


def test_other_version_control(tmp_path: Path, target: Target, store: Store) -> None:
    source = PackageVcs(type="hg", url="https://127.0.0.1:9/x", commit_id="0" * 40)
    with pytest.raises(BuildError, match="cannot be built"):
        dependency_bundle(selected(source), context(store, target=target), base=tmp_path)


def test_git_is_missing(
    tmp_path: Path, target: Target, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    source = PackageVcs(type="git", url="file:///x", commit_id="0" * 40)
    with pytest.raises(ToolError, match="`git` is missing"):
        dependency_bundle(selected(source), context(store, target=target), base=tmp_path)


def test_a_damaged_sdist(tmp_path: Path, target: Target, store: Store) -> None:
    (tmp_path / "shop-1.0.tar.gz").write_bytes(b"no archive")
    sha256 = hashlib.sha256(b"no archive").hexdigest()
    source = PackageSdist(path="shop-1.0.tar.gz", hashes={"sha256": sha256})
    with pytest.raises(WherryError, match=r"shop-1.0.tar.gz` is damaged"):
        dependency_bundle(selected(source), context(store, target=target), base=tmp_path)


def test_an_archive_without_a_folder_is_called_after_the_distribution(
    tmp_path: Path, target: Target, store: Store
) -> None:
    with zipfile.ZipFile(tmp_path / "shop-1.0.zip", "w") as archive:
        archive.writestr("a.txt", "")
        archive.writestr("b.txt", "")
    sha256 = hashlib.sha256((tmp_path / "shop-1.0.zip").read_bytes()).hexdigest()
    source = PackageSdist(path="shop-1.0.zip", hashes={"sha256": sha256})
    with pytest.raises(BuildError, match="`shop` holds nothing to build"):
        dependency_bundle(selected(source), context(store, target=target), base=tmp_path)


@pytest.mark.parametrize(
    "subdirectory",
    ["/etc", "..", "a/../..", "out", "out/deep", "a/out", "wheel.json", "none", "a\0b"],
)
@pytest.mark.parametrize("kind", ["git", "archive"])
def test_a_subdirectory_that_leaves_the_source(
    subdirectory: str,
    kind: str,
    repository: Repository,
    tmp_path: Path,
    target: Target,
    store: Store,
) -> None:
    host = tmp_path / "host"
    obedient_project(host, files={"secret.py": b""})
    obedient_project(host / "deep", files={"secret.py": b""})
    obedient_project(repository.root, files={"shop.py": b""})
    (repository.root / "a").mkdir()
    source: PackageVcs | PackageArchive
    if kind == "git":
        (repository.root / "out").symlink_to(host)
        (repository.root / "a/out").symlink_to(host)
        source = commit_source(repository, repository.commit(), subdirectory)
    else:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            archive.add(
                repository.root, "shop-1.0", filter=lambda i: None if ".git" in i.name else i
            )
        (tmp_path / "shop-1.0.tar.gz").write_bytes(buffer.getvalue())
        sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
        source = PackageArchive(
            path="shop-1.0.tar.gz", hashes={"sha256": sha256}, subdirectory=subdirectory
        )
    with pytest.raises(BuildError, match="`shop` cannot be built") as caught:
        dependency_bundle(selected(source), context(store, target=target), base=tmp_path)
    assert "is not a folder of its source" in caught.value.where[0]
    assert caught.value.hint is not None


@pytest.mark.parametrize("kind", ["device", "fifo", "folder"])
def test_an_archive_that_is_no_file(
    kind: str, tmp_path: Path, target: Target, store: Store
) -> None:
    path = {"device": Path("/dev/zero"), "fifo": tmp_path / "pipe", "folder": tmp_path}[kind]
    if kind == "fifo":
        os.mkfifo(path)
    source = PackageArchive(url=path.as_uri() + "#x.tar.gz", hashes={"sha256": "0" * 64})
    with pytest.raises(WherryError, match="cannot read"):
        dependency_bundle(selected(source), context(store, target=target), base=tmp_path)
