"""``requirements.txt`` with all it can hold, resolved against an index on loopback."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from support.index import Index, serve_index
from support.locks import NEWER, RELEASES, VERSIONS, Heard, by_name, read, target, versions, write
from support.wheels import make_wheel
from wherry.errors import LockError, WherryError
from wherry.events import Warned
from wherry.files import ProjectFiles
from wherry.lock.formats import LockFormat
from wherry.lock.requirements.file import read_requirements_file
from wherry.wheels.compatibility import best

if TYPE_CHECKING:
    from pathlib import Path

PINS = {**VERSIONS, "winonly": "1.0"}
MARKERS = {"winonly": 'sys_platform == "win32"', "delta": 'python_version > "3.8"'}


def hashes(name: str, version: str) -> str:
    return " ".join(
        f"\\\n    --hash=sha256:{made.sha256}"
        for made in RELEASES
        if made.filename.startswith(f"{name}-{version}")
    )


def hashed(index: Index) -> str:
    """As `pip-compile --generate-hashes` writes it."""
    lines = ["# made by hand", f"--index-url {index.simple}", ""]
    for name, version in PINS.items():
        extras = "[fast]" if name == "gamma" else ""
        marker = f" ; {MARKERS[name]}" if name in MARKERS else ""
        lines.append(f"{name}{extras}=={version}{marker} {hashes(name, version)}")
        lines.append("    # via somebody")
    return "\n".join(lines) + "\n"


def test_pins_and_hashes_come_out(tmp_path: Path, index: Index) -> None:
    """A1: `requirements.txt` at exactly the locked versions."""
    write(tmp_path, requirements__txt=hashed(index))
    heard = Heard()
    lock = read(tmp_path, reporter=heard)
    assert versions(lock) == VERSIONS
    assert lock.format is LockFormat.REQUIREMENTS
    assert lock.stable
    assert lock.inputs == (tmp_path / "requirements.txt",)
    assert heard.texts(Warned) == []


@pytest.mark.parametrize(
    ("runtime", "architecture", "wheel"),
    [
        ("python3.13", "x86_64", "native-1.0-cp313-cp313-manylinux_2_28_x86_64.whl"),
        ("python3.13", "arm64", "native-1.0-cp313-cp313-manylinux_2_17_aarch64.manylinux2014_aarch64.whl"),
        ("python3.11", "x86_64", "native-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"),
        ("python3.12", "x86_64", None),
    ],
)  # fmt: skip
def test_the_target_decides_and_not_the_host(
    tmp_path: Path, index: Index, runtime: str, architecture: str, wheel: str | None
) -> None:
    """S4, N2: another Python and another architecture than the host's."""
    write(tmp_path, requirements__txt=f"--index-url {index.simple}\nnative==1.0\n")
    lock = read(tmp_path, runtime=runtime, architecture=architecture)
    names = [each.filename for each in lock.pylock.packages[0].wheels or ()]
    assert best(names, target(runtime, architecture)) == wheel


def test_a_file_without_a_listed_hash_is_not_used(tmp_path: Path) -> None:
    """S9, N2: hashes are verified."""
    with serve_index(RELEASES) as index:
        write(tmp_path, requirements__txt=hashed(index))
        index.add(make_wheel("beta", "1.0", tag="cp313-cp313-manylinux_2_17_x86_64"))
        beta = next(each for each in read(tmp_path).pylock.packages if each.name == "beta")
        assert [wheel.filename for wheel in beta.wheels or ()] == ["beta-1.0-py3-none-any.whl"]


def test_a_file_that_was_replaced_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S9: hashes are verified."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    replaced = [made for made in RELEASES if not made.filename.startswith("beta")]
    with serve_index([*replaced, make_wheel("beta", "1.0", files={"beta.py": b"evil"})]) as index:
        write(tmp_path, requirements__txt=hashed(index))
        with pytest.raises(LockError) as caught:
            read(tmp_path)
    assert caught.value.message == "`requirements.txt` lists hashes that no file has"
    assert caught.value.where[0].startswith("`beta==1.0`: ")


