"""``pylock.toml`` (PEP 751)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.index import Index
from support.locks import PYPROJECT, VERSIONS, Heard, read, versions, write
from support.tools import run_uv
from wherry.errors import LockError, TargetError
from wherry.lock.formats import LockFormat

if TYPE_CHECKING:
    from pathlib import Path

HASH = "0" * 64
WHOLE = f"""\
lock-version = "1.0"
created-by = "somebody"
requires-python = ">=3.11"
extras = ["more"]
dependency-groups = ["dev", "web"]
default-groups = ["web"]

[[packages]]
name = "alpha"
version = "1.0"
wheels = [{{ url = "https://host/alpha-1.0-py3-none-any.whl", hashes = {{ sha256 = "{HASH}" }} }}]

[[packages]]
name = "beta"
version = "1.0"
marker = "'web' in dependency_groups"
wheels = [{{ url = "https://host/beta-1.0-py3-none-any.whl", hashes = {{ sha256 = "{HASH}" }} }}]

[[packages]]
name = "devtool"
version = "9.0"
marker = "'dev' in dependency_groups"
wheels = [{{ url = "https://host/devtool-9.0-py3-none-any.whl", hashes = {{ sha256 = "{HASH}" }} }}]

[[packages]]
name = "delta"
version = "4.0"
marker = "'more' in extras"
wheels = [{{ path = "wheels/delta-4.0-py3-none-any.whl", hashes = {{ sha256 = "{HASH}" }} }}]

[[packages]]
name = "itself"
directory = {{ path = ".", editable = true }}

[[packages]]
name = "shared"
directory = {{ path = "../shared" }}
"""


def test_uvs_export_is_read(tmp_path: Path, index: Index) -> None:
    """K3: `pylock.toml`."""
    write(tmp_path, pyproject__toml=PYPROJECT)
    run_uv("lock", "--quiet", "--default-index", index.simple, cwd=tmp_path)
    exported = ("export", "--quiet", "--frozen", "--no-dev", "--format", "pylock.toml")
    run_uv(*exported, "--output-file", "pylock.toml", cwd=tmp_path)
    (tmp_path / "uv.lock").unlink()
    lock = read(tmp_path)
    assert versions(lock) == VERSIONS
    assert lock.format is LockFormat.PYLOCK
    assert lock.stable
    assert lock.inputs == (tmp_path / "pylock.toml",)


def test_names_as_pipenv_spells_them(tmp_path: Path) -> None:
    project = '[project]\nname = "shop"\nversion = "1"\ndependencies = ["Alpha_One"]\n'
    text = WHOLE.replace('name = "alpha"', 'name = "Alpha.One"').replace("/alpha-", "/alpha_one-")
    write(tmp_path, pylock__toml=text, pyproject__toml=project)
    assert versions(read(tmp_path))["alpha-one"] == "1.0"


def test_default_groups_go_in_and_the_project_stays_out(tmp_path: Path) -> None:
    """A2: development groups are absent."""
    lock = read(write(tmp_path, pylock__toml=WHOLE))
    assert versions(lock) == {"alpha": "1.0", "beta": "1.0", "shared": None}


def test_groups_and_extras_are_added_when_asked_for(tmp_path: Path) -> None:
    lock = read(write(tmp_path, pylock__toml=WHOLE), groups=("dev",), extras=("more",))
    assert versions(lock).keys() == {"alpha", "beta", "delta", "devtool", "shared"}


@pytest.mark.parametrize(
    ("wanted", "message", "hint"),
    [
        ({"groups": ("devs",)}, "`pylock.toml` has no group `devs`", "did you mean `dev`?"),
        ({"extras": ("moore",)}, "`pylock.toml` has no extra `moore`", "did you mean `more`?"),
    ],
)
def test_what_is_not_there_is_named(
    tmp_path: Path, wanted: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(LockError) as caught:
        read(write(tmp_path, pylock__toml=WHOLE), **wanted)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_lock_by_name(tmp_path: Path) -> None:
    write(tmp_path, pylock__prod__toml=WHOLE, pylock__dev__toml=WHOLE.replace("alpha", "omega"))
    assert "alpha" in versions(read(tmp_path, lock=tmp_path / "pylock.prod.toml"))
    with pytest.raises(LockError) as caught:
        read(tmp_path)
    assert caught.value.message == "there are several locks"
    assert caught.value.hint == "name one, such as `--lock pylock.dev.toml`"
    (tmp_path / "pylock.dev.toml").unlink()
    assert "alpha" in versions(read(tmp_path))


def test_the_plain_name_comes_first(tmp_path: Path) -> None:
    write(tmp_path, pylock__toml=WHOLE, pylock__dev__toml=WHOLE.replace("alpha", "omega"))
    assert "alpha" in versions(read(tmp_path))


def test_a_python_that_the_lock_excludes(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"the project is not for python3\.10") as caught:
        read(write(tmp_path, pylock__toml=WHOLE), runtime="python3.10")
    assert caught.value.hint == "choose another `--runtime`, or lock again"


def test_a_patch_level_of_python_excludes_no_runtime(tmp_path: Path) -> None:
    text = WHOLE.replace(">=3.11", ">=3.13.2")
    assert "alpha" in versions(read(write(tmp_path, pylock__toml=text)))


@pytest.mark.parametrize("version", ["2.0", "0.9"])
def test_an_unknown_version_is_refused(tmp_path: Path, version: str) -> None:
    text = WHOLE.replace('lock-version = "1.0"', f'lock-version = "{version}"')
    with pytest.raises(LockError) as caught:
        read(write(tmp_path, pylock__toml=text))
    assert caught.value.message == f"`pylock.toml` is of the unknown lock version {version}"


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ('created-by = "somebody"\n', "", "created-by: Missing required value"),
        ("alpha-1.0-py3", "alpha-1.1-py3", "packages[0].wheels[0]: "),
        ('version = "9.0"', "version = 9", "packages[2].version: "),
        ("'more' in extras", "'more' is extras", "packages[3].marker: "),
        ('path = "../shared"', 'place = "../shared"', "packages[5].directory.path: "),
    ],
)
def test_a_wrong_shape_says_where(tmp_path: Path, before: str, after: str, where: str) -> None:
    with pytest.raises(LockError) as caught:
        read(write(tmp_path, pylock__toml=WHOLE.replace(before, after)))
    assert caught.value.message == "`pylock.toml` is not a valid lock"
    assert caught.value.where[0].startswith(f"{tmp_path / 'pylock.toml'}: {where}")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("lock-version = = 1", "line 1, column 16"),
        ("x = " + "[" * 5000, "nested too deeply"),
        ("x = " + "9" * 5000, "too many digits"),
    ],
)
def test_broken_toml_is_one_clear_error(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(LockError) as caught:
        read(write(tmp_path, pylock__toml=text))
    assert caught.value.message == "`pylock.toml` is not valid TOML"
    assert where in caught.value.where[0]


def test_nothing_is_said_of_a_lock_that_is_sound(tmp_path: Path) -> None:
    heard = Heard()
    read(write(tmp_path, pylock__toml=WHOLE), reporter=heard)
    assert [type(event).__name__ for event in heard.events] == ["LockRead"]
