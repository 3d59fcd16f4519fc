"""Bad input and a bad world: one clear error, exit 1, and nothing is written. (D10, S9)"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from support.archives import Odd, make_zip
from support.backends import obedient_project
from support.faults import answers, fails, hangs, redirects, refuses_to_talk
from support.locks import content_hash
from support.projects import TINY_BACKEND, make_project, pylock_for, write_files
from support.tools import new_uv_cache, run_uv
from support.wheels import Made, make_sdist, make_wheel
from support.zips import unzipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.command import Wherry
    from support.faults import Fault
    from support.index import Index

ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n" * 40})
BETA = make_wheel("beta", "2.0")
PYPROJECT = '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.9"\n'


@pytest.fixture
def project(index: Index, wherry: Wherry) -> Path:
    """A sound project, on which a test does its worst."""
    index.add(ALPHA)
    return make_project(wherry.cwd, index, [ALPHA])


@pytest.fixture
def refused(wherry: Wherry, index: Index) -> Refused:
    return Refused(wherry, index)


class Refused:
    """A call that has to fail without a trace; its result is the error's text."""

    def __init__(self, wherry: Wherry, index: Index) -> None:
        self.wherry = wherry
        self.index = index

    def __call__(
        self, *arguments: str | Path, code: int = 1, command: str = "build", **env: str
    ) -> str:
        # What an earlier build has left must survive.
        write_files(self.wherry.cwd, {"dist/lambda/shop.zip": b"an older package"})
        before = contents(self.wherry.cwd)
        done = self.wherry(command, *arguments, **env)
        assert (done.code, done.out) == (code, ""), done.err
        assert "Traceback" not in done.err
        assert done.err.count("error: ") == 1
        assert contents(self.wherry.cwd) == before
        assert self.wherry.rubbish() == []
        return self.plain(done.error)

    def plain(self, text: str) -> str:
        """Without what differs from run to run."""
        text = text.replace(self.index.url, "INDEX")
        return text.replace(str(self.wherry.cwd.parent), "TMP")


def contents(root: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in root.rglob("*")
    }


# --- the project ---


def test_no_project(refused: Refused) -> None:
    assert refused() == (
        "error: no Python project in `TMP/shop`\n"
        "  ╰─▶ it holds no pyproject.toml, no lock, no requirements.txt and no Python file\n"
        "hint: change to the project's folder, or name it: --project DIR\n"
    )


@pytest.mark.parametrize("given", ["nowhere", "a-file", "nul\\x"])
def test_the_project_folder_is_missing(refused: Refused, given: str) -> None:
    write_files(refused.wherry.cwd, {"a-file": ""})
    folder = "TMP/shop" if given == "a-file" else "DIR"
    assert refused("--project", given) == (
        f"error: `TMP/shop/{given}` is not a folder\n"
        f"hint: name the project's folder: --project {folder}\n"
    )


def test_settings_are_wrong_and_all_is_said_at_once(refused: Refused, project: Path) -> None:
    write_files(
        project,
        {
            "wherry.toml": (
                'runtme = "python3.13"\ngroups = "ops"\nname = 1\nincldue = ["*.txt"]\nzzz = 1\n'
                '[conflicts]\n"x" = 1\n[runtimes."python3.15"]\nglib = "2.34"\n[runtimes.python4]\n'
            )
        },
    )
    assert refused() == (
        "error: the settings in wherry.toml are wrong\n"
        "  ├─▶ runtme: there is no such setting\n"
        "  ├─▶ groups: expected a list of strings\n"
        "  ├─▶ name: expected a string\n"
        "  ├─▶ incldue: there is no such setting\n"
        "  ├─▶ zzz: there is no such setting\n"
        "  ├─▶ conflicts: expected a table of paths or patterns and the distributions that win them\n"
        '  ├─▶ runtimes."python3.15".glibc: expected the version of the C library, such as "2.34"\n'
        '  ├─▶ runtimes."python3.15".glib: there is no such setting\n'
        '  ╰─▶ runtimes."python4": expected a table named as AWS names runtimes (`python3.15`)\n'
        'hint: did you mean `runtime`, `include`, `runtimes."python3.15".glibc`?\n'
    )


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[tool]\nwherry = 3\n", "pyproject.toml [tool.wherry] is not a table"),
        ('[tool.wherry]\nexclude = ["[z"]\n', "`exclude` holds invalid gitignore patterns"),
        ('[tool.wherry]\nruntime = "python3.31"\n', "unknown runtime `python3.31`"),
        ('[tool.wherry]\nlock = "none.txt"\n', "there is no lock `TMP/shop/none.txt`"),
    ],
)
def test_a_setting_is_wrong(refused: Refused, project: Path, text: str, error: str) -> None:
    write_files(project, {"pyproject.toml": PYPROJECT + text})
    assert refused().startswith(f"error: {error}\n")