def test_hashes_are_for_all_or_none(tmp_path: Path, index: Index) -> None:
    text = f"--index-url {index.simple}\nalpha==1.1 {hashes('alpha', '1.1')}\nbeta==1.0\n"
    write(tmp_path, requirements__txt=text)
    with pytest.raises(LockError) as caught:
        read(tmp_path)
    assert caught.value.message == "`requirements.txt` has hashes, but not for all that it needs"
    assert caught.value.where == ("`beta==1.0` has none",)


def test_hashes_can_be_demanded(tmp_path: Path, index: Index) -> None:
    write(tmp_path, requirements__txt=f"-i {index.simple}\n--require-hashes\ndelta==4.0\n")
    with pytest.raises(LockError, match=r"has hashes, but not for all"):
        read(tmp_path)


def test_hashes_may_be_for_some(tmp_path: Path, index: Index) -> None:
    """As pip 26 has it; those that are listed are enforced all the same."""
    text = f"--index-url {index.simple}\n--no-require-hashes\nbeta==1.0\nalpha==1.1"
    write(tmp_path, requirements__txt=f"{text} {hashes('alpha', '1.1')}\n")
    lock = read(tmp_path)
    assert versions(lock) == {"alpha": "1.1", "beta": "1.0"}
    assert not lock.stable
    write(tmp_path, requirements__txt=f"{text} --hash=sha256:{'0' * 64}\n")
    with pytest.raises(LockError, match=r"lists hashes that no file has"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("options", "needed", "version"),
    [
        ("", "fresh", "1.0"),
        ("--all-releases :all:\n", "fresh", "2.0rc1"),
        ("--all-releases other\n", "fresh", "1.0"),
        ("--only-final :all:\n", "fresh>=0.dev0", "1.0"),
    ],
)
def test_pre_releases(tmp_path: Path, options: str, needed: str, version: str) -> None:
    for each in ("1.0", "2.0rc1"):
        make_wheel("fresh", each).write(tmp_path / "wheels")
    text = f"--no-index\n--find-links ./wheels\n{options}{needed}\n"
    write(tmp_path, requirements__txt=text)
    assert versions(read(tmp_path)) == {"fresh": version}


@pytest.mark.parametrize(
    "text", ["alpha==${NOWHERE}\n", "-r ${NOWHERE}.txt\n", "--find-links ${NOWHERE}\nalpha==1.1\n"]
)
def test_variables_that_are_not_set(tmp_path: Path, text: str) -> None:
    write(tmp_path, requirements__txt=text)
    with pytest.raises(LockError) as caught:
        read(tmp_path)
    assert caught.value.hint == "set `NOWHERE`, which the environment does not have"


def test_pins_without_hashes_are_kept(tmp_path: Path) -> None:
    with serve_index([*RELEASES, *NEWER]) as index:
        text = "".join(f"{name}=={version}\n" for name, version in VERSIONS.items())
        write(tmp_path, requirements__txt=f"--index-url {index.simple}\n{text}")
        lock = read(tmp_path)
    assert versions(lock) == VERSIONS
    assert lock.stable
    assert lock.resolved is not None


def test_constraints_may_pin(tmp_path: Path, index: Index) -> None:
    text = f"--index-url {index.simple}\n-c limits.txt\n"
    limits = {"limits__txt": "Alpha==1.1\nbeta<2\ndelta==4.0\n"}
    heard = Heard()
    lock = read(write(tmp_path, requirements__txt=f"{text}alpha\n", **limits), reporter=heard)
    assert versions(lock) == {"alpha": "1.1", "beta": "1.0"}
    assert (lock.stable, heard.texts(Warned)) == (True, [])
    lock = read(write(tmp_path, requirements__txt=f"{text}alpha\nbeta\n"), reporter=heard)
    assert not lock.stable
    assert "does not pin `beta`" in heard.texts(Warned)[0]


