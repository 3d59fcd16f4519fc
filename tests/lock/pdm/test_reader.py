"""``pdm.lock``: small samples in the exact form of each version. Those that PDM makes are in ``test_tools``."""

from __future__ import annotations

import hashlib
import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from support.index import serve_index
from support.locks import RELEASES, VERSIONS, Heard, by_name, lock_context, read, versions, write
from support.wheels import make_wheel
from wherry.errors import LockError, TargetError
from wherry.events import Warned
from wherry.lock.formats import LockFormat
from wherry.lock.model import LockRequest
from wherry.lock.read import read_lock

if TYPE_CHECKING:
    from pathlib import Path

    from support.index import Index

PYPROJECT = """\
[project]
name = "shop"
version = "0.1"
requires-python = ">=3.11,<4"
dependencies = ["alpha>=1,<2", "beta<2 ; python_version < '3.14'", "beta>=2 ; python_version >= '3.14'", "gamma[fast]", "native"]

[project.optional-dependencies]
windows = ["winonly"]
all = ["shop[windows]"]

[dependency-groups]
dev = ["devtool"]
more = [{include-group = "dev"}]

[tool.pdm]
distribution = false
"""
WIN = "winonly; sys_platform == 'win32'"
# Name, version, extras, groups, marker, dependencies.
PACKAGES: list[tuple[str, str, list[str], list[str], str | None, list[str]]] = [
    ("alpha", "1.1", [], ["default"], None, ["beta>=1"]),
    ("beta", "1.0", [], ["default", "dev", "more"], 'python_version < "3.14"', []),
    ("beta", "2.0", [], ["default", "dev", "more"], 'python_version >= "3.14"', []),
    ("delta", "4.0", [], ["default"], None, []),
    ("devtool", "9.0", [], ["dev", "more"], None, ["beta"]),
    ("gamma", "3.0", [], ["default"], None, [WIN]),
    ("gamma", "3.0", ["fast"], ["default"], None, ["delta", "gamma==3.0"]),
    ("native", "1.0", [], ["default"], None, []),
    (
        "winonly",
        "1.0",
        [],
        ["all", "default", "windows"],
        "sys_platform == 'win32' or os_name == 'nt'",
        [],
    ),
]
LAYOUTS = ("4.0", "4.4", "4.4.1", "4.5.0", "4.5.1", "4.5.0 static")


def content_hash(pyproject: str, version: str = "4.5.0") -> str:
    """PDM's hash of a ``pyproject.toml``, as each version writes it."""
    document = tomllib.loads(pyproject)
    project, settings = document["project"], document["tool"]["pdm"]
    old = settings.get("dev-dependencies", {})
    content: dict[str, Any] = {
        "sources": settings.get("source", []),
        "dependencies": project.get("dependencies", []),
        "dev-dependencies": old if version < "4.5" else {**document.get("dependency-groups", {})},
        "optional-dependencies": project.get("optional-dependencies", {}),
        "requires-python": project.get("requires-python", ""),
    }
    resolution = settings.get("resolution", {})
    if version < "4.5":
        content["overrides"] = resolution.get("overrides", {})
    else:
        content["resolution"] = resolution
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def lock_text(
    layout: str,
    pyproject: str = PYPROJECT,
    *,
    base: str = "https://host",
    more: str = "",
    metadata: str = "",
) -> str:
    """The project's lock as PDM writes it in this version of the format."""
    version, _, static = layout.partition(" ")
    inherits = version not in {"4.0", "4.4"}
    strategy = [
        f'"{name}"' for name in ["inherit_metadata"] * inherits + ["static_urls"] * bool(static)
    ]
    lines = [
        "[metadata]",
        'groups = ["default", "all", "dev", "more", "windows"]',
        f"strategy = [{', '.join(strategy)}]" if version != "4.0" else "",
        f'lock_version = "{version}"',
        f'content_hash = "sha256:{content_hash(pyproject, version)}"',
        metadata,
    ]
    if version >= "4.5":
        lines.append('[[metadata.targets]]\nrequires_python = "~=3.11"')
    for name, release, extras, groups, marker, dependencies in PACKAGES:
        made = [each for each in RELEASES if each.filename.startswith(f"{name}-{release}")]
        places = [
            f'"{base}/files/{each.filename}"'
            if static or version == "4.0"
            else f'"{each.filename}"'
            for each in made
        ]
        key = "url" if static or version == "4.0" else "file"
        files = ", ".join(
            f'{{{key} = {place}, hash = "sha256:{each.sha256}"}}'
            for place, each in zip(places, made, strict=True)
        )
        lines += ["[[package]]", f'name = "{name}"', f'version = "{release}"', 'summary = ""']
        lines += [f"extras = {json.dumps(extras)}"] * bool(extras)
        lines += [f"groups = {json.dumps(groups)}"] * inherits
        lines += [f"marker = {json.dumps(marker)}"] * bool(marker and inherits)
        lines += [f"dependencies = {json.dumps(dependencies)}"] * bool(dependencies)
        lines += [f"files = [{files}]"] * (version != "4.0")
    if version == "4.0":
        lines.append("[metadata.files]")
        for name, release in dict.fromkeys((each[0], each[1]) for each in PACKAGES):
            made = [each for each in RELEASES if each.filename.startswith(f"{name}-{release}")]
            files = ", ".join(
                f'{{url = "{base}/files/{each.filename}", hash = "sha256:{each.sha256}"}}'
                for each in made
            )
            lines.append(f'"{name} {release}" = [{files}]')
    return "\n".join([*filter(None, lines), more, ""])