def test_two_places_for_settings(refused: Refused, project: Path) -> None:
    write_files(
        project,
        {"pyproject.toml": PYPROJECT + '[tool.wherry]\nname = "x"\n', "wherry.toml": 'name = "y"'},
    )
    assert refused() == (
        "error: two files hold Wherry's settings\n"
        "  ├─▶ pyproject.toml has [tool.wherry]\n"
        "  ╰─▶ wherry.toml is beside it\n"
        "hint: keep one of them\n"
    )


# --- the target ---


@pytest.mark.parametrize(
    ("option", "given", "error"),
    [
        (
            "--runtime",
            "python3.31",
            (
                "error: unknown runtime `python3.31`\n"
                "  ╰─▶ the Python runtimes of AWS Lambda are python3.9, python3.10, python3.11, python3.12, "
                "python3.13, python3.14\n"
                "hint: did you mean `python3.14`?\n"
            ),
        ),
        (
            "--architecture",
            "aarch64",
            (
                "error: unknown architecture `aarch64`\n"
                "  ╰─▶ the architectures of AWS Lambda are x86_64, arm64\n"
                "hint: AWS calls it `arm64`\n"
            ),
        ),
        (
            "--architecture",
            "x86_46",
            (
                "error: unknown architecture `x86_46`\n"
                "  ╰─▶ the architectures of AWS Lambda are x86_64, arm64\n"
                "hint: did you mean `x86_64`?\n"
            ),
        ),
    ],
)
def test_an_unknown_target(
    refused: Refused, project: Path, option: str, given: str, error: str
) -> None:
    assert refused(option, given) == error


def test_requires_python_excludes_the_target(refused: Refused, project: Path) -> None:
    write_files(project, {"pyproject.toml": PYPROJECT.replace(">=3.9", ">=3.9,<3.12")})
    assert refused("--runtime", "python3.13") == (
        "error: the project does not run on python3.13\n"
        "  ╰─▶ its requires-python is `>=3.9,<3.12`\n"
        "hint: choose one of python3.9, python3.10, python3.11\n"
    )


def test_requires_python_excludes_all_of_them(refused: Refused, project: Path) -> None:
    write_files(project, {"pyproject.toml": PYPROJECT.replace(">=3.9", ">=4")})
    assert "admits no runtime of AWS Lambda\n" in refused()
    write_files(project, {"pyproject.toml": PYPROJECT.replace(">=3.9", "three")})
    assert "requires-python cannot be understood\n" in refused()


def test_the_lock_excludes_the_target(refused: Refused, project: Path) -> None:
    path = project / "pylock.toml"
    path.write_text('requires-python = ">=3.13"\n' + path.read_text())
    error = refused("--runtime", "python3.11")
    assert "python3.11" in error
    assert ">=3.13" in error


# --- the lock ---


UNKNOWN_VERSIONS = {
    "pylock.toml": (
        'lock-version = "2.0"\ncreated-by = "x"\npackages = []\n',
        "`pylock.toml` is of the unknown lock version 2.0",
        "lock-version: this Wherry knows version 1.0",
    ),
    "uv.lock": (
        'version = 9\nrequires-python = ">=3.9"\n',
        "`uv.lock` is of the unknown lock version 9",
        "version: this Wherry knows version 1",
    ),
    "poetry.lock": (
        'package = []\n[metadata]\nlock-version = "9.0"\npython-versions = "*"\ncontent-hash = "x"\n',
        "`poetry.lock` is of the unknown lock version 9.0",
        "metadata.lock-version: this Wherry knows 1.0 to 2.1",
    ),
    "Pipfile.lock": (
        '{"_meta": {"pipfile-spec": 9, "hash": {"sha256": "x"}, "sources": []}, "default": {}}',
        "`Pipfile.lock` is of the unknown version 9",
        "_meta.pipfile-spec: this Wherry knows 6",
    ),
}


@pytest.mark.parametrize("name", UNKNOWN_VERSIONS)
def test_a_lock_of_an_unknown_version(refused: Refused, name: str) -> None:
    text, message, cause = UNKNOWN_VERSIONS[name]
    write_files(refused.wherry.cwd, {"pyproject.toml": PYPROJECT, name: text})
    error = refused()
    assert error.startswith(
        f"error: {message}\n  ╰─▶ TMP/shop/{name}: {cause}\nhint: update Wherry"
    )


@pytest.mark.parametrize(
    "name",
    ["pyproject.toml", "wherry.toml", "pylock.toml", "uv.lock", "poetry.lock", "Pipfile.lock"],
)
def test_broken_files(refused: Refused, name: str) -> None:
    language = "JSON" if name == "Pipfile.lock" else "TOML"
    write_files(refused.wherry.cwd, {"pyproject.toml": PYPROJECT, name: "] {\n"})
    error = refused()
    assert error.startswith(f"error: `{name}` is not valid {language}\n  ╰─▶ ")
    assert "line 1" in error
    write_files(refused.wherry.cwd, {name: b"\xff\xfe"})
    assert refused().startswith(f"error: `{name}` is not ")