@pytest.mark.parametrize(
    ("line", "pinned"),
    [
        ("git+file:///nowhere/x.git", False),
        ("git+file:///nowhere/x.git@main", False),
        ("-e git+file:///nowhere/x.git@main#egg=x", False),
        ("--editable=git+file:///nowhere/x.git@v1#egg=x&subdirectory=y", False),
        ("git+file:///nowhere/x.git@main ; python_version > '3'", False),
        ("x @ git+file:///nowhere/x.git@main", False),
        (f"git+file:///nowhere/x.git@{'a' * 40}#egg=x", True),
        (f"-e git+file:///nowhere/x.git@{'a' * 40}#egg=x ; python_version > '3'", True),
        ("./nowhere", True),
    ],
)
def test_a_branch_is_not_pinned_however_it_is_written(
    tmp_path: Path, line: str, *, pinned: bool
) -> None:
    write(tmp_path, requirements__txt=f"{line}\n")
    heard = Heard()
    with pytest.raises(LockError):
        read(tmp_path, reporter=heard)
    told = [text for text in heard.texts(Warned) if "does not pin" in text]
    assert len(told) == (0 if pinned else 1)


def test_what_is_not_pinned_is_said(tmp_path: Path, index: Index) -> None:
    write(tmp_path, requirements__txt=f"--index-url {index.simple}\nalpha>=1\nbeta==1.0\n")
    heard = Heard()
    lock = read(tmp_path, reporter=heard)
    assert versions(lock) == {"alpha": "1.1", "beta": "1.0"}
    assert not lock.stable
    assert heard.texts(Warned) == [
        "`requirements.txt` does not pin `alpha>=1`: the next build may differ"
    ]
    # Packages with `include = []` do not differ for it.
    heard = Heard()
    lock = read(tmp_path, reporter=heard, wanted=False)
    assert (versions(lock), lock.stable) == ({}, True)
    assert heard.texts(Warned) == []


def test_other_files_are_brought_in(tmp_path: Path, index: Index) -> None:
    write(
        tmp_path,
        requirements__txt=f"-r sub/more.txt\n-c sub/limits.txt\n--index-url={index.simple}\ngamma",
    )
    write(tmp_path / "sub", more__txt="--requirement deeper.txt\n", limits__txt="beta<2\n")
    write(tmp_path / "sub", deeper__txt="alpha ; python_version >= '3.9'  # why\n")
    lock = read(tmp_path)
    assert versions(lock) == {"alpha": "1.1", "beta": "1.0", "gamma": "3.0"}
    assert set(lock.inputs) == {
        tmp_path / "requirements.txt",
        tmp_path / "sub" / "more.txt",
        tmp_path / "sub" / "deeper.txt",
        tmp_path / "sub" / "limits.txt",
    }


PROJECT = (
    '[project]\nname = "shop"\ndynamic = ["version"]\ndependencies = ["alpha<2"]\n'
    'optional-dependencies = {more = ["delta"]}\n'
    '[build-system]\nrequires = ["nothing-has-it"]\nbuild-backend = "none"\n'
)
SHARED = '[project]\nname = "shared"\nversion = "1"\ndependencies = ["winonly"]\n'


@pytest.mark.parametrize("own", ["-e .", ".", "./", "--editable=.", "-e . ; python_version > '3'"])
def test_the_project_itself_stays_out_and_its_dependencies_in(
    tmp_path: Path, index: Index, own: str
) -> None:
    write(
        tmp_path, requirements__txt=f"--index-url {index.simple}\n{own}\n", pyproject__toml=PROJECT
    )
    assert versions(read(tmp_path)) == {"alpha": "1.1", "beta": "2.0"}