def written(root: Path, layout: str = "4.5.0", *, pyproject: str = PYPROJECT, **rest: str) -> Path:
    if layout < "4.5":
        # Those versions know no groups of PEP 735.
        pyproject = pyproject.replace("[dependency-groups]", "[tool.pdm.dev-dependencies]").replace(
            'more = [{include-group = "dev"}]', 'more = ["devtool"]'
        )
        pyproject = pyproject.replace("[tool.pdm]\ndistribution = false\n", "")
    return write(root, pyproject__toml=pyproject, pdm__lock=lock_text(layout, pyproject, **rest))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_locked_versions_come_out(tmp_path: Path, layout: str) -> None:
    written(tmp_path, layout)
    lock = read(tmp_path)
    assert versions(lock) == VERSIONS
    assert lock.format is LockFormat.PDM
    assert lock.stable
    assert lock.inputs == (tmp_path / "pdm.lock", tmp_path / "pyproject.toml")
    assert versions(read(tmp_path, runtime="python3.14"), runtime="python3.14") == {
        **VERSIONS,
        "beta": "2.0",
    }
    more = read(tmp_path, groups=("more",))
    assert versions(more) == {**VERSIONS, "devtool": "9.0"}
    # A lock with markers has PDM's: those of the default group count for an extra as well.
    inherits = layout not in {"4.0", "4.4"}
    extra = {} if inherits else {"winonly": "1.0"}
    assert versions(read(tmp_path, extras=("all",))) == {**VERSIONS, **extra}


def test_files_have_an_address_if_the_lock_records_one(tmp_path: Path) -> None:
    named = by_name(read(written(tmp_path)))["native"]
    assert {wheel.url for wheel in named.wheels or ()} == {
        f"index+default:/native/{made.filename}"
        for made in RELEASES
        if made.filename.startswith("native-") and made.filename.endswith(".whl")
    }
    assert named.sdist is not None
    for layout in ("4.0", "4.5.0 static"):
        addressed = by_name(read(written(tmp_path, layout)))["native"]
        assert {(wheel.url or "").rpartition("/")[0] for wheel in addressed.wheels or ()} == {
            "https://host/files"
        }
        assert addressed.sdist is not None
        assert addressed.sdist.url == "https://host/files/native-1.0.tar.gz"