def test_a_broken_requirements_file(refused: Refused) -> None:
    write_files(refused.wherry.cwd, {"requirements.txt": "alpha==1\n--indxe-url x\n"})
    assert refused() == (
        "error: a requirements file has an option that is not known\n"
        "  ╰─▶ requirements.txt: line 2: --indxe-url\n"
    )


def test_two_locks_that_disagree(refused: Refused, project: Path, index: Index) -> None:
    index.add(BETA, make_wheel("beta", "2.1"))
    write_files(
        project,
        {"pyproject.toml": PYPROJECT + 'dependencies = ["alpha", "beta"]\n'},
    )
    write_files(project, {"pylock.toml": pylock_for(index, [ALPHA, BETA])})
    run_uv("lock", "--quiet", cwd=project, env={"UV_DEFAULT_INDEX": index.simple})
    assert refused() == (
        "error: `pylock.toml` and `uv.lock` disagree\n"
        "  ╰─▶ `beta`: pylock.toml has 2.0, uv.lock has 2.1\n"
        "hint: name one, such as `--lock pylock.toml`\n"
    )
    assert refused.wherry("build", "--lock", "uv.lock").code == 0


def test_a_stale_uv_lock(refused: Refused, index: Index) -> None:
    index.add(ALPHA)
    project = write_files(
        refused.wherry.cwd, {"pyproject.toml": PYPROJECT + 'dependencies = ["alpha"]\n'}
    )
    run_uv("lock", "--quiet", cwd=project, env={"UV_DEFAULT_INDEX": index.simple})
    assert refused.wherry("build", "--output", project.parent / "out").code == 0
    write_files(project, {"pyproject.toml": PYPROJECT + 'dependencies = ["alpha", "beta"]\n'})
    error = refused()
    assert error.startswith("error: `uv.lock` ")
    assert "beta" in error
    assert "hint: run `uv lock`" in error
    for _ in range(2):
        # What a frozen build remembers is no answer to one that judges the lock.
        frozen = refused.wherry("build", "--frozen", "--output", project.parent / "out")
        assert frozen.code == 0
        assert "note: the lock is taken as it is (`--frozen`)" in frozen.err
        assert refused() == error


def test_nothing_to_take_as_it_is(refused: Refused) -> None:
    write_files(refused.wherry.cwd, {"pyproject.toml": PYPROJECT + 'dependencies = ["alpha"]\n'})
    assert "hint: write a lock with `wherry lock`, or leave out `--frozen`\n" in refused("--frozen")


def poetry_project(root: Path, made: Made, *, dependency: str = "^1.0") -> None:
    pyproject = (
        '[tool.poetry]\nname = "shop"\nversion = "1.0"\n[tool.poetry.dependencies]\n'
        f'python = ">=3.11"\nalpha = "{dependency}"\n'
    )
    lock = (
        '[[package]]\nname = "alpha"\nversion = "1.2"\ndescription = ""\noptional = false\n'
        'python-versions = "*"\ngroups = ["main"]\n'
        f'files = [\n    {{file = "{made.filename}", hash = "sha256:{made.sha256}"}},\n]\n\n'
        '[metadata]\nlock-version = "2.1"\npython-versions = ">=3.11"\n'
        f'content-hash = "{content_hash(pyproject)}"\n'
    )
    write_files(root, {"pyproject.toml": pyproject, "poetry.lock": lock, "shop.py": ""})


def test_a_stale_poetry_lock(refused: Refused, index: Index) -> None:
    poetry_project(refused.wherry.cwd, ALPHA)
    pyproject = refused.wherry.cwd / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("^1.0", "^2.0"))
    error = refused(UV_DEFAULT_INDEX=index.simple)
    assert error.startswith("error: `poetry.lock` ")
    assert "hint: run `poetry lock`" in error
    assert index.requests == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ("--group", "ops"),
            "error: `pylock.toml` has no group `ops`\n  ╰─▶ it has no groups\n",
        ),
        (
            ("--extra", "fast"),
            "error: `pylock.toml` has no extra `fast`\n  ╰─▶ it has no extras\n",
        ),
        (
            ("--package", "api"),
            (
                "error: `pylock.toml` has no member `api`\n"
                "  ╰─▶ of the locks, only `uv.lock` knows workspaces\n"
                "hint: name the member's folder with `--project`\n"
            ),
        ),
        (
            ("--lock", "none.txt"),
            "error: there is no lock `TMP/shop/none.txt`\n  ╰─▶ looked for TMP/shop/none.txt\n",
        ),
        (
            ("--lock", "notes.md"),
            (
                "error: Wherry does not know the format of the lock `notes.md`\n"
                "  ╰─▶ it knows pylock.toml, pylock.NAME.toml, uv.lock, poetry.lock, pdm.lock, "
                "Pipfile.lock, *.txt and *.in\n"
            ),
        ),
    ],
)
def test_what_the_lock_has_not(
    refused: Refused, project: Path, arguments: tuple[str, ...], error: str
) -> None:
    write_files(project, {"notes.md": ""})
    assert refused(*arguments) == error


