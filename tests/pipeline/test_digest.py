"""N9: a digest of all that decides a package, known without building; equal digests, equal bytes."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import wherry
from support.index import serve_index
from support.projects import TINY_BACKEND, make_project, pylock_for, write_files
from support.tools import run_tool, run_uv
from support.wheels import make_wheel
from wherry.errors import DigestError, LockError, SettingsError, WherryError
from wherry.pipeline.terraform import answer_terraform
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.index import Index

ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n" * 40})
NEWER = make_wheel("alpha", "1.3", files={"alpha/__init__.py": b"A = 2\n" * 40})
BETA = make_wheel("beta", "2.0", files={"beta.py": b"B = 1\n"})
HATCH = (
    '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.9"\n'
    '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
)


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    with serve_index([ALPHA, NEWER, BETA]) as served:
        yield served


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Path:
    index.requests.clear()
    return make_project(tmp_path / "shop", index, [ALPHA, BETA])


def digest_of(project: Path, store: Store, name: str | None = None, **options: Any) -> str:
    options.setdefault("runtime", "python3.13")
    report = wherry.digest(project, store=store, **options)
    if name is None:
        return report.packages[-1].inputs_sha256
    return next(one.inputs_sha256 for one in report.packages if one.name == name)


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_it_is_known_without_an_index_and_without_wheels(
    project: Path, store: Store, index: Index
) -> None:
    (package,) = wherry.digest(project, store=store, runtime="python3.13").packages
    assert (package.name, package.kind, package.code_sha256) == ("shop", "function", None)
    assert package.files == ("pylock.toml", "pyproject.toml", "shop/__init__.py", "shop/api.py")
    assert index.requests == []
    built = wherry.build(project, store=store, runtime="python3.13").packages[0]
    again = wherry.digest(project, store=store, runtime="python3.13").packages[0]
    assert again.inputs_sha256 == package.inputs_sha256
    assert again.code_sha256 == built.code_sha256
    (project / "shop/api.py").write_text("A = 1\n")
    edited = wherry.digest(project, store=store, runtime="python3.13").packages[0]
    assert edited.inputs_sha256 != package.inputs_sha256
    assert edited.code_sha256 is None


def _copied(project: Path) -> Path:
    return Path(shutil.copytree(project, project.parent / "ci" / "another-name"))


def _with_umask(project: Path) -> Path:
    for path in project.rglob("*.py"):
        path.chmod(0o600)
    return project


def _touched(project: Path) -> Path:
    for path in project.rglob("*"):
        os.utime(path, (time.time() - 9999,) * 2)
    return project


def _lock_reformatted(project: Path) -> Path:
    lock = project / "pylock.toml"
    text = lock.read_text().replace(" = ", "   =   ")
    lock.write_text(f"# by a newer tool\n{text}\n")
    return project


def _lock_with_more_keys(project: Path) -> Path:
    edit(project / "pylock.toml", "size = ", "upload-time = 2026-01-01T00:00:00Z\nsize = ")
    return project


def _index_moved(project: Path) -> Path:
    edit(project / "pylock.toml", "/files/", "/mirror/files/")
    return project


def _caches(project: Path) -> Path:
    write_files(project, {"shop/__pycache__/api.cpython-311.pyc": "x", ".venv/pyvenv.cfg": ""})
    return project


@pytest.mark.parametrize(
    "change",
    [
        _copied,
        _with_umask,
        _touched,
        _lock_reformatted,
        _lock_with_more_keys,
        _index_moved,
        _caches,
    ],
)
def test_what_does_not_count(project: Path, store: Store, change: object) -> None:
    before = digest_of(project, store)
    assert digest_of(change(project), store) == before  # type: ignore[operator]


def test_neither_the_time_zone_nor_the_locale_counts(
    project: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest_of(project, store)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    monkeypatch.setenv("LC_ALL", "C")
    assert digest_of(project, Store(store.root.parent / "other")) == before


@pytest.mark.parametrize(
    "options",
    [{"runtime": "python3.12"}, {"architecture": "arm64"}, {"handler": "shop.api.handler"}],
    ids=str,
)
def test_options_that_count(project: Path, store: Store, options: dict[str, str]) -> None:
    assert digest_of(project, store, **options) != digest_of(project, store)


@pytest.mark.parametrize(
    "files",
    [
        {"shop/api.py": "x = 1\n"},
        {"shop/more.py": ""},
        {"wherry.toml": 'exclude = ["shop/api.py"]\n'},
        {"wherry.toml": '[functions.shop]\nexclude-files = ["beta.py"]\n'},
        {"wherry.toml": '[functions.shop]\nrename = {"beta.py" = "gamma.py"}\n'},
        {"wherry.toml": '[functions.shop]\nprovided = ["alpha"]\n'},
        {"wherry.toml": '[functions.shop]\nextra-paths = ["conf"]\n', "conf/a.json": "{}"},
        {"wherry.toml": "strip = true\n"},
        {"wherry.toml": '[functions.shop]\nlayers = ["deps"]\n[layers.deps]\n'},
    ],
    ids=str,
)
def test_files_and_settings_that_count(project: Path, store: Store, files: dict[str, str]) -> None:
    before = digest_of(project, store)
    write_files(project, files)
    assert digest_of(project, store) != before


def test_an_executable_file_counts(project: Path, store: Store) -> None:
    before = digest_of(project, store)
    (project / "shop/api.py").chmod(0o755)
    assert digest_of(project, store) != before


def test_the_lock_counts_as_it_is_selected(project: Path, store: Store, index: Index) -> None:
    before = digest_of(project, store)
    lock = project / "pylock.toml"
    other = '[[packages]]\nname = "gamma"\nversion = "1"\nmarker = "sys_platform == \'win32\'"\n'
    other += '[packages.sdist]\nname = "gamma-1.tar.gz"\nurl = "https://x/gamma-1.tar.gz"\n'
    lock.write_text(lock.read_text() + other + f'hashes = {{sha256 = "{"0" * 64}"}}\n')
    assert digest_of(project, store) == before
    lock.write_text(pylock_for(index, [NEWER, BETA]))
    assert digest_of(project, store) != before


def test_a_group_counts(project: Path, store: Store, index: Index) -> None:
    lock = pylock_for(index, [ALPHA, BETA]).replace(
        'name = "beta"', 'name = "beta"\nmarker = "\'more\' in dependency_groups"'
    )
    text = lock.replace(
        'created-by = "tests"', 'created-by = "tests"\ndependency-groups = ["more"]'
    )
    write_files(project, {"pylock.toml": text})
    assert digest_of(project, store, groups=["more"]) != digest_of(project, store)


def test_each_package_has_its_own(project: Path, store: Store) -> None:
    toml = (
        '[functions.api]\nhandler = "shop.api.handler"\nlayers = ["deps"]\n'
        '[functions.web]\nhandler = "shop.api.handler"\n[layers.deps]\n'
    )
    write_files(project, {"wherry.toml": toml})
    wherry.build(project, store=store, runtime="python3.13")
    before = {
        one.name: one for one in wherry.digest(project, store=store, runtime="python3.13").packages
    }
    # Built together, asked for one by one.
    one = wherry.digest(project, store=store, runtime="python3.13", names=["web"]).packages
    assert [(each.name, each.code_sha256) for each in one] == [("web", before["web"].code_sha256)]
    assert before["web"].code_sha256
    edit(project / "wherry.toml", "[functions.web]", '[functions.web]\nexclude-files = ["beta.py"]')
    assert digest_of(project, store, "api") == before["api"].inputs_sha256
    assert digest_of(project, store, "web") != before["web"].inputs_sha256
    # The layer holds no code of the project, and is not called otherwise.
    (project / "shop/api.py").write_text("def handler(event, context): ...\n")
    assert digest_of(project, store, "deps") == before["deps"].inputs_sha256
    assert digest_of(project, store, "api") != before["api"].inputs_sha256


def test_a_requirements_file_with_hashes(project: Path, store: Store, index: Index) -> None:
    (project / "pylock.toml").unlink()
    text = f"alpha==1.2 --hash=sha256:{ALPHA.sha256}\n"
    write_files(project, {"requirements.txt": f"--index-url {index.simple}\n{text}"})
    before = digest_of(project, store)
    write_files(project, {"requirements.txt": f"# again\n\n{text}"})
    assert digest_of(project, store) == before
    write_files(project, {"requirements.txt": f"alpha==1.3 --hash=sha256:{NEWER.sha256}\n"})
    assert digest_of(project, store) != before
    assert index.requests == []


@pytest.mark.real
def test_a_lock_that_another_uv_writes(tmp_path: Path, store: Store, index: Index) -> None:
    """The format of `uv.lock` has changed since, and not what it says."""
    root = make_project(tmp_path / "shop", index)
    (root / "pylock.toml").unlink()
    project = '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
    project += f'dependencies = ["alpha==1.2"]\n[[tool.uv.index]]\nurl = "{index.simple}"\ndefault = true\n'
    write_files(root, {"pyproject.toml": project})
    run_tool("uv-0.5", "lock", "--quiet", cwd=root)
    old = (root / "uv.lock").read_text()
    before = digest_of(root, store)
    built = wherry.build(root, store=store, runtime="python3.13").packages[0].sha256
    (root / "uv.lock").unlink()
    run_uv("lock", "--quiet", cwd=root)
    assert (root / "uv.lock").read_text() != old
    assert digest_of(root, Store(tmp_path / "other")) == before
    assert wherry.build(root, store=store, runtime="python3.13").packages[0].sha256 == built


def test_a_pipfile_lock(project: Path, store: Store, index: Index) -> None:
    (project / "pylock.toml").unlink()
    lock = {
        "_meta": {"hash": {}, "pipfile-spec": 6, "requires": {}, "sources": []},
        "default": {"alpha": {"hashes": [f"sha256:{ALPHA.sha256}"], "version": "==1.2"}},
        "develop": {},
    }
    write_files(project, {"Pipfile.lock": json.dumps(lock)})
    before = digest_of(project, store)
    write_files(project, {"Pipfile.lock": json.dumps(lock, indent=4)})
    assert digest_of(project, store) == before
    with pytest.raises(DigestError, match="the runtime is not set"):
        wherry.digest(project, store=store)
    lock["default"]["alpha"]["hashes"] = [f"sha256:{NEWER.sha256}"]  # type: ignore[index]
    write_files(project, {"Pipfile.lock": json.dumps(lock)})
    assert digest_of(project, store) != before
    assert index.requests == []


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        (
            {"pyproject.toml": '[project]\nname = "x"\ndependencies = ["alpha"]\n'},
            LockError,
            "no lock",
        ),
        ({"requirements.txt": "alpha==1.2\n"}, LockError, "does not fix the files"),
        ({"requirements.txt": "alpha\n"}, LockError, "does not fix the files"),
        (
            {"wherry.toml": '[hooks]\nbefore = ["true"]\n'},
            DigestError,
            "what they read is not known",
        ),
        (
            {"wherry.toml": '[functions.f]\nextra-distributions = ["beta"]\n'},
            DigestError,
            "not locked as a whole",
        ),
        (
            {
                "pyproject.toml": HATCH.replace(
                    "hatchling.build", 'tiny"\nbackend-path = ["."]\n#'
                ),
                "tiny.py": TINY_BACKEND,
            },
            DigestError,
            "without building it",
        ),
    ],
    ids=["unlocked", "no hashes", "not pinned", "hooks", "extra distributions", "own backend"],
)
def test_what_has_no_digest(
    project: Path, store: Store, files: dict[str, str], error: type[WherryError], message: str
) -> None:
    if "wherry.toml" not in files and "tiny.py" not in files:
        (project / "pylock.toml").unlink()
    write_files(project, files)
    with pytest.raises(error, match=message):
        digest_of(project, store)


def test_hooks_whose_inputs_are_named(project: Path, store: Store) -> None:
    toml = '[hooks]\nbefore = ["cat proto/a > {output}/a"]\ninputs = ["/proto/"]\n'
    write_files(project, {"wherry.toml": toml, "proto/a": "1"})
    before = digest_of(project, store)
    write_files(project, {"proto/a": "2"})
    assert digest_of(project, store) != before
    files = wherry.digest(project, store=store, runtime="python3.13").packages[0].files
    assert "proto/a" in files


def test_a_project_with_a_build_system(project: Path, store: Store) -> None:
    (project / "pylock.toml").rename(project / "pylock.dev.toml")
    write_files(project, {"pyproject.toml": HATCH, ".gitignore": "*.tfstate\n"})
    options: Any = {"lock": project / "pylock.dev.toml"}
    before = digest_of(project, store, **options)
    # Comments, Wherry's settings, other locks and what git ignores.
    write_files(
        project,
        {
            "pyproject.toml": f"# a comment\n{HATCH}[tool.wherry.stages.live]\nregion = 'eu-west-1'\n",
            "uv.lock": "version = 1\n",
            "infra.tfstate": "{}",
            "build/lib/shop/api.py": "",
        },
    )
    assert digest_of(project, store, **options) == before
    write_files(project, {"pyproject.toml": HATCH.replace('"1.0"', '"1.1"')})
    assert digest_of(project, store, **options) != before
    write_files(project, {"pyproject.toml": HATCH, "shop/new.py": ""})
    assert digest_of(project, store, **options) != before


def test_a_path_dependency_counts(project: Path, store: Store) -> None:
    lock = project / "pylock.toml"
    lock.write_text(
        lock.read_text() + '[[packages]]\nname = "lib"\n[packages.directory]\npath = "../lib"\n'
    )
    lib = write_files(
        project.parent / "lib", {"pyproject.toml": HATCH.replace("shop", "lib"), "lib/x.py": ""}
    )
    before = digest_of(project, store)
    (lib / "lib/x.py").write_text("X = 1\n")
    assert digest_of(project, store) != before
    files = wherry.digest(project, store=store, runtime="python3.13").packages[0].files
    assert "../lib/lib/x.py" in files


def test_a_build_of_other_inputs_is_refused(project: Path, store: Store) -> None:
    expected = digest_of(project, store)
    wherry.build(project, store=store, runtime="python3.13", expect=[expected])
    (project / "shop/api.py").write_text("A = 1\n")
    with pytest.raises(DigestError, match="not those that were expected") as caught:
        wherry.build(project, store=store, runtime="python3.13", expect=[expected])
    assert any(expected in line for line in caught.value.where)


def test_terraform_is_answered_with_strings(project: Path, store: Store) -> None:
    query = {"project": str(project), "runtime": "python3.13", "architecture": ""}
    answer = answer_terraform(json.dumps(query), store=store)
    assert all(isinstance(value, str) for value in answer.values())
    assert answer["inputs_sha256"] == digest_of(project, store)
    assert (answer["code_sha256"], answer["runtime"]) == ("", "python3.13")
    write_files(project, {"wherry.toml": "[functions.a]\n[functions.b]\n"})
    several = answer_terraform(json.dumps(query), store=store)
    named = answer_terraform(json.dumps({**query, "name": "a"}), store=store)
    assert several["a.inputs_sha256"] == named["inputs_sha256"]
    for wrong in ("[]", "{", '{"projekt": "."}', '{"name": 1}'):
        with pytest.raises(SettingsError):
            answer_terraform(wrong, store=store)


NAMES = st.sampled_from(["shop/api.py", "shop/__init__.py", "shop/data.json", "tests/x.py", "a.md"])
EDITS = st.one_of(
    st.tuples(st.just("write"), NAMES, st.sampled_from(["", "A = 1\n", "B = 2\n"])),
    st.tuples(st.just("chmod"), NAMES, st.sampled_from([0o644, 0o755, 0o600])),
    st.tuples(st.just("remove"), NAMES, st.none()),
    st.tuples(st.just("lock"), st.just(""), st.sampled_from(["old", "new", "one", "comment"])),
    st.tuples(
        st.just("settings"),
        st.just(""),
        st.sampled_from(
            [
                "",
                "# a comment\n",
                'exclude = ["tests/"]\n',
                'provided = ["beta"]\n',
                '[functions.shop]\nexclude-files = ["beta.py"]\n',
                '[functions.shop]\nlayers = ["d"]\n[layers.d]\n',
                '[functions.shop]\nlayers = ["d"]\n[layers.d]\ninclude = ["alpha"]\n',
            ]
        ),
    ),
)


def apply_edit(project: Path, index: Index, kind: str, name: str, value: object) -> None:
    path = project / name
    match kind:
        case "write":
            write_files(project, {name: str(value)})
        case "chmod" if path.is_file():
            path.chmod(int(str(value)))
        case "remove":
            path.unlink(missing_ok=True)
        case "lock":
            wheels = {"old": [ALPHA, BETA], "new": [NEWER, BETA], "one": [ALPHA]}
            text = pylock_for(index, wheels.get(str(value), [ALPHA, BETA]))
            write_files(project, {"pylock.toml": f"# x\n{text}" if value == "comment" else text})
        case "settings":
            write_files(project, {"wherry.toml": str(value)})


def may_move(project: Path, kind: str) -> bool:
    """Whether an edit may move the digest of a package though no byte changes.

    Settings may be written in several ways. Where they choose among distributions, or put them into layers, the whole
    lock counts for each package: who needs what is known after wheels are read.
    """
    path = project / "wherry.toml"
    settings = path.read_text() if path.exists() else ""
    chosen = any(word in settings for word in ("provided", "layers"))
    return kind == "settings" or (kind == "lock" and chosen)


@pytest.mark.parametrize("scale", [1, pytest.param(10, marks=pytest.mark.real)])
def test_equal_digests_give_equal_bytes(
    scale: int, tmp_path_factory: pytest.TempPathFactory, index: Index
) -> None:
    """And other bytes another digest; the digest moves for nothing in comments and settings at most."""
    folder = tmp_path_factory.mktemp("edits")
    store = Store(folder / "store")
    bytes_of: dict[str, str] = {}
    digests_of: dict[str, set[str]] = {}

    @settings(
        max_examples=3 * scale,
        derandomize=scale == 1,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(st.lists(EDITS, min_size=6, max_size=8))
    def run(edits: list[tuple[str, str, object]]) -> None:
        project = folder / "shop"
        shutil.rmtree(project, ignore_errors=True)
        make_project(project, index, [ALPHA, BETA])
        before: dict[str, tuple[str, str]] = {}
        for kind, name, value in edits:
            apply_edit(project, index, kind, name, value)
            found = wherry.digest(project, store=store, runtime="python3.13")
            report = wherry.build(project, store=store, runtime="python3.13")
            written = {package.name: package.sha256 for package in report.packages}
            for package in found.packages:
                if package.name in written:
                    sha256 = written[package.name]
                    assert bytes_of.setdefault(package.inputs_sha256, sha256) == sha256
                    digests_of.setdefault(sha256, set()).add(package.inputs_sha256)
                    was = before.get(package.name)
                    before[package.name] = (package.inputs_sha256, sha256)
                    if was is not None and was[1] == sha256 and not may_move(project, kind):
                        assert was[0] == package.inputs_sha256, (kind, name, value)

    run()
    assert len(bytes_of) > 5
    assert max(map(len, digests_of.values())) <= 4