@pytest.mark.parametrize(
    ("wanted", "message", "hint"),
    [
        ({"groups": ("deb",)}, "`pdm.lock` has no group `deb`", "did you mean `dev`?"),
        ({"groups": ("windows",)}, "`pdm.lock` has no group `windows`", None),
        ({"extras": ("window",)}, "`pdm.lock` has no extra `window`", "did you mean `windows`?"),
    ],
)
def test_what_is_not_there_is_named(
    tmp_path: Path, wanted: dict[str, Any], message: str, hint: str | None
) -> None:
    with pytest.raises(LockError) as caught:
        read(written(tmp_path), **wanted)
    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"native"]', '"native>=1"]'),
        ('requires-python = ">=3.11,<4"', 'requires-python = ">=3.11"'),
        ('dev = ["devtool"]', 'dev = ["devtool", "delta"]'),
        ("distribution = false", "[tool.pdm.resolution.overrides]\nalpha = '1.0'"),
        ("distribution = false", "[[tool.pdm.source]]\nname = 'x'\nurl = 'https://x/'"),
    ],
)
def test_a_stale_lock_is_refused(tmp_path: Path, before: str, after: str) -> None:
    written(tmp_path)
    assert before in PYPROJECT
    write(tmp_path, pyproject__toml=PYPROJECT.replace(before, after))
    with pytest.raises(LockError) as caught:
        read(tmp_path)
    assert caught.value.message == "`pdm.lock` is older than `pyproject.toml`"
    assert caught.value.hint == "run `pdm lock`"
    if "resolution" in after:
        assert versions(read(tmp_path, frozen=True)) == VERSIONS


def test_edits_that_decide_nothing_leave_the_lock_fresh(tmp_path: Path) -> None:
    written(tmp_path)
    write(tmp_path, pyproject__toml=PYPROJECT.replace('version = "0.1"', 'version = "0.2"'))
    assert versions(read(tmp_path)) == VERSIONS


def test_inputs_that_only_pdm_compares(tmp_path: Path) -> None:
    """A newer PDM accepts some locks whose hash is another, so that is a warning."""
    written(tmp_path, metadata="lock_inputs = {project = {}}")
    write(tmp_path, pyproject__toml=PYPROJECT.replace('"native"]', '"native>=1"]'))
    heard = Heard()
    assert versions(read(tmp_path, reporter=heard)) == VERSIONS
    assert heard.texts(Warned) == [
        "`pyproject.toml` has changed since `pdm.lock` was made; only PDM can compare `lock_inputs`"
    ]


def test_the_members_of_a_workspace_count(tmp_path: Path) -> None:
    """As PDM's ``Workspace.content_hash`` has it."""
    pyproject = PYPROJECT + 'workspace = {members = ["libs/*"]}\n'
    member = '[project]\nname = "one"\nversion = "1"\n[tool.pdm]\n'
    write(tmp_path / "libs" / "one", pyproject__toml=member)
    whole = content_hash(pyproject).encode() + b"\0libs/one\0" + content_hash(member).encode()
    lock = lock_text("4.5.1", pyproject)
    lock = lock.replace(content_hash(pyproject), hashlib.sha256(whole).hexdigest())
    write(tmp_path, pyproject__toml=pyproject, pdm__lock=lock)
    lock_ = read(tmp_path)
    assert versions(lock_) == VERSIONS
    assert lock_.inputs[2:] == (tmp_path.resolve() / "libs" / "one" / "pyproject.toml",)
    write(tmp_path / "libs" / "one", pyproject__toml=member + "# x\n[dependency-groups]\na = ['b']")
    with pytest.raises(LockError, match="is older than"):
        read(tmp_path)


def test_a_python_that_the_project_excludes(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"the project is not for python3\.10"):
        read(written(tmp_path), runtime="python3.10")


@pytest.mark.parametrize("version", ["5.0", "4.6", "3.1", "next", "4", "4.²", ""])
def test_an_unknown_version_is_refused(tmp_path: Path, version: str) -> None:
    written(tmp_path)
    rewritten(tmp_path, 'lock_version = "4.5.0"', f'lock_version = "{version}"')
    with pytest.raises(LockError) as caught:
        read(tmp_path)
    assert caught.value.message == f"`pdm.lock` is of the unknown lock version {version}".rstrip()