def test_an_unknown_group_has_a_nearest_name(refused: Refused, index: Index) -> None:
    project = write_files(
        refused.wherry.cwd,
        {
            "pyproject.toml": PYPROJECT
            + '[project.optional-dependencies]\nfast = []\n[dependency-groups]\nops = ["alpha"]\n'
        },
    )
    index.add(ALPHA)
    run_uv("lock", "--quiet", cwd=project, env={"UV_DEFAULT_INDEX": index.simple})
    assert refused("--group", "osp").endswith("hint: did you mean `ops`?\n")
    assert refused("--extra", "fats").endswith("hint: did you mean `fast`?\n")


# --- files and the index ---


def test_a_hash_that_does_not_match(refused: Refused, project: Path, index: Index) -> None:
    """N2, S9: hashes are enforced."""
    other = Made(filename=ALPHA.filename, data=ALPHA.data[:-1] + b"!")
    index.add(other)
    assert refused() == (
        "error: `alpha-1.2-py3-none-any.whl` is not the file that the lock records\n"
        f"  ├─▶ expected sha256 {ALPHA.sha256}\n"
        f"  ╰─▶ got sha256 {other.sha256}\n"
        "hint: the file was replaced: find out why before you lock again\n"
    )
    assert not list(refused.wherry.store.glob("files-v*/??/*"))


def test_a_missing_file(refused: Refused, project: Path, index: Index) -> None:
    del index.files[ALPHA.filename]
    assert refused() == (
        "error: cannot fetch `alpha-1.2-py3-none-any.whl`\n"
        "  ╰─▶ INDEX/files/alpha-1.2-py3-none-any.whl answered 404 Not Found\n"
        "hint: it was removed, or never existed: lock again\n"
    )


def test_an_index_without_the_file(refused: Refused, index: Index) -> None:
    poetry_project(refused.wherry.cwd, ALPHA)
    index.add(make_wheel("alpha", "1.3"))
    assert refused(UV_DEFAULT_INDEX=index.simple) == (
        "error: `alpha-1.2-py3-none-any.whl` is not on the index\n"
        "  ╰─▶ the default index has 1 other files of `alpha`\n"
        "hint: it was removed, or locked from another index: lock again\n"
    )


def test_a_yanked_file_is_warned_of_and_used(wherry: Wherry, index: Index) -> None:
    poetry_project(wherry.cwd, ALPHA)
    index.add(Made(filename=ALPHA.filename, data=ALPHA.data, yanked="it bites"))
    done = wherry("build", "--quiet", UV_DEFAULT_INDEX=index.simple)
    assert (done.code, done.err) == (
        0,
        (
            "warning: `alpha-1.2-py3-none-any.whl` was yanked from the index: it bites\n"
            "hint: lock again to get another version\n"
        ),
    )


def test_no_wheel_for_the_target(refused: Refused, index: Index) -> None:
    """S4: a target without wheels fails clearly."""
    made = make_wheel("alpha", tag="cp311-cp311-manylinux_2_28_x86_64")
    index.add(made)
    make_project(refused.wherry.cwd, index, [made])
    assert refused("--runtime", "python3.13", "--architecture", "arm64") == (
        "error: no wheel of `alpha==1.0` runs on python3.13-arm64\n"
        "  ├─▶ the lock offers wheels for cp311-cp311 on manylinux_2_28_x86_64\n"
        "  ╰─▶ it records no sdist to build from\n"
        "hint: lock again with a version that has a wheel for it, or one that can be built from an sdist\n"
    )


BAD_WHEELS: dict[str, tuple[bytes, str]] = {
    "truncated": (
        ALPHA.data[:-40],
        "is not a zip archive\n  ╰─▶ it begins like a zip archive and ends early: the file is truncated",
    ),
    "not a zip": (
        b"<html>sorry</html>",
        "is not a zip archive\n  ╰─▶ it has no central directory",
    ),
    "empty": (b"", "is not a zip archive\n  ╰─▶ it is empty"),
    "encrypted": (
        make_zip(Odd(name="bad/__init__.py", flags=1)),
        "is encrypted\n  ╰─▶ its member `bad/__init__.py` needs a password",
    ),
    "not a wheel": (
        make_zip(Odd(name="bad.py")),
        "is not a wheel\n  ╰─▶ it has no `.dist-info/WHEEL` instead of one",
    ),
}