def test_the_project_with_an_extra(tmp_path: Path, index: Index) -> None:
    text = f"--index-url {index.simple}\n-e .[more]\n"
    write(tmp_path, requirements__txt=text, pyproject__toml=PROJECT)
    assert versions(read(tmp_path)) == {"alpha": "1.1", "beta": "2.0", "delta": "4.0"}


def test_folders_and_wheels_by_path(tmp_path: Path, index: Index) -> None:
    """B3: local path dependencies, wheels by path."""
    write(tmp_path / "shared", pyproject__toml=SHARED)
    root = write(
        tmp_path / "project",
        requirements__txt=f"--index-url {index.simple}\n-e ../shared\n./wheels/local-7.0-py3-none-any.whl\n",
    )
    make_wheel("local", "7.0", requires=["delta"]).write(root / "wheels")
    lock = read(root)
    assert versions(lock) == {"shared": None, "local": "7.0", "delta": "4.0", "winonly": "1.0"}
    packages = by_name(lock)
    directory, archive = packages["shared"].directory, packages["local"].archive
    assert directory is not None
    assert (lock.base / directory.path).resolve() == tmp_path / "shared"
    assert archive is not None
    assert archive.path is not None
    assert (lock.base / archive.path).is_file()
    assert {path.resolve() for path in lock.inputs} == {
        root / "requirements.txt",
        root / "wheels" / "local-7.0-py3-none-any.whl",
        tmp_path / "shared" / "pyproject.toml",
    }


def test_what_pip_freeze_writes_on_debian(tmp_path: Path, index: Index) -> None:
    text = f"-i {index.simple}\npkg_resources==0.0.0\ndelta==4.0\n"
    write(tmp_path, requirements__txt=text)
    heard = Heard()
    assert versions(read(tmp_path, reporter=heard)) == {"delta": "4.0"}
    assert "`pkg_resources==0.0.0` is skipped" in heard.texts(Warned)[0]


@pytest.mark.parametrize(
    "place", ["croot", "tmp/build", "home/conda", "opt/conda/conda-bld", "work"]
)
def test_what_pip_freeze_writes_of_conda(place: str, tmp_path: Path) -> None:
    line = f"certifi @ file:///{place}/certifi_1671487769961/certifi\n"
    write(tmp_path, requirements__txt=line)
    with pytest.raises(LockError, match="`certifi` was frozen from what conda") as caught:
        read(tmp_path)
    assert "--format=freeze" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("libs/shared", {"shared": None, "winonly": "1.0"}),
        ("libs/shared ; python_version > '3'", {"shared": None, "winonly": "1.0"}),
        ("libs/shared;python_version > '3'", {"shared": None, "winonly": "1.0"}),
        ("libs/shared;python_version < '3'", {}),
        ("-e libs/shared;python_version > '3'", {"shared": None, "winonly": "1.0"}),
        ("wheels/local-7.0-py3-none-any.whl", {"local": "7.0"}),
    ],
)
def test_paths_without_a_dot(
    line: str, expected: dict[str, str | None], tmp_path: Path, index: Index
) -> None:
    """As pip reads them: whatever holds a slash is one."""
    write(tmp_path, requirements__txt=f"-i {index.simple}\n{line}\n")
    write(tmp_path / "libs" / "shared", pyproject__toml=SHARED)
    make_wheel("local", "7.0").write(tmp_path / "wheels")
    assert versions(read(tmp_path)) == expected


def test_a_file_in_a_folder_of_its_own_starts_paths_at_the_project(
    tmp_path: Path, index: Index
) -> None:
    write(tmp_path / "requirements", prod__txt=f"-i {index.simple}\n./shared\n-r base.txt\n")
    write(tmp_path / "requirements", base__txt="delta\n")
    write(tmp_path / "shared", pyproject__toml=SHARED)
    lock = read(tmp_path, lock=tmp_path / "requirements" / "prod.txt")
    assert lock.base == tmp_path
    assert versions(lock) == {"delta": "4.0", "shared": None, "winonly": "1.0"}