def rewritten(root: Path, before: str, after: str) -> None:
    path = root / "pdm.lock"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


TARGETS = {
    'requires_python = "~=3.11"\nplatform = "macos_14_0_arm64"\nimplementation = "cpython"': False,
    'requires_python = "==3.12.*"': False,
    'requires_python = ">=3.11"\nimplementation = "pypy"': False,
    'requires_python = ">=3.11"\nplatform = "manylinux_2_17_aarch64"': False,
    'requires_python = ">=3.11"\nplatform = "musllinux_1_2_x86_64"': False,
    'platform = "manylinux_2_17_x86_64"': True,
    'requires_python = "==3.13.*"\nplatform = "linux"\nimplementation = "cpython"': True,
    'platform = "windows_amd64"\n[[metadata.targets]]\nrequires_python = ">=3.9"': True,
}


@pytest.mark.parametrize("targets", TARGETS)
def test_the_target_is_one_that_the_lock_is_for(tmp_path: Path, targets: str) -> None:
    written(tmp_path)
    rewritten(tmp_path, 'requires_python = "~=3.11"', targets)
    if TARGETS[targets]:
        assert versions(read(tmp_path)) == VERSIONS
        return
    with pytest.raises(LockError) as caught:
        read(tmp_path)
    assert caught.value.message == "`pdm.lock` is not for python3.13-x86_64"
    assert caught.value.hint == (
        "run `pdm lock --append --python '==3.13.*' --platform manylinux_2_34_x86_64 --implementation cpython`"
    )


def entry(name: str, **keys: str) -> str:
    lines = [f"{key} = {value}" for key, value in keys.items()]
    return "\n".join(
        ["[[package]]", f'name = "{name}"', 'version = "1.0"', 'groups = ["default"]', *lines, ""]
    )


def test_paths_addresses_and_commits(tmp_path: Path) -> None:
    made = make_wheel("local", "1.0")
    made.write(tmp_path / "wheels")
    write(tmp_path / "shared", pyproject__toml="")
    digest = "0" * 64
    more = "".join(
        [
            entry("shared", path='"./shared"', editable="true", subdirectory='"x"'),
            entry("local", path=f'"./wheels/{made.filename}"'),
            entry("away", url='"https://h/away-1.0.zip"', files=f'[{{hash = "sha256:{digest}"}}]'),
            entry(
                "repo", git='"https://h/r.git"', ref='"v1"', revision='"abc"', subdirectory='"s"'
            ),
        ]
    )
    packages = by_name(read(written(tmp_path, more=more)))
    shared, vcs = packages["shared"].directory, packages["repo"].vcs
    assert shared is not None
    assert (shared.path, shared.subdirectory) == ("./shared", "x")
    assert packages["local"].archive is not None
    assert packages["local"].archive.hashes == {"sha256": made.sha256}
    assert packages["away"].archive is not None
    assert packages["away"].archive.url == "https://h/away-1.0.zip"
    assert vcs is not None
    assert (vcs.type, vcs.url, vcs.commit_id, vcs.requested_revision, vcs.subdirectory) == (
        ("git", "https://h/r.git", "abc", "v1", "s")
    )


def test_an_editable_commit_is_not_pinned(tmp_path: Path) -> None:
    more = entry("repo", git='"https://h/r.git"', ref='"main"', editable="true")
    with pytest.raises(LockError) as caught:
        read(written(tmp_path, more=more))
    assert caught.value.message == "`pdm.lock` records no commit of `repo`"
    assert caught.value.hint == "take `-e` away from `repo` in `pyproject.toml`, and run `pdm lock`"