@pytest.mark.parametrize("kind", BAD_WHEELS)
def test_a_bad_wheel(refused: Refused, index: Index, kind: str) -> None:
    data, error = BAD_WHEELS[kind]
    bad = Made(filename="bad-1.0-py3-none-any.whl", data=data)
    index.add(bad, ALPHA)
    make_project(refused.wherry.cwd, index, [ALPHA, bad])
    assert refused().startswith(f"error: `bad-1.0-py3-none-any.whl` {error}")
    # It is no better the second time, from the store.
    assert refused("--offline").startswith(f"error: `bad-1.0-py3-none-any.whl` {error}")


BAD_NAMES = {
    "../x": "the path climbs out of the package with `..`",
    "a/../../x": "the path climbs out of the package with `..`",
    "/x": "the path is absolute",
    "C:/x": "the path is absolute",
    "C:\\x": "the path is absolute",
    "a\\b": "the path has a backslash",
    "a//b": "the path has an empty or `.` segment",
    "a\0b": "the path has a control character",
}


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_member_with_a_bad_name(refused: Refused, index: Index, name: str) -> None:
    wheel = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    info = "bad-1.0.dist-info"
    data = make_zip(
        Odd(name=name),
        Odd(name=f"{info}/WHEEL", content=wheel),
        Odd(name=f"{info}/METADATA", content=b"Metadata-Version: 2.1\nName: bad\nVersion: 1.0\n"),
        Odd(name=f"{info}/RECORD", content=b""),
    )
    bad = Made(filename="bad-1.0-py3-none-any.whl", data=data)
    index.add(bad)
    make_project(refused.wherry.cwd, index, [bad])
    assert refused() == (
        f"error: `bad` holds a file at the unsafe path {name!r}\n"
        f"  ╰─▶ {BAD_NAMES[name]}\n"
        "hint: a deployment package holds relative paths with forward slashes only; report it to the "
        "maintainers of this distribution\n"
    )