def test_urls_with_and_without_hashes(tmp_path: Path, index: Index) -> None:
    delta = next(made for made in RELEASES if made.filename.startswith("delta"))
    url = f"{index.url}/files/{delta.filename}"
    write(tmp_path, requirements__txt=f"--no-index\ndelta @ {url}\n")
    archive = read(tmp_path).pylock.packages[0].archive
    assert archive is not None
    assert (archive.url, dict(archive.hashes)) == (url, {"sha256": delta.sha256})
    write(tmp_path, requirements__txt=f"--no-index\n{url} --hash=sha256:{'0' * 64}\n")
    with pytest.raises(WherryError):
        read(tmp_path)


@pytest.mark.parametrize("form", ["-e {}#egg=sourced", "{}#egg=sourced", "sourced @ {}"])
def test_commits(tmp_path: Path, form: str) -> None:
    repository = write(tmp_path / "repository", pyproject__toml=SHARED.replace("shared", "sourced"))
    git = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
    for command in (["init", "--quiet"], ["add", "."], [*git, "commit", "--quiet", "-m", "x"]):
        assert os.spawnlp(os.P_WAIT, "git", "git", "-C", str(repository), *command) == 0
    requirement = form.format(f"git+{repository.as_uri()}")
    with serve_index(RELEASES) as index:
        root = write(tmp_path / "project", requirements__txt=f"-i {index.simple}\n{requirement}\n")
        lock = read(root)
    package = next(package for package in lock.pylock.packages if package.name == "sourced")
    assert package.vcs is not None
    assert package.vcs.url == repository.as_uri()
    assert len(package.vcs.commit_id) == 40
    assert not lock.stable


def test_find_links_without_an_index(tmp_path: Path) -> None:
    make_wheel("local", "7.0").write(tmp_path / "wheels")
    write(tmp_path, requirements__txt="--no-index\n--find-links ./wheels\nlocal==7.0\n")
    lock = read(tmp_path)
    assert versions(lock) == {"local": "7.0"}
    wheel = (lock.pylock.packages[0].wheels or ())[0]
    assert wheel.hashes == {"sha256": make_wheel("local", "7.0").sha256}


def test_the_last_index_counts(tmp_path: Path, index: Index) -> None:
    """As with pip; files that include others often repeat it."""
    text = f"--index-url http://127.0.0.1:9/simple/\n-r more.txt\n--index-url {index.simple}\n"
    write(tmp_path, requirements__txt=text, more__txt=f"-i {index.simple}\ndelta==4.0\n")
    assert versions(read(tmp_path)) == {"delta": "4.0"}


def test_hashes_behind_urls(tmp_path: Path, index: Index) -> None:
    """As `pip freeze` writes what was installed from a file; they are enforced, and ask for no others."""
    delta = next(made for made in RELEASES if made.filename.startswith("delta-4.0"))
    wheel = tmp_path / delta.filename
    wheel.write_bytes(delta.data)
    line = f"delta @ {wheel.as_uri()}#sha256="
    text = f"-i {index.simple}\nbeta==1.0\n{line}{delta.sha256}\n"
    write(tmp_path, requirements__txt=text)
    assert versions(read(tmp_path)) == {"beta": "1.0", "delta": "4.0"}
    demanded = f"--require-hashes\n{line}{delta.sha256}\n"
    write(tmp_path, requirements__txt=demanded)
    assert versions(read(tmp_path)) == {"delta": "4.0"}
    write(tmp_path, requirements__txt=f"{line}{'0' * 64} ; python_version > '3'\n")
    with pytest.raises(LockError, match="a hash behind a URL") as raised:
        read(tmp_path)
    assert delta.sha256 in raised.value.where[0]


def test_hashed_pins_are_looked_for_on_all_indexes(tmp_path: Path, index: Index) -> None:
    """pip looks at all indexes; with hashes that is safe."""
    with serve_index([make_wheel("alpha", "0.1")]) as extra:
        text = hashed(index) + f"--extra-index-url {extra.simple}\n"
        write(tmp_path, requirements__txt=text)
        assert versions(read(tmp_path)) == VERSIONS


