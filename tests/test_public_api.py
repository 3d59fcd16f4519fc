"""S11: all of it from Python, one call for a build system, and bundles for those who need more."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import wherry
from support.index import serve_index
from support.projects import make_project
from support.wheels import make_wheel
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.index import Index

ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n", "alpha/py.typed": b""})


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    with serve_index([ALPHA]) as served:
        yield served


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Path:
    return make_project(tmp_path / "shop", index, [ALPHA])


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_one_call_packages_a_project(project: Path, tmp_path: Path) -> None:
    """S11, S10: what spindrift's `package` took: name, entry, runtime, output."""
    output = tmp_path / "elsewhere" / "yourwebapp.zip"
    report = wherry.build(
        project,
        name="yourwebapp",
        handler="from shop.api import handler",
        runtime="python3.13",
        output=output,
        store=Store(tmp_path / "store"),
    )
    (package,) = report.packages
    assert (package.name, package.path, package.handler) == (
        "yourwebapp",
        output,
        "shop.api.handler",
    )
    digest = hashlib.sha256(output.read_bytes()).digest()
    assert package.code_sha256 == base64.b64encode(digest).decode()
    assert {"alpha/__init__.py", "shop/api.py"} <= set(members(output))


def test_what_is_composed_is_what_is_built(project: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    (package,) = wherry.compose_project(project, runtime="python3.13", store=store).packages
    written = wherry.write_package(package.bundle, tmp_path / "composed.zip")
    built = wherry.build(project, runtime="python3.13", store=store).packages[0]
    assert written.sha256 == built.sha256
    assert built.changed, "composing wrote nothing into the project"


def test_composing_after_building(project: Path, tmp_path: Path) -> None:
    """S11: with what is remembered of the build; extra paths are read all the same."""
    store = Store(tmp_path / "store")
    (project / "data.txt").write_text("1")
    (project / "wherry.toml").write_text('[functions.api]\nextra-paths = ["data.txt"]\n')
    built = wherry.build(project, runtime="python3.13", store=store).packages[0]
    (package,) = wherry.compose_project(project, runtime="python3.13", store=store).packages
    assert wherry.write_package(package.bundle, tmp_path / "again.zip").sha256 == built.sha256


def test_bundles_can_be_taken_apart_and_put_together(project: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    (package,) = wherry.compose_project(project, runtime="python3.13", store=store).packages
    own = {one.name for one in package.distributions if one.own}
    parts = package.bundle.partition(lambda entry: entry.owner in own)
    assert parts[True].merge(parts[False]) == package.bundle
    wherry.write_package(parts[True], tmp_path / "function.zip")
    wherry.write_package(parts[False].prefix("python"), tmp_path / "layer.zip")
    assert set(members(tmp_path / "function.zip")) == {"shop/__init__.py", "shop/api.py"}
    assert all(name.startswith("python/alpha") for name in members(tmp_path / "layer.zip"))


def test_a_folder_can_be_added(project: Path, tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    (assets / "logo.svg").write_text("<svg/>")
    (package,) = wherry.compose_project(
        project, runtime="python3.13", store=Store(tmp_path / "store")
    ).packages
    whole = package.bundle.merge(wherry.tree_bundle(assets, owner="assets").prefix("static"))
    wherry.write_package(whole, tmp_path / "whole.zip")
    assert members(tmp_path / "whole.zip")["static/logo.svg"] == b"<svg/>"


def test_a_project_can_be_looked_at(project: Path) -> None:
    found = wherry.read_project(project)
    assert (found.name, found.version, found.root) == ("shop", "1.0", project)
    with pytest.raises(wherry.WherryError, match="is not a folder"):
        wherry.read_project(project / "nowhere")


@pytest.mark.parametrize(
    "name", ["deploy", "history", "plan", "promote", "prune", "publish", "rollback", "upload"]
)
def test_deployment_is_there_too(project: Path, name: str) -> None:
    """A11, N6: what each does is tested in tests/aws; a stage that is not there needs no AWS to be told."""
    with pytest.raises(wherry.WherryError, match="there is no stage `staging`") as caught:
        getattr(wherry, name)(project, "staging")
    assert caught.value.hint == "write one: [tool.wherry.stages.staging]"
    with pytest.raises(wherry.WherryError, match="no stage was named"):
        getattr(wherry, name)(project)


@pytest.mark.parametrize(
    "arguments",
    [
        ("build",),
        ("check",),
        ("cold_starts",),
        ("compose_project",),
        ("deploy", "staging"),
        ("digest",),
        ("history", "staging"),
        ("init",),
        ("init_stage", "staging", ["shop"]),
        ("inspect",),
        ("invoke",),
        ("invoke_remote", "staging"),
        ("lock",),
        ("plan", "staging"),
        ("promote", "staging"),
        ("prune", "staging"),
        ("publish", "staging"),
        ("read_logs", "staging"),
        ("read_request",),
        ("report_cold_starts", None),
        ("rollback", "staging"),
        ("upload", "staging"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_unknown_options_are_refused(project: Path, arguments: tuple[str, ...]) -> None:
    """As Python refuses unknown arguments: a misspelt option would change nothing, and nobody would be told."""
    name, *others = arguments
    with pytest.raises(TypeError, match="there is no option `confg`"):
        list(getattr(wherry, name)(project, *others, confg="wherry.toml"))


def test_a_server_refuses_unknown_options(project: Path) -> None:
    with pytest.raises(TypeError, match="there is no option `prt`: did you mean `port`"):
        wherry.serve(project, prt=8000).__enter__()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": "shop"}, "the option `names` expects a list, not a string"),
        ({"runtime": 3.13}, "the option `runtime` expects a string, not 3.13"),
    ],
)
def test_options_of_another_type_are_refused(
    project: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        wherry.build(project, **options)


def test_options_may_be_none(project: Path) -> None:
    """As documented: None has the value of the settings."""
    nothing: dict[str, Any] = dict.fromkeys(wherry.BuildOptions.__annotations__)
    request, default = wherry.read_request(project, **nothing), wherry.read_request(project)
    assert (request.names, request.recipes) == (default.names, default.recipes)


def test_a_request_is_read_once_and_built_as_often_as_wanted(project: Path, tmp_path: Path) -> None:
    request = wherry.read_request(project, runtime="python3.13", architecture="arm64")
    assert (str(request.target), request.recipes[0].name) == ("python3.13-arm64", "shop")
    store = Store(tmp_path / "store")
    first = wherry.build(request, store=store)
    assert first.packages[0].changed
    again = wherry.build(request, store=store)
    assert not again.packages[0].changed
    assert wherry.compose_project(request, store=store).target == first.target
    with pytest.raises(TypeError, match="has its options already: runtime"):
        wherry.build(request, runtime="python3.12")


def test_locking(tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.simple)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    root = tmp_path / "shop"
    root.mkdir()
    (root / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = ["alpha"]\n'
    )
    path = wherry.lock(root, runtime="python3.13", store=Store(tmp_path / "store"))
    assert path == root / "pylock.toml"
    assert 'name = "alpha"' in path.read_text()


def test_first_settings(project: Path) -> None:
    proposed = wherry.init(project, write=False)
    assert not proposed.written
    assert "[tool.wherry]" not in (project / "pyproject.toml").read_text()
    first = wherry.init(project, architecture="arm64")
    assert (first.path, first.written) == (project / "pyproject.toml", True)
    assert first.text in (project / "pyproject.toml").read_text()
    assert wherry.read_project(project).settings.architecture == "arm64"


def test_functions_keep_their_names_beside_packages() -> None:
    """`wherry.invoke` and `wherry.lock` are packages, too, and importing these changes nothing."""
    import wherry.invoke.run
    import wherry.lock.read

    assert wherry.invoke.__name__ == "invoke"
    assert wherry.lock.__name__ == "lock"
    assert callable(wherry.invoke)
    assert callable(wherry.lock)