FAULTS: dict[str, tuple[Fault, str]] = {
    "401": (
        fails(401),
        (
            "  ├─▶ INDEX/files/alpha-1.2-py3-none-any.whl answered 401 Unauthorized\n"
            "  ╰─▶ the index requires a user and a password\n"
            "hint: name the index in `[[tool.wherry.indexes]]`, and set `UV_INDEX_NAME_USERNAME` and "
            "`UV_INDEX_NAME_PASSWORD`; or put them into a netrc file\n"
        ),
    ),
    "403": (
        fails(403),
        (
            "  ├─▶ INDEX/files/alpha-1.2-py3-none-any.whl answered 403 Forbidden\n"
            "  ╰─▶ the index was asked without a user and a password\n"
            "hint: this network is not permitted to read it, or it requires a user\n"
        ),
    ),
    "404": (
        fails(404),
        (
            "  ╰─▶ INDEX/files/alpha-1.2-py3-none-any.whl answered 404 Not Found\n"
            "hint: it was removed, or never existed: lock again\n"
        ),
    ),
    "a login page": (
        answers(b"<html>log in</html>", kind="text/html"),
        (
            "  ├─▶ from INDEX/files/alpha-1.2-py3-none-any.whl\n"
            "  ╰─▶ only 19 of 849 bytes were received, 3 times\n"
            "hint: try again\n"
        ),
    ),
    "500": (
        fails(500),
        (
            "  ╰─▶ INDEX/files/alpha-1.2-py3-none-any.whl answered 500 Internal Server Error\n"
            "hint: the server has a problem: try again later\n"
        ),
    ),
    "silence": (
        refuses_to_talk(),
        (
            "  ├─▶ from INDEX/files/alpha-1.2-py3-none-any.whl\n"
            "  ╰─▶ the connection was lost\n"
            "hint: try again\n"
        ),
    ),
    "in circles": (
        redirects(""),
        ("  ├─▶ from INDEX/files/alpha-1.2-py3-none-any.whl\n  ╰─▶ it redirects too many times\n"),
    ),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_an_index_in_trouble(refused: Refused, project: Path, index: Index, kind: str) -> None:
    index.fault, error = FAULTS[kind]
    assert refused() == f"error: cannot fetch `alpha-1.2-py3-none-any.whl`\n{error}"


@pytest.mark.parametrize("body", [None, ALPHA.data], ids=["at once", "midway"])
def test_an_index_that_hangs(
    refused: Refused, project: Path, index: Index, body: bytes | None
) -> None:
    release = threading.Event()
    index.fault = hangs(release, body=body)
    try:
        error = refused(WHERRY_HTTP_TIMEOUT="0.5")
    finally:
        release.set()
    assert error == (
        "error: cannot fetch `alpha-1.2-py3-none-any.whl`\n"
        "  ├─▶ from INDEX/files/alpha-1.2-py3-none-any.whl\n"
        "  ╰─▶ no answer within 0.5 s\n"
        "hint: try again, or set `WHERRY_HTTP_TIMEOUT` to more seconds\n"
    )


def test_a_password_is_never_said(refused: Refused, index: Index) -> None:
    """A8: the secret is in no output, also after a failure."""
    poetry_project(refused.wherry.cwd, ALPHA)
    index.fault = fails(401)
    address = index.simple.replace("://", "://me:s3cret-w0rd@")
    error = refused(UV_DEFAULT_INDEX=address)
    assert "answered 401" in error
    assert "the user or the password is wrong" in error
    assert "s3cret" not in error


def test_offline_with_an_empty_store(refused: Refused, project: Path, index: Index) -> None:
    assert refused("--offline") == (
        "error: 1 file is not in the store, and `--offline` forbids fetching\n"
        "  ╰─▶ `alpha-1.2-py3-none-any.whl`\n"
        "hint: run once without `--offline`\n"
    )
    assert index.requests == []


# --- what has to be built ---


def lock_sdist(refused: Refused, index: Index, made: Made) -> None:
    index.add(made)
    text = (
        'lock-version = "1.0"\ncreated-by = "tests"\n[[packages]]\nname = "bad"\nversion = "1.0"\n'
        f'[packages.sdist]\nname = "{made.filename}"\nurl = "{index.url}/files/{made.filename}"\n'
        f'hashes = {{sha256 = "{made.sha256}"}}\n'
    )
    write_files(
        refused.wherry.cwd, {"pyproject.toml": PYPROJECT, "pylock.toml": text, "shop.py": ""}
    )


def sdist(root: Path, **described: object) -> Made:
    obedient_project(root, name="bad", files={"bad.py": b""}, **described)  # type: ignore[arg-type]
    return make_sdist("bad", files={path.name: path.read_bytes() for path in root.iterdir()})


def test_an_sdist_whose_backend_fails(refused: Refused, index: Index, tmp_path: Path) -> None:
    said = "\n".join(f"line {number}" for number in range(40)) + "\nit is hopeless"
    lock_sdist(refused, index, sdist(tmp_path / "bad", say=said, fail=3))
    error = refused()
    assert error.startswith("error: `bad` could not be built\n  ├─▶ `obedient` failed with status ")
    assert "it is hopeless" in error
    assert "line 39" in error
    assert "line 3\n" not in error
    log = error.rpartition("hint: the whole output is in `TMP/")[2].rstrip("`\n")
    assert "line 3\n" in (tmp_path / log).read_text()


def test_an_sdist_that_must_be_compiled(refused: Refused, index: Index, tmp_path: Path) -> None:
    lock_sdist(refused, index, sdist(tmp_path / "bad", tag="cp310-cp310-linux_x86_64"))
    assert refused("--runtime", "python3.11", "--container", "never") == (
        "error: `bad` must be compiled for python3.11-x86_64\n"
        "  ╰─▶ its backend made `bad-1.0-cp310-cp310-linux_x86_64.whl`, for the machine that built it\n"
        "hint: let a container compile it (`--container auto` with docker, podman or finch), or pin a version "
        "that has a wheel for python3.11-x86_64\n"
    )


# --- the output and the store ---


@pytest.mark.parametrize("given", ["a-file/x.zip", "a-file", "folder.zip"])
def test_an_output_that_cannot_be(refused: Refused, project: Path, given: str) -> None:
    write_files(project, {"a-file": "", "folder.zip/inside": ""})
    error = refused("--output", given)
    assert error.startswith(f"error: cannot write `{given}")
    assert error.endswith("hint: choose another path with --output\n")


def test_a_store_that_cannot_be(refused: Refused, project: Path) -> None:
    write_files(project, {"a-file": ""})
    assert refused(WHERRY_CACHE_DIR=str(project / "a-file")) == (
        "error: cannot write to the store `TMP/shop/a-file`\n"
        "  ╰─▶ Not a directory\n"
        "hint: set `WHERRY_CACHE_DIR` to another folder\n"
    )


@contextmanager
def tmpfs(place: Path, options: str) -> Iterator[None]:
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip("a file system can be mounted by root alone")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize(
    ("options", "cause"), [("ro", "Read-only file system"), ("size=16k", "No space left on device")]
)
def test_a_file_system_that_takes_nothing(
    refused: Refused, index: Index, tmp_path: Path, options: str, cause: str
) -> None:
    big = make_wheel("big", files={"big.bin": os.urandom(100_000)})
    index.add(big)
    make_project(refused.wherry.cwd, index, [big])
    with tmpfs(tmp_path / "small", options):
        error = refused("--output", tmp_path / "small" / "out")
        assert error.startswith(
            f"error: cannot write `TMP/small/out/shop.zip`\n  ╰─▶ {cause}\nhint: "
        )
        assert not [path for path in (tmp_path / "small").rglob("*") if path.is_file()]
        error = refused(WHERRY_CACHE_DIR=str(tmp_path / "small" / "store"))
        assert error.startswith(
            f"error: cannot write to the store `TMP/small/store`\n  ╰─▶ {cause}\nhint: "
        )
        assert not list((tmp_path / "small" / "store").glob("tmp/*"))


HOOK = '[tool.wherry]\nhooks.after = ["true"]\n'
BACKEND = '[build-system]\nrequires = []\nbuild-backend = "tiny"\nbackend-path = ["."]\n'


@pytest.mark.parametrize("more", [HOOK, BACKEND])
@pytest.mark.parametrize("size", ["ro", "size=16k"])
def test_no_room_for_temporary_files(
    refused: Refused, index: Index, tmp_path: Path, size: str, more: str
) -> None:
    root = make_project(refused.wherry.cwd, index)
    write_files(root, {"tiny.py": TINY_BACKEND, "src/data": os.urandom(40_000)})
    (root / "pyproject.toml").write_text(PYPROJECT + more)
    small = tmp_path / "small"
    with tmpfs(small, size):
        # Python looks for another place where it cannot even write a few bytes.
        script = f"import tempfile; tempfile.tempdir = {str(small)!r}; from wherry.__main__ import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", script, "build", "--quiet"],
            cwd=root,
            env=refused.wherry.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert not [path for path in small.rglob("*") if path.is_file()]
    assert (done.returncode, done.stdout) == (1, "")
    causes = {"ro": "Read-only file system", "size=16k": "No space left on device"}
    where, hint = done.stderr.splitlines()[-2:]
    assert where == f"  ╰─▶ {causes[size]}"
    assert hint.startswith("hint: ")
    assert "set `TMPDIR` to another folder that " in hint
    assert "Traceback" not in done.stderr


