from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.files import as_nobody, link_folders
from support.interpreters import missing
from support.projects import write_files
from wherry.bundle.content import read_all
from wherry.bundle.entry import SourceFile
from wherry.bundle.tree import TreeRules, read_tree, tree_bundle
from wherry.errors import EntryPathError, ProjectError, SettingsError
from wherry.files import remove_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.bundle.bundle import Bundle


def paths(bundle: Bundle) -> list[str]:
    return [entry.path for entry in bundle]


def tree(root: Path, *, exclude: Sequence[str] = (), include: Sequence[str] = ()) -> list[str]:
    return paths(tree_bundle(root, owner="shop", exclude=exclude, include=include))


def tree_digest(root: Path, *, exclude: Sequence[str] = ()) -> str:
    return read_tree(root, owner="shop", rules=TreeRules(exclude=tuple(exclude))).digest


def test_every_file_ships_as_it_is(tmp_path: Path) -> None:
    write_files(tmp_path, {"app.py": "A = 1\n", "shop/__init__.py": "", "shop/data.bin": b"\0\1"})
    bundle = tree_bundle(tmp_path, owner="shop")
    assert {entry.path: read_all(entry.payload) for entry in bundle} == {
        "app.py": b"A = 1\n",
        "shop/__init__.py": b"",
        "shop/data.bin": b"\0\1",
    }
    assert all(isinstance(entry.payload, SourceFile) for entry in bundle)
    assert {entry.owner for entry in bundle} == {"shop"}


def test_default_excludes_are_left_out(tmp_path: Path) -> None:
    """B4: no `.pyc`, no `__pycache__`; and no secrets, environments, caches, locks and settings."""
    write_files(
        tmp_path,
        dict.fromkeys(
            [
                ".env",
                ".git/config",
                ".github/workflows/ci.yml",
                ".venv/lib/x.py",
                "venv/pyvenv.cfg",
                "venv/lib/x.py",
                "deep/env/pyvenv.cfg",
                "deep/env/x.py",
                "__pycache__/app.pyc",
                "shop/__pycache__/a.pyc",
                "shop/a.pyc",
                "shop/.secrets",
                "shop.egg-info/PKG-INFO",
                "node_modules/x/index.js",
                "web/node_modules/x/index.js",
                "dist/lambda/api.zip",
                "build/lib/app.py",
                "cdk.out/asset.zip",
                *[
                    "pyproject.toml",
                    "wherry.toml",
                    "poetry.toml",
                    "setup.py",
                    "setup.cfg",
                    "uv.lock",
                    "poetry.lock",
                    "pdm.lock",
                ],
                *["Pipfile", "Pipfile.lock", "pylock.toml", "pylock.dev.toml", "requirements.txt"],
                *["requirements-dev.txt", "requirements.in", "drover.yml", "settings.spindrift"],
                *["Makefile", "template.yaml", "samconfig.toml", "serverless.yml"],
                *["main.tf", "prod.tfvars", "terraform.tfstate", "terraform.tfstate.backup"],
                "app.py",
                "shop/build/a.py",
                "shop/dist/a.py",
                "shop/requirements.txt",
                "shop/template.yaml",
            ],
            "x",
        ),
    )
    assert tree(tmp_path) == [
        "app.py",
        "shop/build/a.py",
        "shop/dist/a.py",
        "shop/requirements.txt",
        "shop/template.yaml",
    ]


def test_ignored_files_stay_behind(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            ".gitignore": "*.log\n/secret.py\ndata/\n",
            "a.log": "",
            "secret.py": "",
            "shop/secret.py": "",
            "data/x": "",
            "shop/.gitignore": "!keep.log\nlocal.py\n",
            "shop/keep.log": "",
            "shop/drop.log": "",
            "shop/local.py": "",
            "local.py": "",
            "data/.gitignore": "!x\n",
        },
    )
    assert tree(tmp_path) == ["local.py", "shop/keep.log", "shop/secret.py"]


def test_ignore_files_of_the_repository_above_count(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            ".gitignore": "app.py\nother.py\n",
            "repository/.git/HEAD": "",
            "repository/.gitignore": "*.log\n/apps/api/local.py\n/top.py\n",
            "repository/apps/.gitignore": "!keep.log\n",
            "repository/apps/api/app.py": "",
            "repository/apps/api/a.log": "",
            "repository/apps/api/keep.log": "",
            "repository/apps/api/local.py": "",
            "repository/apps/api/top.py": "",
        },
    )
    assert tree(tmp_path / "repository/apps/api") == ["app.py", "keep.log", "top.py"]


def test_a_folder_that_its_repository_ignores_is_still_a_project(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {".git/HEAD": "", ".gitignore": "scratch/\n*.log\n", "scratch/app.py": "", "scratch/a": ""},
    )
    assert tree(tmp_path / "scratch") == ["a", "app.py"]