def test_a_private_index_by_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A8: user and password, special characters, plain http; the secret is in no lock."""
    monkeypatch.setenv("INDEX_PASSWORD", "p%40ss%3Aword")
    with serve_index(RELEASES, auth=("me", "p@ss:word")) as index:
        address = index.simple.replace("://", "://me:${INDEX_PASSWORD}@")
        write(tmp_path, requirements__txt=f"--index-url {address}\nalpha==1.1\nbeta==1.0\n")
        lock = read(tmp_path)
        assert versions(lock) == {"alpha": "1.1", "beta": "1.0"}
        assert "p%40ss" not in str(lock)
        monkeypatch.setenv("INDEX_PASSWORD", "wrong-secret")
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
        with pytest.raises(LockError) as caught:
            read(tmp_path, refresh=True)
    assert "wrong-secret" not in str(caught.value)


def test_the_index_of_pips_settings_is_honoured(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", index.simple)
    write(tmp_path, requirements__txt="delta==4.0\n")
    assert versions(read(tmp_path)) == {"delta": "4.0"}


@pytest.mark.parametrize(
    ("text", "message", "where"),
    [
        ("alpha==", "a requirement cannot be understood", "requirements.txt: line 1: alpha=="),
        ("# x\n\nalpha one\n", "a requirement cannot be understood", "requirements.txt: line 3: "),
        ("--frobnicate\n", "a requirements file has an option that is not known", "requirements.txt: line 1: --frobnicate"),
        ("-i\n", "a requirements file has an option that is not known", "requirements.txt: line 1: -i"),
        ("a \\\n --frob=1\n", "a requirement has an option that is not known", "requirements.txt: line 1: --frob=1"),
        ("-r missing.txt\n", "`missing.txt` cannot be read", ""),
        ("-r requirements.txt\n", "`requirements.txt` includes itself", ""),
        ("-r https://host/x.txt\n", "`requirements.txt` includes a file from the network", "requirements.txt: line 1: https://host/x.txt"),
        ("--index-url 'https://\n", "a requirements file is malformed", "requirements.txt: line 1: "),
        ("--no-index\nnowhere==1.0\n", "uv cannot resolve `requirements.txt`", ""),
        ("--no-index\nalpha==1\nalpha==2\n", "uv cannot resolve `requirements.txt`", ""),
    ],
)  # fmt: skip
def test_bad_files_are_one_clear_error(tmp_path: Path, text: str, message: str, where: str) -> None:
    write(tmp_path, requirements__txt=text)
    with pytest.raises(LockError) as caught:
        read(tmp_path)
    assert caught.value.message == message
    assert caught.value.where[0].startswith(where)


def test_text_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes(b"alpha\n\xff\xfe\n")
    with pytest.raises(LockError) as caught:
        read(tmp_path)
    assert caught.value.message == "`requirements.txt` is not text in UTF-8"
    assert "line 2" in caught.value.where[0]


def test_groups_and_extras_are_not_for_it(tmp_path: Path) -> None:
    write(tmp_path, requirements__txt="")
    with pytest.raises(LockError, match=r"`requirements\.txt` has no group `dev`"):
        read(tmp_path, groups=("dev",))


def test_lines_are_joined_before_comments_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("a==1 \\\n  --hash=sha256:aa \\\n  --hash sha256:bb # c\n# x \\\nb\nc\\\n")
    found = read_requirements_file(path, ProjectFiles()).requirements
    assert [(line.text, line.hashes, line.place) for line in found] == [
        ("a==1", ("sha256:aa", "sha256:bb"), "requirements.txt: line 1"),
        ("b", (), "requirements.txt: line 5"),
        ("c", (), "requirements.txt: line 6"),
    ]