def test_an_unpacked_package_needs_no_temporary_files(
    project: Path, wherry: Wherry, tmp_path: Path
) -> None:
    write_files(project, {"data": os.urandom(40_000)})
    with tmpfs(tmp_path / "small", "size=16k"):
        wherry.succeed("build", "--unpacked", "../out", TMPDIR=str(tmp_path / "small"))
    assert (tmp_path / "out" / "shop" / "api.py").is_file()


def limited(wherry: Wherry, size: int) -> subprocess.CompletedProcess[str]:
    """A build that may write no larger file, as on a full disk."""
    return subprocess.run(
        [sys.executable, "-m", "wherry", "build", "--quiet"],
        cwd=wherry.cwd,
        env=wherry.environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_file_may_grow_that_large(wherry: Wherry, index: Index) -> None:
    big = make_wheel("big", files={"big.bin": os.urandom(100_000)})
    index.add(big)
    make_project(wherry.cwd, index, [big])
    done = limited(wherry, 50_000)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: cannot write to the store `{wherry.store}`\n")
    assert wherry("build", "--output", "../out").code == 0
    # The wheel is in the store now; the package is larger than it.
    write_files(wherry.cwd, {"own.bin": os.urandom(50_000)})
    done = limited(wherry, 120_000)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: cannot write `dist/lambda/shop.zip`\n")
    assert wherry.rubbish() == []
    assert not (wherry.cwd / "dist" / "lambda" / "shop.zip").exists()
    assert wherry("build").code == 0


# --- usage ---


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("biuld",), "error: there is no command `biuld`\nhint: did you mean `wherry build`?\n"),
        (
            ("build", "--runtim", "x"),
            "error: no such option '--runtim'\nhint: did you mean `--runtime`?\n",
        ),
        (
            ("completion",),
            "error: missing argument '[bash | zsh | fish]'. Choose from: bash, zsh, fish\n",
        ),
        (("cache", "dir", "more"), "error: got unexpected extra argument (more)\n"),
        (("build", "--output"), "error: option '--output' requires an argument\n"),
        (
            ("cache", "prune", "--older-than", "soon"),
            (
                "error: invalid value for '--older-than': an age is a number and d, h or w, such as 30d\n"
                "hint: wherry cache prune --help\n"
            ),
        ),
    ],
)
def test_usage(refused: Refused, arguments: tuple[str, ...], error: str) -> None:
    assert refused(*arguments[1:], command=arguments[0], code=2).startswith(error)


# --- ends that come early ---