def test_what_ships_is_what_git_does_not_ignore(tmp_path: Path) -> None:
    """The oracle is git itself, for everything but default excludes."""
    if shutil.which("git") is None:
        missing("git is not installed")
    write_files(
        tmp_path,
        {
            ".gitignore": "*.log\n!important.log\n/root-only\nfoo/**/bar\nlib/*\n!lib/keep\n\\#x\na b\n",
            "x/.gitignore": "*\n!*.py\n!/sub/\n",
            **dict.fromkeys(
                [
                    *[
                        "a.log",
                        "important.log",
                        "root-only",
                        "y/root-only",
                        "foo/bar",
                        "foo/p/q/bar",
                    ],
                    *["lib/drop", "lib/keep", "lib/keep2/z", "#x", "a b", "x/one.py", "x/one.txt"],
                    *["x/sub/two.py", "x/sub/two.txt", "x/other/three.py", "ünï.log", "ünï.txt"],
                ],
                "x",
            ),
        },
    )
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert tree(tmp_path) == unignored(tmp_path)


def unignored(root: Path) -> list[str]:
    """What git makes of the folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--others", "--exclude-standard"],
        cwd=root,
        env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"},
        check=True,
        capture_output=True,
    ).stdout.decode()
    return sorted(path for path in listed.split("\0") if path and ".gitignore" not in path)


PLACES = [
    "a",
    "b.py",
    "ab/a",
    "ab/b.py",
    "ab/ab/ab",
    "ab/c/ab/a",
    "a-b/[c]",
    "a-b/*",
    "a-b/c d",
    "c/c",
]
segments = st.text(alphabet="abc*?[]!^-.\\\\ dpy", min_size=1, max_size=5) | st.sampled_from(
    ["**", "*", "ab", "a?", "[a-c]", "[!a]b", "[]a]", "[^-b]*", "*.py", "[[:alpha:]]*", "[c-a]"]
)
lines = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "", "!", "/", "!/", "#"]),
    st.lists(segments, min_size=1, max_size=3).map("/".join),
    st.sampled_from(["", "", "", "/", " ", "\\ "]),
    st.sampled_from(["", "", "\r"]),
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("git") is None:
        missing("git is not installed")
    root = write_files(tmp_path_factory.mktemp("repository"), dict.fromkeys(PLACES, "x"))
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


@settings(max_examples=50, deadline=None)
@given(top=st.lists(lines, max_size=4), inner=st.lists(lines, max_size=2))
def test_any_patterns_ignore_what_git_ignores(
    repository: Path, top: list[str], inner: list[str]
) -> None:
    (repository / ".gitignore").write_bytes("\n".join(top).encode())
    (repository / "ab/.gitignore").write_bytes("\n".join(inner).encode())
    assert tree(repository) == unignored(repository)


def test_include_overrides_gitignore_and_default_excludes(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            ".gitignore": "generated/\n*.dat\n",
            "generated/deep/a.py": "",
            "generated/b.txt": "",
            "model.dat": "",
            "other.dat": "",
            ".config/x.toml": "",
            "dist/web/index.html": "",
            "app.py": "",
            ".git/config": "",
            "venv/pyvenv.cfg": "",
            "venv/a.py": "",
        },
    )
    wanted = ["generated/**/*.py", "model.dat", ".config/", "/dist/web/", ".git/", "venv/"]
    assert tree(tmp_path, include=wanted) == [
        ".config/x.toml",
        "app.py",
        "dist/web/index.html",
        "generated/deep/a.py",
        "model.dat",
    ]


def test_exclude_has_the_last_word(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {"app.py": "", "tests/a.py": "", "docs/a.md": "", "docs/keep.md": "", "kept/x": ""},
    )
    shipped = tree(
        tmp_path, exclude=["tests/", "*.md", "!keep.md", "/kept"], include=["kept/", "tests/"]
    )
    assert shipped == ["app.py", "docs/keep.md"]


def test_a_wrong_pattern_is_an_error(tmp_path: Path) -> None:
    write_files(tmp_path, {"app.py": ""})
    with pytest.raises(SettingsError, match="`exclude`"):
        tree(tmp_path, exclude=["!"])
    with pytest.raises(SettingsError, match="`include`"):
        tree(tmp_path, include=["!"])


def test_what_is_passed_over(tmp_path: Path) -> None:
    write_files(tmp_path, {"out/api.zip": "", "app.py": "", "deep/out/x": ""})
    bundle = tree_bundle(tmp_path, owner="shop", skip=[tmp_path / "out"])
    assert paths(bundle) == ["app.py", "deep/out/x"]


def test_links_inside_the_folder_are_followed(tmp_path: Path) -> None:
    write_files(tmp_path, {"shared/a.py": "A\n", "app.py": "B\n"})
    (tmp_path / "copy.py").symlink_to("app.py")
    (tmp_path / "lib").symlink_to("shared", target_is_directory=True)
    bundle = tree_bundle(tmp_path, owner="shop")
    assert {entry.path: read_all(entry.payload) for entry in bundle} == {
        "app.py": b"B\n",
        "copy.py": b"B\n",
        "lib/a.py": b"A\n",
        "shared/a.py": b"A\n",
    }


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    write_files(tmp_path / "real", {"app.py": "", "shared/a.py": ""})
    (tmp_path / "real/lib").symlink_to("shared", target_is_directory=True)
    (tmp_path / "link").symlink_to("real", target_is_directory=True)
    assert tree(tmp_path / "link") == ["app.py", "lib/a.py", "shared/a.py"]


def test_links_that_cannot_be_followed_are_all_named(tmp_path: Path) -> None:
    write_files(tmp_path, {"outside.py": "", "folder/x": "", "project/pkg/a.py": ""})
    project = tmp_path / "project"
    (project / "one.py").symlink_to("../outside.py")
    (project / "two").symlink_to(tmp_path / "folder", target_is_directory=True)
    (project / "three.py").symlink_to("nowhere.py")
    (project / "pkg/loop").symlink_to("..", target_is_directory=True)
    (project / "self").symlink_to("self")
    with pytest.raises(
        EntryPathError, match="`shop` holds links that cannot be followed"
    ) as caught:
        tree(project)
    assert list(caught.value.where) == [
        "the link `one.py` to `../outside.py` leaves the project's folder",
        "the link `pkg/loop` to `..` leads to a folder that contains it",
        "the link `self` to `self` leads nowhere",
        "the link `three.py` to `nowhere.py` leads nowhere",
        f"the link `two` to `{tmp_path / 'folder'}` leaves the project's folder",
    ]
    assert caught.value.hint is not None
    excluded = ["one.py", "two", "three.py", "loop", "self"]
    assert tree(project, exclude=excluded) == ["pkg/a.py"]


def test_links_that_do_not_ship_do_no_harm(tmp_path: Path) -> None:
    write_files(tmp_path, {"out/x": "", "project/app.py": "", "project/.gitignore": "result\n"})
    (tmp_path / "project/result").symlink_to("../out", target_is_directory=True)
    (tmp_path / "project/.link").symlink_to("nowhere")
    assert tree(tmp_path / "project") == ["app.py"]
    assert tree(tmp_path / "project", include=["*.txt"]) == ["app.py"]


@pytest.mark.skipif(sys.platform in {"darwin", "win32"}, reason="cannot hold both names")
def test_names_that_differ_by_case_alone_are_refused(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {"shop/a.py": "", "Shop/b.py": "", "x/README": "", "x/readme": "", "é": "", "É": ""},
    )
    with pytest.raises(EntryPathError, match="differ only by case") as caught:
        tree(tmp_path)
    assert list(caught.value.where) == [
        "`Shop` and `shop`",
        "`x/README` and `x/readme`",
        "`É` and `é`",
    ]
    assert tree(tmp_path, exclude=["Shop", "README", "É"]) == ["shop/a.py", "x/readme", "é"]


@pytest.mark.skipif(sys.platform == "win32", reason="has no executable bit")
def test_only_the_owners_executable_bit_counts(tmp_path: Path) -> None:
    """S7: umask has no say."""
    write_files(tmp_path, {"a": "", "b": "", "c": "", "d": ""})
    for name, mode in {"a": 0o755, "b": 0o700, "c": 0o644, "d": 0o655}.items():
        (tmp_path / name).chmod(mode)
    bundle = tree_bundle(tmp_path, owner="shop")
    assert [entry.executable for entry in bundle] == [True, True, False, False]


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes in folders")
def test_pipes_and_sockets_stay_behind(tmp_path: Path) -> None:
    write_files(tmp_path, {"app.py": ""})
    os.mkfifo(tmp_path / "pipe")
    assert tree(tmp_path) == ["app.py"]


@pytest.mark.skipif(sys.platform == "win32", reason="has other permissions")
def test_what_cannot_be_read_is_named() -> None:
    # Not in pytest's own folder, which is closed to others as a whole.
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        root.chmod(0o755)
        write_files(root, {"app.py": "", "closed/a.py": ""})
        assert tree(root) == ["app.py", "closed/a.py"]
        (root / "closed").chmod(0)
        try:
            with as_nobody():
                with pytest.raises(ProjectError, match="cannot read `closed`"):
                    tree(root)
                assert tree(root, exclude=["closed/"]) == ["app.py"]
        finally:
            (root / "closed").chmod(0o755)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot read"):
        tree(tmp_path / "none")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse the name")
def test_names_that_are_not_unicode_are_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.py")).touch()
    with pytest.raises(EntryPathError, match="not Unicode"):
        tree(tmp_path)
    assert tree(tmp_path, exclude=["*.py"]) == []


def test_a_backslash_in_a_name_is_refused(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("a backslash is a separator")
    write_files(tmp_path, {"a\\b.py": ""})
    with pytest.raises(EntryPathError, match="unsafe path"):
        tree(tmp_path)


def test_the_digest_knows_every_change(tmp_path: Path) -> None:
    """D5: an edit that keeps size and times is an edit; A7: exclusions alone change it too."""
    write_files(tmp_path, {"app.py": "A = 1\n", "b.py": ""})
    seen = {tree_digest(tmp_path)}
    status = (tmp_path / "app.py").stat()
    (tmp_path / "app.py").write_text("A = 2\n")
    os.utime(tmp_path / "app.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    seen.add(tree_digest(tmp_path))
    (tmp_path / "b.py").chmod(0o755)
    seen.add(tree_digest(tmp_path))
    (tmp_path / "b.py").rename(tmp_path / "c.py")
    seen.add(tree_digest(tmp_path))
    seen.add(tree_digest(tmp_path, exclude=["c.py"]))
    assert len(seen) == 5
    assert tree_digest(tmp_path) == read_tree(tmp_path, owner="x").digest


names = st.text("ab.", min_size=1, max_size=3).filter(lambda name: name.strip("."))
places = st.lists(names, min_size=1, max_size=3).map("/".join)


@settings(max_examples=30)
@given(files=st.dictionaries(places, st.binary(max_size=4), max_size=6), data=st.data())
def test_the_order_of_a_folder_has_no_say(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], data: st.DataObject
) -> None:
    """S7, D6: two folders with the same files are the same bundle, however they came about."""
    sound = {
        path: content
        for path, content in files.items()
        if not any(other.startswith(path + "/") for other in files)
    }
    order = data.draw(st.permutations(sorted(sound)))
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    write_files(one, sound)
    write_files(other, {path: sound[path] for path in order})
    assert tree_digest(one) == tree_digest(other)
    assert tree(one) == tree(other)


@pytest.mark.parametrize("kind", ["fifo", "device", "folder"])
def test_a_gitignore_that_is_no_file(kind: str, tmp_path: Path) -> None:
    write_files(tmp_path, {"app.py": "", "inner/x.py": ""})
    for place in (tmp_path / ".gitignore", tmp_path / "inner/.gitignore"):
        if kind == "fifo":
            os.mkfifo(place)
        elif kind == "device":
            place.symlink_to("/dev/zero")
        else:
            place.mkdir()
    assert tree(tmp_path) == ["app.py", "inner/x.py"]


def test_pipes_in_a_folder_are_passed_over(tmp_path: Path) -> None:
    write_files(tmp_path, {"app.py": ""})
    os.mkfifo(tmp_path / "pipe")
    assert tree(tmp_path) == ["app.py"]


def test_folders_may_be_deep(tmp_path: Path) -> None:
    """1,500 of them are more than Python calls of one function in itself."""
    deep = "d/" * 1500
    place = tmp_path
    for _ in range(30):
        place = place / ("d/" * 50)
        place.mkdir(parents=True)
    (place / "x.py").write_text("")
    try:
        assert tree(tmp_path) == [f"{deep}x.py"]
        assert tree(tmp_path, exclude=["/d/d/d/"]) == []
    finally:
        remove_folder(tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_links_without_end(tmp_path: Path) -> None:
    link_folders(tmp_path)
    with pytest.raises(ProjectError, match="has links without end") as caught:
        tree(tmp_path)
    assert caught.value.hint == "name links to folders in `exclude`, or remove them"
    assert tree(tmp_path, exclude=["to-*"]) == [f"{number}/a.py" for number in range(9)]


def test_a_file_that_fits_in_no_package_is_not_read(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": "", "big": ""})
    os.truncate(tmp_path / "big", 1 << 40)
    with pytest.raises(ProjectError) as caught:
        tree(tmp_path)
    assert str(caught.value) == (
        "`shop` holds a file that fits in no package\n"
        "  ╰─▶ `big` has 1024.0 GiB, and may have 4 GiB\n"
        "hint: name it in `exclude`"
    )
    assert tree(tmp_path, exclude=["big"]) == ["a.py"]


def test_a_gitignore_without_end(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": "", ".gitignore": "*.log\n" * (1 << 20)})
    with pytest.raises(ProjectError, match="cannot read") as caught:
        tree(tmp_path)
    assert caught.value.where == ("it has 6.0 MiB of patterns, more than 4.0 MiB",)
