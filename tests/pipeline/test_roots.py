"""Many functions in one repository: folders with locks of their own, in one settings file."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import wherry
from support.index import serve_index
from support.projects import pylock_for, write_files
from support.reporters import Heard
from support.wheels import make_wheel
from wherry.errors import LockError, SettingsError, WherryError
from wherry.events import LockRead, Note
from wherry.pipeline.lock import lock_all
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.index import Index
    from wherry.pipeline.report import PackageReport

ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n" * 40})
NEWER = make_wheel("alpha", "2.0", files={"alpha/__init__.py": b"A = 2\n" * 40})
BETA = make_wheel("beta", "2.0")
HANDLER = "def handler(event, context): ...\n"
NUMBERS = range(10)


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    with serve_index([ALPHA, NEWER, BETA]) as served:
        yield served


@pytest.fixture
def repository(tmp_path: Path, index: Index) -> Path:
    """Ten folders of functions, with one that they share and a layer; no project at the top."""
    settings = ['runtime = "python3.13"\n[layers.common]\nroot = "layers/common"']
    files = {"shared/__init__.py": "", "layers/common/common.py": ""}
    files["layers/common/pylock.toml"] = pylock_for(index, [ALPHA])
    for number in NUMBERS:
        folder = f"functions/f{number}"
        files[f"{folder}/app.py"] = f"{HANDLER}NUMBER = {number}\n"
        wheels = [NEWER] if number == 9 else [ALPHA, BETA]
        files[f"{folder}/pylock.toml"] = pylock_for(index, wheels)
        settings.append(
            f'[functions.f{number}]\nroot = "{folder}"\nhandler = "app.handler"\n'
            'layers = ["common"]\nextra-paths = ["shared"]'
        )
    files["wherry.toml"] = "\n".join(settings)
    return write_files(tmp_path / "shop", files)


def build(root: Path, **options: object) -> dict[str, PackageReport]:
    report = wherry.build(root, store=Store(root.parent / "store"), **options)  # type: ignore[arg-type]
    return {package.name: package for package in report.packages}


def names(package: PackageReport) -> list[str]:
    with zipfile.ZipFile(package.path) as archive:
        return [name for name in archive.namelist() if ".dist-info/" not in name]


def changed(packages: dict[str, PackageReport]) -> list[str]:
    return [name for name, package in packages.items() if package.changed]


def test_folders_with_locks_of_their_own(repository: Path, index: Index) -> None:
    index.requests.clear()
    packages = build(repository)
    assert list(packages) == ["common", *(f"f{number}" for number in NUMBERS)]
    assert names(packages["common"]) == ["python/alpha/__init__.py", "python/common.py"]
    # What the layer holds is not repeated, whichever lock it comes from.
    own = ["app.py", "beta/__init__.py", "shared/__init__.py"]
    assert names(packages["f3"]) == own
    # Another version is.
    assert names(packages["f9"]) == ["alpha/__init__.py", "app.py", "shared/__init__.py"]
    assert {each.name: each.version for each in packages["f9"].distributions}["alpha"] == "2.0"
    assert packages["f3"].handler == "app.handler"
    assert packages["f3"].layers == ("common",)
    files = [Path(download).name for download in index.downloads]
    assert sorted(files) == sorted(made.filename for made in (ALPHA, NEWER, BETA))
    index.requests.clear()
    assert changed(build(repository)) == []
    write_files(repository, {"functions/f4/app.py": HANDLER})
    assert changed(build(repository)) == ["f4"]
    write_files(repository, {"functions/f5/pylock.toml": pylock_for(index, [ALPHA])})
    assert changed(build(repository)) == ["f5"]
    write_files(repository, {"shared/__init__.py": "X = 1\n"})
    assert changed(build(repository)) == [f"f{number}" for number in NUMBERS]
    assert index.requests == []


def test_one_function_alone_and_its_layers(repository: Path) -> None:
    (repository / "functions/f1/app.py").unlink()
    (repository / "functions/f1/pylock.toml").unlink()
    (repository / "functions/f1").rmdir()
    assert list(build(repository, names=["f2"])) == ["common", "f2"]
    with pytest.raises(SettingsError, match="there is no folder `functions/f1`"):
        build(repository, names=["f1"])


def test_folders_without_a_lock_have_that_of_the_settings(tmp_path: Path, index: Index) -> None:
    settings = "".join(
        f'[functions.{name}]\nroot = "src/{name}"\nhandler = "app.handler"\n' for name in "abc"
    )
    root = write_files(
        tmp_path / "shop",
        {
            "wherry.toml": f'runtime = "python3.13"\ngroups = []\n{settings}[functions.main]\n',
            "pylock.toml": pylock_for(index, [ALPHA]),
            "other.py": "",
            "src/a/app.py": HANDLER,
            "src/b/app.py": HANDLER,
            "src/c/app.py": HANDLER,
            # Says nothing of what is needed.
            "src/c/pyproject.toml": "[tool.ruff]\nline-length = 100\n",
        },
    )
    heard = Heard()
    packages = build(root, reporter=heard)
    (read,) = heard.of(LockRead)
    assert isinstance(read, LockRead)
    assert read.path == root / "pylock.toml"
    for name in "abc":
        assert names(packages[name]) == ["alpha/__init__.py", "app.py"]
    assert "other.py" in names(packages["main"])
    # A lock that comes to lie there counts.
    write_files(root, {"src/b/pylock.toml": pylock_for(index, [BETA])})
    again = build(root)
    assert names(again["b"]) == ["app.py", "beta/__init__.py"]
    assert changed(again) == ["b", "main"]


def test_a_lock_by_its_path(tmp_path: Path, index: Index) -> None:
    root = write_files(
        tmp_path / "shop",
        {
            "wherry.toml": 'runtime = "python3.13"\nlock = "locks/pylock.all.toml"\n'
            '[functions.a]\nroot = "src/a"\nlock = "locks/pylock.b.toml"\n'
            '[functions.b]\nlock = "locks/pylock.b.toml"\nexclude-files = ["src/", "locks/"]\n'
            '[functions.c]\nroot = "src/c"\n',
            "locks/pylock.all.toml": pylock_for(index, [ALPHA, BETA]),
            "locks/pylock.b.toml": pylock_for(index, [BETA]),
            "src/a/app.py": HANDLER,
            "src/a/pylock.toml": pylock_for(index, [ALPHA]),
            "src/c/app.py": HANDLER,
            "main.py": HANDLER,
        },
    )
    packages = build(root)
    assert names(packages["a"]) == ["app.py", "beta/__init__.py"]
    assert names(packages["b"]) == ["beta/__init__.py", "main.py"]
    assert names(packages["c"]) == ["alpha/__init__.py", "app.py", "beta/__init__.py"]
    # An option has precedence over all of them.
    packages = build(root, lock=root / "src/a/pylock.toml")
    assert names(packages["a"]) == names(packages["c"]) == ["alpha/__init__.py", "app.py"]


def test_a_layer_that_is_laid_out_as_lambda_unpacks_it(tmp_path: Path, index: Index) -> None:
    root = write_files(
        tmp_path / "shop",
        {
            "wherry.toml": 'runtime = "python3.13"\n[layers.tools]\nroot = "layers/tools"\n'
            'exclude-files = ["*.md"]\n'
            '[layers.site]\nroot = "layers/tools"\nlayout = "site-packages"\n'
            '[functions.main]\nroot = "main"\nhandler = "tools.handler"\nlayers = ["tools"]\n',
            "layers/tools/pylock.toml": pylock_for(index, [BETA]),
            "layers/tools/bin/tool": "",
            "layers/tools/README.md": "",
            "layers/tools/python/tools.py": HANDLER,
            "main/app.py": "",
        },
    )
    packages = build(root)
    kept = ["bin/tool", "python/beta/__init__.py", "python/tools.py"]
    assert names(packages["tools"]) == kept
    site = "python/lib/python3.13/site-packages/beta/__init__.py"
    assert names(packages["site"]) == ["README.md", "bin/tool", site, "python/tools.py"]
    # The handler is found in the layer.
    assert packages["main"].handler == "tools.handler"


def test_a_folder_with_the_name_of_what_it_needs(tmp_path: Path, index: Index) -> None:
    root = write_files(
        tmp_path / "shop",
        {
            "wherry.toml": 'runtime = "python3.13"\n[functions.f]\nroot = "src/alpha"\n',
            "src/alpha/app.py": HANDLER,
            "src/alpha/pylock.toml": pylock_for(index, [ALPHA]),
        },
    )
    package = build(root)["f"]
    files = {each.name: each.files for each in package.distributions}
    assert files == {"alpha": package.files - 1, "project": 1}


def test_a_layer_of_requirements_alone(tmp_path: Path, index: Index) -> None:
    lock = {"layers/common/pylock.toml": pylock_for(index, [ALPHA])}
    root = write_files(
        tmp_path / "shop",
        {"wherry.toml": 'runtime = "python3.13"\n[layers.l]\nroot = "layers/common"\n', **lock},
    )
    assert [each.name for each in build(root)["l"].distributions] == ["alpha"]


def test_the_settings_of_a_folder_are_not_read(repository: Path) -> None:
    write_files(
        repository,
        {"functions/f2/pyproject.toml": '[tool.wherry]\nruntime = "python3.9"\n'},
    )
    heard = Heard()
    build(repository, names=["f2"], reporter=heard)
    texts = [note.text for note in heard.of(Note) if isinstance(note, Note)]
    assert (
        "the settings in `functions/f2/pyproject.toml` were not read: those of `shop`, which name this folder, count"
        in texts
    )


def test_one_runtime_for_all_folders(repository: Path) -> None:
    text = (repository / "wherry.toml").read_text().removeprefix('runtime = "python3.13"\n')
    project = '[project]\nname = "f{}"\nversion = "1"\nrequires-python = "{}"\n'
    write_files(
        repository,
        {
            "wherry.toml": text,
            "functions/f1/pyproject.toml": project.format(1, ">=3.11,<3.13"),
            "functions/f2/pyproject.toml": project.format(2, ">=3.9"),
        },
    )
    for wanted in ([], ["f2"], ["f1"]):
        assert build(repository, names=wanted)["common"].runtimes == ("python3.12",)
    with pytest.raises(WherryError, match=r"does not run on python3\.13"):
        build(repository, runtime="python3.13")


def test_an_error_names_the_folder(repository: Path) -> None:
    write_files(repository, {"functions/f6/pylock.toml": "lock-version = '9.0'\n"})
    with pytest.raises(LockError) as raised:
        build(repository)
    assert raised.value.where[0] == "in the project `functions/f6`"
    write_files(repository, {"functions/f6/pyproject.toml": "[project"})
    with pytest.raises(WherryError) as raised_again:
        wherry.read_request(repository)
    assert raised_again.value.where[0] == "in the project `functions/f6`"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ('root = "function/f0"', "there is no folder `function/f0`"),
        ('root = "wherry.toml"', "there is no folder `wherry.toml`"),
        ('root = "../elsewhere"', "`../elsewhere` is outside of the repository"),
        ('root = "outside"', "`outside` is outside of the repository"),
        ('root = "functions/f0"\nlock = "pylock.toml"', "there is no lock `pylock.toml`"),
        ('lock = "../elsewhere/pylock.toml"', "is outside of the repository"),
        ('root = "gone"', "`gone` is a link that leads nowhere"),
        ('lock = "gone"', "`gone` is a link that leads nowhere"),
        ('root = "/etc"', "is not a path relative to the project's folder"),
        ("root = 'functions\\\\f0'", "is not a path relative to the project's folder"),
        ('root = "C:/x"', "is not a path relative to the project's folder"),
        ('lock = "~/pylock.toml"', "is not a path relative to the project's folder"),
        ("root = 1", "expected a string"),
        ('root = ""', "expected a string"),
    ],
)
def test_paths_that_cannot_be(repository: Path, setting: str, message: str) -> None:
    write_files(repository.parent / "elsewhere", {"app.py": "", "pylock.toml": ""})
    (repository / "outside").symlink_to(repository.parent / "elsewhere")
    (repository / "gone").symlink_to("functions/f77")
    write_files(repository, {"wherry.toml": f"[functions.f]\n{setting}\n"})
    with pytest.raises(SettingsError) as raised:
        wherry.read_request(repository)
    assert message in "\n".join([raised.value.message, *raised.value.where])


def test_a_folder_in_place_of_a_name(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    with pytest.raises(SettingsError) as raised:
        wherry.read_request(names=["functions/f3"])
    assert raised.value.hint == "it is the folder of `f3`: `wherry build f3`"


def test_hints_about_paths(repository: Path) -> None:
    for setting, hint in (
        ('root = "functions/f00"', "did you mean `f0`?"),
        ('root = "functions/f0"\nlock = "pylock.toml"', "did you mean `functions/f0/pylock.toml`?"),
    ):
        write_files(repository, {"wherry.toml": f"[functions.f]\n{setting}\n"})
        with pytest.raises(SettingsError) as raised:
            wherry.read_request(repository)
        assert (raised.value.hint or "").startswith(hint)


def test_in_a_repository_a_folder_may_lie_above(repository: Path) -> None:
    (repository / ".git").mkdir()
    write_files(
        repository,
        {"infra/wherry.toml": 'runtime = "python3.13"\n[functions.f3]\nroot = "../functions/f3"\n'},
    )
    packages = build(repository / "infra", output=repository.parent / "out")
    assert names(packages["f3"]) == ["alpha/__init__.py", "app.py", "beta/__init__.py"]


def test_an_installed_folder_is_for_all(repository: Path) -> None:
    with pytest.raises(SettingsError, match=r"layers\.common has a `root` or `lock`"):
        wherry.read_request(repository, install_path=repository / "shared")


def test_every_folder_is_locked(
    repository: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.simple)
    write_files(
        repository,
        {
            "wherry.toml": 'runtime = "python3.13"\n[functions.f0]\nroot = "functions/f0"\n'
            '[functions.f1]\nroot = "functions/f1"\n[functions.f2]\nroot = "functions/f2"\n',
            "functions/f0/requirements.txt": "alpha==1.2\n",
            "functions/f1/requirements.txt": "beta\n",
            "functions/f2/poetry.lock": "",
        },
    )
    for number in range(3):
        (repository / f"functions/f{number}/pylock.toml").unlink()
    heard = Heard()
    locks = lock_all(repository, store=Store(repository.parent / "store"), reporter=heard)
    assert locks == tuple(repository / f"functions/f{number}/pylock.toml" for number in range(2))
    texts = [note.text for note in heard.of(Note) if isinstance(note, Note)]
    assert "`functions/f2` has a lock already, `poetry.lock`" in texts
    assert names(build(repository, names=["f1"])["f1"]) == ["app.py", "beta/__init__.py"]
    with pytest.raises(SettingsError, match="one file was named"):
        lock_all(repository, output=repository / "pylock.toml")


@pytest.mark.parametrize(
    "declared",
    [
        {"requirements.txt": "nowhere>=1\n"},
        {"requirements.in": "nowhere\n"},
        {"pyproject.toml": '[project]\nname = "shop"\nversion = "1"\ndependencies = ["nowhere"]\n'},
        {"pylock.toml": None},
    ],
)
def test_what_no_package_takes_is_not_fetched(
    tmp_path: Path, index: Index, declared: dict[str, str | None]
) -> None:
    """Requirements of a project whose functions say `include = []`, such as those that deploy it."""
    lock = pylock_for(index, [ALPHA]).replace(ALPHA.sha256, "0" * 64)
    root = write_files(
        tmp_path / "shop",
        {
            **{name: text or lock for name, text in declared.items()},
            "wherry.toml": 'runtime = "python3.13"\n[functions.f]\nroot = "f"\nhandler = "app.handler"\ninclude = []\n',
            "f/app.py": HANDLER,
        },
    )
    heard = Heard()
    packages = build(root, reporter=heard)
    assert names(packages["f"]) == ["app.py"]
    assert not [event for event in heard.events if isinstance(event, LockRead)]