def waited_for(found: Callable[[], object], process: subprocess.Popen[str]) -> None:
    while not found():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def has_ended(pid: int) -> bool:
    """Whether a process ends, whose parent has ended before it: the system takes a moment to bury it."""
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def interrupt(
    process: subprocess.Popen[str], wherry: Wherry, before: dict[str, bytes | None]
) -> None:
    """Interrupt a command: it says so, and leaves nothing behind."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err.endswith("\ninterrupted\n")
    assert "Traceback" not in err
    assert contents(wherry.cwd) == before
    assert wherry.rubbish() == []


@pytest.mark.parametrize("body", [None, ALPHA.data], ids=["no answer", "midway"])
def test_interrupted_while_the_index_hangs(
    wherry: Wherry, project: Path, index: Index, body: bytes | None
) -> None:
    release = threading.Event()
    index.fault = hangs(release, body=body)
    before = contents(project)
    try:
        process = wherry.start("build")
        waited_for(
            lambda: index.downloads if body is None else any((wherry.store / "tmp").glob("*")),
            process,
        )
        # The index is still silent: the end does not wait for it.
        interrupt(process, wherry, before)
    finally:
        release.set()
    assert not list(wherry.store.glob("files-v*/??/*"))


@pytest.mark.parametrize("module", ["wherry.cli.render", "wherry.tools.process", "subprocess"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ended_while_modules_are_imported(
    wherry: Wherry, project: Path, module: str, number: signal.Signals
) -> None:
    """The module is there by then, and nothing is in it."""
    script = (
        "import importlib.machinery, os, sys, wherry.__main__\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name != {module!r}: return\n"
        "        spec = importlib.machinery.PathFinder.find_spec(name, path)\n"
        "        run = spec.loader.exec_module\n"
        f"        spec.loader.exec_module = lambda module: (os.kill(os.getpid(), {int(number)}), run(module))\n"
        "        return spec\n"
        "sys.meta_path.insert(0, Finder())\n"
        "sys.argv = ['wherry', 'build']\n"
        "wherry.__main__.main()\n"
    )
    (project / "pylock.toml").unlink()
    write_files(project, {"requirements.txt": "alpha==1.0\n"})
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project,
        env=wherry.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (128 + number, "")
    assert "Traceback" not in done.stderr
    assert wherry.rubbish() == []


def test_interrupted_while_a_backend_works(wherry: Wherry, project: Path, tmp_path: Path) -> None:
    """The backend ends too, and nothing of its work is left."""
    obedient_project(project, files={})
    begun = tmp_path / "begun"
    write_files(
        project,
        {
            "obedient.py": (
                "import os, pathlib, time\n"
                "def build_wheel(*arguments):\n"
                f"    pathlib.Path({str(begun)!r}).write_text(str(os.getpid()))\n"
                "    time.sleep(1000)\n"
            )
        },
    )
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    before = contents(project)
    process = wherry.start("build", TMPDIR=str(scratch))
    waited_for(lambda: begun.exists() and begun.read_text(), process)
    interrupt(process, wherry, before)
    assert has_ended(int(begun.read_text()))
    assert list(scratch.iterdir()) == []


def test_interrupted_while_locking(
    wherry: Wherry, project: Path, index: Index, tmp_path: Path
) -> None:
    (project / "pylock.toml").unlink()
    write_files(project, {"pyproject.toml": PYPROJECT + 'dependencies = ["alpha"]\n'})
    release = threading.Event()
    index.fault = hangs(release)
    before = contents(project)
    try:
        process = wherry.start(
            "lock", UV_DEFAULT_INDEX=index.simple, UV_CACHE_DIR=new_uv_cache(tmp_path / "uv-cache")
        )
        waited_for(lambda: index.requests, process)
        interrupt(process, wherry, before)
    finally:
        release.set()


def test_killed_while_fetching(wherry: Wherry, project: Path, index: Index) -> None:
    release = threading.Event()
    index.fault = hangs(release, body=ALPHA.data)
    try:
        process = wherry.start("build")
        waited_for(lambda: any((wherry.store / "tmp").glob("*")), process)
        process.kill()
        process.communicate()
    finally:
        release.set()
    assert not list(wherry.store.glob("files-v*/??/*"))
    index.fault = None
    assert wherry("build").code == 0
    found = unzipped(project / "dist" / "lambda" / "shop.zip")
    assert found["alpha/__init__.py"] == b"A = 1\n" * 40


@pytest.mark.real
def test_killed_while_writing(wherry: Wherry, project: Path) -> None:
    folder = project / "dist" / "lambda"
    assert wherry("build").code == 0
    older = (folder / "shop.zip").read_bytes()
    # Large enough that it is caught in the act, and nothing that can be deflated.
    block = os.urandom(1 << 20)
    with (project / "large.bin").open("wb") as file:
        for _ in range(200):
            file.write(block)
    process = wherry.start("build")
    waited_for(lambda: [*folder.glob(".*.tmp")], process)
    process.kill()
    process.communicate()
    assert (folder / "shop.zip").read_bytes() == older
    (project / "large.bin").unlink()
    # A build that is still at work has a younger one.
    for left in folder.glob(".*.tmp"):
        os.utime(left, (0, 0))
    write_files(project, {"new.txt": "new"})
    assert wherry("build").code == 0
    assert (folder / "shop.zip").read_bytes() != older
    assert [path.name for path in folder.iterdir()] == ["shop.zip"]


@pytest.mark.parametrize(
    "arguments", [("build",), ("build", "--json"), ("--help",), ("cache", "dir")]
)
def test_nobody_reads_the_output(wherry: Wherry, project: Path, arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "wherry", *arguments],
            cwd=wherry.cwd,
            env=wherry.environment(),
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writer)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert "rror" not in done.stderr