@pytest.mark.parametrize(
    ("address", "accepted"),
    [
        ("https://${TOKEN}@host/r.git", True),
        ("https://${TOKEN}@hos", False),
        ("https://${TOKEN}@host/other.git", False),
        ("https://${OTHER}@host/r.git", False),
    ],
)
def test_a_variable_is_expanded_only_if_the_project_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, accepted: bool
) -> None:
    """Whoever may change the lock alone reads no variable."""
    monkeypatch.setenv("TOKEN", "t0ken")
    pyproject = PYPROJECT.replace(
        '"native"]', '"native", "repo @ git+https://${TOKEN}@host/r.git@v1"]'
    )
    more = entry("repo", git=f'"{address}"', revision='"abc"')
    written(tmp_path, pyproject=pyproject, more=more)
    if accepted:
        vcs = by_name(read(tmp_path))["repo"].vcs
        assert vcs is not None
        assert vcs.url == "https://t0ken@host/r.git"
        # A user decides nothing of what comes.
        assert read(tmp_path).variables == ()
        return
    with pytest.raises(LockError, match="names a variable that `pyproject.toml` does not"):
        read(tmp_path)


def test_an_address_in_the_lock_gets_no_password(tmp_path: Path) -> None:
    """A login is for the host that the project declares, whatever the lock has."""
    source = (
        '[[tool.pdm.source]]\nname = "company"\nurl = "https://company/simple"\n'
        'username = "me"\npassword = "p@ss"\n'
    )
    pyproject = PYPROJECT + source
    written(tmp_path, "4.5.0 static", pyproject=pyproject, base="https://evil")
    surroundings = lock_context(tmp_path)
    lock = read_lock(LockRequest(root=tmp_path), surroundings)
    url = (by_name(lock)["alpha"].wheels or ())[0].url
    assert url == "https://evil/files/alpha-1.1-py3-none-any.whl"
    assert surroundings.network.login(url) is None
    login = surroundings.network.login("https://company/files/alpha-1.1-py3-none-any.whl")
    assert login is not None
    assert (login.user, login.password) == ("me", "p@ss")


def test_several_indexes_are_asked_for_the_hash(tmp_path: Path, index: Index) -> None:
    with serve_index([make_wheel("alpha", "1.1", files={"other.py": b""})]) as public:
        index.add(*RELEASES)
        sources = "".join(
            f'[[tool.pdm.source]]\nname = "{name}"\nurl = "{url}"\n'
            for name, url in (("pypi", public.simple), ("company", index.simple))
        )
        lock = read(written(tmp_path, pyproject=PYPROJECT + sources))
    assert versions(lock) == VERSIONS
    wheel = (by_name(lock)["alpha"].wheels or ())[0]
    assert wheel.url == f"index+{index.simple}alpha/alpha-1.1-py3-none-any.whl"


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ('name = "alpha"', "name = 1", "package[0].name: expected a string, not an integer"),
        ('version = "1.1"', 'version = "one"', "package[0].version: "),
        ('name = "alpha"', 'name = "-"', "package[0].name: "),
        ('groups = ["default"]\n', "", "package[0].groups: this is missing"),
        ('marker = "python_version <', 'marker = "python <', "package[1].marker: "),
        ('requires_python = "~=3.11"', 'requires_python = "x"', "metadata.targets[0].requires_python: "),
        ('files = [{file = "', 'files = [{url = "ftp://', "package[0].files[0].url: it must begin with"),
    ],
)  # fmt: skip
def test_a_wrong_shape_says_where(tmp_path: Path, before: str, after: str, place: str) -> None:
    written(tmp_path)
    rewritten(tmp_path, before, after)
    with pytest.raises(LockError) as caught:
        read(tmp_path)
    assert caught.value.message == "`pdm.lock` is malformed"
    assert caught.value.where[0].startswith(place)


def test_a_lock_without_its_project(tmp_path: Path) -> None:
    write(tmp_path, pdm__lock=lock_text("4.5.0"))
    with pytest.raises(LockError, match=r"has no `pyproject\.toml` beside it"):
        read(tmp_path)


def test_a_package_that_a_lock_without_groups_lacks(tmp_path: Path) -> None:
    written(tmp_path, "4.4")
    rewritten(tmp_path, 'name = "delta"', 'name = "other"')
    with pytest.raises(LockError) as caught:
        read(tmp_path)
    assert (caught.value.message, caught.value.where) == (
        "`pdm.lock` lacks `delta`",
        ("`gamma` depends on it",),
    )
