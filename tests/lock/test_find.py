"""Which file of a project is its lock, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.locks import write
from wherry.errors import LockError
from wherry.events import Note, Warned
from wherry.files import ProjectFiles
from wherry.lock.find import Choice, choose_lock
from wherry.lock.formats import LockFormat
from wherry.lock.model import LockRequest


def choose(root: Path, lock: str | None = None) -> Choice | None:
    return choose_lock(LockRequest(root=root, lock=Path(lock) if lock else None), ProjectFiles())


def test_a_project_that_only_declares_has_no_lock(tmp_path: Path) -> None:
    write(tmp_path, pyproject__toml='[project]\nname = "shop"\n', requirements__in="", Pipfile="")
    assert choose(tmp_path) is None


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["requirements.txt"], LockFormat.REQUIREMENTS),
        (["requirements.txt", "poetry.lock"], LockFormat.POETRY),
        (["pylock.dev.toml"], LockFormat.PYLOCK),
        (["pylock.dev.toml", "pylock.prod.toml", "uv.lock"], LockFormat.UV),
        (["pdm.lock", "requirements.txt"], LockFormat.PDM),
    ],
)
def test_a_lock_that_a_tool_made_comes_first(
    tmp_path: Path, names: list[str], chosen: LockFormat
) -> None:
    for name in names:
        (tmp_path / name).write_text("")
    choice = choose(tmp_path)
    assert choice is not None
    assert choice.format is chosen
    assert choice.rivals == ()
    passed_over = "requirements.txt" in names and chosen is not LockFormat.REQUIREMENTS
    assert [type(remark) for remark in choice.remarks] == [Note] * passed_over


def test_the_reason_is_told_where_there_are_several(tmp_path: Path) -> None:
    write(tmp_path, uv__lock="", Pipfile__lock="", Pipfile="", requirements__txt="")
    choice = choose(tmp_path)
    assert choice is not None
    assert (choice.path.name, choice.rivals) == ("Pipfile.lock", ())
    assert choice.remarks == (
        Note(text="`requirements.txt` is not read: `Pipfile.lock` is the lock"),
        Warned(
            text="of `uv.lock`, `Pipfile.lock`, `Pipfile.lock` is used: there is a `Pipfile`",
            hint="remove the others, or name one with `--lock`",
        ),
    )


def test_what_was_exported_from_the_lock_is_no_other_lock(tmp_path: Path) -> None:
    """pipenv writes both with `use_pylock`."""
    write(tmp_path, pylock__toml='created-by = "pipenv"\n', Pipfile__lock="", Pipfile="")
    choice = choose(tmp_path)
    assert choice is not None
    assert (choice.path.name, choice.rivals) == ("Pipfile.lock", ())
    exported = Note(text="`pylock.toml` is not read: it was exported from `Pipfile.lock`")
    assert choice.remarks == (exported,)
    write(tmp_path, uv__lock="")
    choice = choose(tmp_path)
    assert choice is not None
    assert choice.remarks[0] == exported
    assert choice.remarks[1].text.startswith("of `uv.lock`, `Pipfile.lock`, `Pipfile.lock` is used")


def test_locks_are_rivals_where_no_tool_owns_the_project(tmp_path: Path) -> None:
    write(tmp_path, uv__lock="", poetry__lock="", pyproject__toml="[tool.uv]\n[tool.poetry]\n")
    choice = choose(tmp_path)
    assert choice is not None
    assert choice.path.name == "uv.lock"
    assert [rival.path.name for rival in choice.rivals] == ["poetry.lock"]


def test_the_build_backend_tells_the_tool(tmp_path: Path) -> None:
    backend = '[build-system]\nbuild-backend = "poetry.core.masonry.api"\n'
    write(tmp_path, uv__lock="", poetry__lock="", pyproject__toml=backend)
    choice = choose(tmp_path)
    assert choice is not None
    assert choice.format is LockFormat.POETRY


def test_several_named_locks_are_not_guessed_among(tmp_path: Path) -> None:
    write(tmp_path, pylock__dev__toml="", pylock__prod__toml="")
    with pytest.raises(LockError, match="there are several locks"):
        choose(tmp_path)
    choice = choose(tmp_path, "pylock.prod.toml")
    assert choice is not None
    assert choice.path == tmp_path / "pylock.prod.toml"


def test_a_member_has_the_lock_of_its_workspace(tmp_path: Path) -> None:
    write(tmp_path, pyproject__toml='[tool.uv.workspace]\nmembers = ["one"]\n', uv__lock="")
    write(tmp_path / "one", pyproject__toml="")
    write(tmp_path / "two", pyproject__toml="")
    choice = choose(tmp_path / "one")
    assert choice is not None
    assert (choice.path, choice.format) == (tmp_path / "uv.lock", LockFormat.UV)
    assert choose(tmp_path / "two") is None


PROJECT = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\n'
UV_LOCK = (
    'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n'
    '[[package]]\nname = "shop"\nversion = "1"\nsource = { virtual = "." }\n'
)
POETRY_LOCK = '[metadata]\nlock-version = "2.1"\ncontent-hash = "of an older time"\n'
PIPFILE_LOCK = '{"_meta": {"hash": {"sha256": "of an older time"}}}'


def pylock(name: str | None = None, creator: str = "pip") -> str:
    package = f'[[packages]]\nname = "{name}"\nversion = "1"\n' if name else "packages = []\n"
    return f'lock-version = "1.0"\ncreated-by = "{creator}"\n{package}'


@pytest.mark.parametrize(
    ("files", "chosen", "passed_over"),
    [
        (
            {"uv__lock": UV_LOCK, "poetry__lock": POETRY_LOCK},
            "uv.lock",
            ["`poetry.lock` is not read: it is older than `pyproject.toml`"],
        ),
        (
            {"pylock__toml": pylock("alpha"), "uv__lock": UV_LOCK.replace('"1"', '"0"')},
            "pylock.toml",
            [],
        ),
        (
            {"uv__lock": UV_LOCK, "Pipfile__lock": PIPFILE_LOCK},
            "uv.lock",
            ["`Pipfile.lock` is not read: there is no `Pipfile`"],
        ),
        (
            {"pylock__toml": pylock(creator="uv"), "uv__lock": UV_LOCK},
            "uv.lock",
            ["`pylock.toml` is not read: it was exported from `uv.lock`"],
        ),
        (
            {
                "pyproject__toml": f'{PROJECT}dependencies = ["Alpha>=1"]\n',
                "pylock__toml": pylock("beta"),
                "poetry__lock": POETRY_LOCK,
                "uv__lock": UV_LOCK.replace(
                    'source = { virtual = "." }\n',
                    'source = { virtual = "." }\ndependencies = [{ name = "alpha" }]\n'
                    '[package.metadata]\nrequires-dist = [{ name = "alpha", specifier = ">=1" }]\n',
                ),
            },
            "uv.lock",
            [
                "`pylock.toml` is not read: it is older than `pyproject.toml`",
                "`poetry.lock` is not read: it is older than `pyproject.toml`",
            ],
        ),
    ],
)
def test_a_leftover_is_passed_over(
    tmp_path: Path, files: dict[str, str], chosen: str, passed_over: list[str]
) -> None:
    write(tmp_path, **{"pyproject__toml": PROJECT, **files})
    choice = choose(tmp_path)
    assert choice is not None
    assert choice.path.name == chosen
    assert len(choice.rivals) == (0 if passed_over else 1)
    texts = [remark.text for remark in choice.remarks]
    assert texts == [f"{text}, and there is `{chosen}`" for text in passed_over]


def test_leftovers_alone_stay_rivals(tmp_path: Path) -> None:
    """Whoever reads them says what to do."""
    write(tmp_path, pyproject__toml=PROJECT, poetry__lock=POETRY_LOCK, Pipfile__lock=PIPFILE_LOCK)
    choice = choose(tmp_path)
    assert choice is not None
    assert (choice.path.name, len(choice.rivals), choice.remarks) == ("poetry.lock", 1, ())


@pytest.mark.parametrize("name", ["uv.lock", "requirements.txt", "pyproject.toml"])
def test_a_link_that_leads_nowhere(tmp_path: Path, name: str) -> None:
    """As of a folder that was copied without the repository that it belongs to."""
    write(tmp_path, app__py="", Pipfile="[packages]\n")
    (tmp_path / name).symlink_to(f"../../{name}")
    with pytest.raises(LockError, match=f"`{name}` is a link that leads nowhere"):
        choose(tmp_path)
    with pytest.raises(LockError, match=f"`{name}` is a link that leads nowhere"):
        choose(tmp_path, str(tmp_path / name))
