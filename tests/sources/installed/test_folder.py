"""Folders that real pip and uv made, read as what they hold. (D5, D6, S4, S5, S8, D10)"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uv import find_uv_bin

from support import warm
from support.backends import obedient_project
from support.contexts import context
from support.matrices import some
from support.projects import TINY_BACKEND, write_files
from support.tools import run_uv
from support.wheels import Made, make_wheel
from wherry.bundle.bundle import Bundle
from wherry.bundle.content import read_all
from wherry.bundle.wheel import wheel_bundle
from wherry.bundle.writer import write_package
from wherry.errors import EntryPathError, ProjectError, SelectionError, WherryError
from wherry.sources.installed.folder import INSTALLED_FILES, Installed, read_installed
from wherry.target import RUNTIMES, Architecture, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from support.reporters import Heard
    from wherry.store import Store

ENTRY_POINTS = (
    b"[console_scripts]\nalpha = alpha.main:run\nalpha-gui = alpha.main:Gui.run [extra]\n"
)
ALPHA = make_wheel(
    "alpha",
    "1.2",
    files={
        "alpha/__init__.py": b"A = 1\n",
        "alpha/main.py": b"def run(): ...\n",
        "alpha/.libs/data.bin": bytes(range(256)),
        "alpha/tool": b"#!/bin/sh\necho\n",
        "alpha-1.2.dist-info/entry_points.txt": ENTRY_POINTS,
        "alpha-1.2.data/scripts/alpha-script": b"#!python -E\nprint('hi')\n",
        "alpha-1.2.data/scripts/alpha-shell": b"#!/bin/sh\necho hi\n",
        "alpha-1.2.data/data/share/alpha/x.txt": b"x\n",
    },
    executable=("alpha/tool",),
)
BETA = make_wheel("beta", "2.0", files={"beta.py": b"B = 2\n", "space/beta/__init__.py": b""})
NATIVE_TAG = "cp313-cp313-manylinux2014_aarch64"


def elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(11) + machine.to_bytes(2, "little") + bytes(44)


def isolated() -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PIP", "UV_"))
    }
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def pip(folder: Path, *requirements: str | Path, links: Path, more: tuple[str, ...] = ()) -> Path:
    # The backends require nothing: an environment to build in would be empty.
    command = ["--quiet", "install", "--no-index", "--no-build-isolation", "--target", folder]
    command += ["--find-links", links, *more, *requirements]
    with tempfile.TemporaryFile("w+") as out:
        code = warm.call(
            list(map(str, command)),
            cwd=Path.cwd(),
            environment=isolated(),
            stdout=out,
            stderr=out,
            program="pip",
        )
        out.seek(0)
        assert code == 0, out.read()
    return folder


def uv(folder: Path, *requirements: str | Path, links: Path, more: tuple[str, ...] = ()) -> Path:
    run_uv(
        *("pip", "install", "--quiet", "--offline", "--no-index", "--target", str(folder)),
        *("--find-links", str(links), *more, *map(str, requirements)),
        cwd=folder.parent,
    )
    return folder


INSTALLERS = pytest.mark.parametrize("install", [pip, uv])


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    for made in (ALPHA, BETA):
        made.write(folder)
    return folder


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory, shelf: Path) -> Path:
    """A folder that pip made; tests work on copies of it."""
    return pip(tmp_path_factory.mktemp("sound") / "install", "alpha", "beta", links=shelf)


@pytest.fixture
def read(target: Target, store: Store) -> Callable[[Path], Installed]:
    return lambda root: read_installed(root, context(store, target=target))


def contents(bundle: Bundle) -> dict[str, tuple[bool, bytes, str]]:
    return {
        entry.path: (entry.executable, read_all(entry.payload), entry.owner) for entry in bundle
    }


def zipped(installed: Installed, path: Path) -> bytes:
    write_package(installed.bundle, path)
    return path.read_bytes()


# --- what is in it ---


@INSTALLERS
def test_what_ships_is_what_the_wheels_hold(
    tmp_path: Path,
    shelf: Path,
    store: Store,
    read: Callable[[Path], Installed],
    install: Callable[..., Path],
) -> None:
    """Launchers, byte code and marks of the installer aside; scripts have Lambda's interpreter. (S5, B4)"""
    found = read(install(tmp_path / "install", "alpha", "beta", links=shelf))
    assert [(each.name, each.version) for each in found.distributions] == [
        ("alpha", "1.2"),
        ("beta", "2.0"),
    ]
    wheels = Bundle().merge(
        *(
            wheel_bundle(
                store.add(shelf / made.filename), filename=made.filename, owner=name, store=store
            )
            for name, made in (("alpha", ALPHA), ("beta", BETA))
        )
    )
    wanted, got = contents(wheels), contents(found.bundle)
    for info in ("alpha-1.2.dist-info", "beta-2.0.dist-info"):
        # Written anew: a wheel's own lists what is not there.
        del wanted[f"{info}/RECORD"], got[f"{info}/RECORD"]
        executable, text, owner = wanted[f"{info}/WHEEL"]
        named = text.replace(b"Generator: tests", b"Generator: wherry")
        wanted[f"{info}/WHEEL"] = (executable, named, owner)
    assert got == wanted
    assert got["bin/alpha-script"] == (True, b"#!/usr/bin/env python3\nprint('hi')\n", "alpha")


@INSTALLERS
def test_the_written_record_is_true(
    tmp_path: Path, shelf: Path, read: Callable[[Path], Installed], install: Callable[..., Path]
) -> None:
    """`importlib.metadata` answers, and each hash is that of the file that ships. (S5)"""
    found = read(install(tmp_path / "install", "alpha", links=shelf))
    out = tmp_path / "out"
    for entry in found.bundle:
        write_files(out, {entry.path: read_all(entry.payload)})
    (installed,) = distributions(path=[str(out)])
    assert (installed.metadata["Name"], installed.version) == ("alpha", "1.2")
    listed = {str(path): path for path in installed.files or ()}
    assert set(listed) == {entry.path for entry in found.bundle}
    for path, file in listed.items():
        if not path.endswith("/RECORD"):
            assert file.hash is not None
            import base64
            import hashlib

            digest = hashlib.sha256((out / path).read_bytes()).digest()
            assert file.hash.value == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            assert file.size == (out / path).stat().st_size


def test_files_in_no_record_have_an_owner_of_their_own(
    tmp_path: Path, sound: Path, read: Callable[[Path], Installed]
) -> None:
    root = shutil.copytree(sound, tmp_path / "install")
    write_files(root, {"alpha/extra.py": "E = 1\n", "lone.py": "", ".env": "KEY=secret\n"})
    found = {each.name: each for each in read(root).distributions}
    assert [entry.path for entry in found[INSTALLED_FILES].bundle] == ["alpha/extra.py", "lone.py"]
    assert found[INSTALLED_FILES].version is None


def test_what_gitignore_or_custom_leaves_out_of_projects_ships(
    tmp_path: Path, shelf: Path, read: Callable[[Path], Installed]
) -> None:
    """A folder that is ignored by git, as installed ones are; a package that is called `build`."""
    files = {"build/__init__.py": b"", "setup.py": b"", "build/.hidden": b"1", "build/x.pyc": b"2"}
    make_wheel("build", "1.0", files=files).write(tmp_path / "shelf")
    (tmp_path / ".git").mkdir()
    write_files(tmp_path, {".gitignore": "install/\n"})
    root = pip(tmp_path / "install", "build", links=tmp_path / "shelf", more=("--no-compile",))
    assert set(files) <= {entry.path for entry in read(root).bundle}


def test_packages_unzipped_over_one_another_are_the_folder(
    sound: Path, read: Callable[[Path], Installed]
) -> None:
    """Distributions are a partition of what ships."""
    found = read(sound)
    paths = [entry.path for each in found.distributions for entry in each.bundle]
    assert sorted(paths) == [entry.path for entry in found.bundle]
    assert all(entry.owner == each.name for each in found.distributions for entry in each.bundle)


# --- the same on every machine ---


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(pip, pip, id="pip", marks=pytest.mark.real),
        pytest.param(uv, uv, id="uv"),
        pytest.param(pip, uv, id="pip-uv"),
    ],
)
def test_two_folders_of_one_project_are_the_same_bytes(
    tmp_path: Path,
    shelf: Path,
    read: Callable[[Path], Installed],
    one: Callable[..., Path],
    other: Callable[..., Path],
) -> None:
    """A project that was installed from its folder, elsewhere each time: `direct_url.json` has its path. (D6)"""
    source = {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "tiny"\nbackend-path = ["."]\n',
        "tiny.py": TINY_BACKEND,
        "src/shop/__init__.py": "S = 1\n",
    }
    roots = []
    for place, install in (("here", one), ("there/deep", other)):
        project = write_files(tmp_path / place / "shop", source)
        roots.append(install(project.parent / "install", project, "alpha", links=shelf))
    assert all("direct_url.json" in os.listdir(root / "shop-1.0.dist-info") for root in roots)
    first, second = map(read, roots)
    assert first.digest == second.digest
    assert zipped(first, tmp_path / "1.zip") == zipped(second, tmp_path / "2.zip")
    assert str(tmp_path).encode() not in b"".join(read_all(entry.payload) for entry in first.bundle)


def test_installing_twice_changes_nothing(
    tmp_path: Path, shelf: Path, sound: Path, read: Callable[[Path], Installed]
) -> None:
    root = shutil.copytree(sound, tmp_path / "install")
    pip(root, "alpha", "beta", links=shelf)
    uv(root, "alpha", "beta", links=shelf)
    assert read(root).digest == read(sound).digest


@pytest.mark.real
def test_an_older_version_leaves_nothing_behind(
    tmp_path: Path, target: Target, store: Store, heard: Heard
) -> None:
    """`pip install --upgrade --target` leaves the older `.dist-info` behind. (A5)"""
    shelf = tmp_path / "shelf"
    for version in ("1.0", "1.1", "1.10"):
        make_wheel("shop", version).write(shelf)
    root = pip(tmp_path / "install", "shop==1.1", links=shelf)
    pip(root, "shop==1.10", links=shelf, more=("--upgrade",))
    pip(root, "shop==1.0", links=shelf, more=("--upgrade",))
    assert len(list(root.glob("*.dist-info"))) == 3
    found = read_installed(root, context(store, target=target, reporter=heard))
    clean = pip(tmp_path / "clean", "shop==1.0", links=shelf)
    assert found.digest == read_installed(clean, context(store, target=target)).digest
    assert [(each.name, each.version) for each in found.distributions] == [("shop", "1.0")]
    assert len(heard.events) == 2


def machine_dependent(root: Path) -> None:
    """What another machine, another installer or a run of Python would have done otherwise."""
    info = root / "alpha-1.2.dist-info"
    (info / "INSTALLER").write_text("another\n")
    (info / "REQUESTED").unlink(missing_ok=True)
    (info / "direct_url.json").write_text('{"url": "file:///home/user/alpha", "dir_info": {}}')
    write_files(
        root, {"alpha/__pycache__/main.cpython-312.pyc": b"\0", ".lock": "", "beta.pyc": b"\0"}
    )
    (root / "bin/alpha").write_text(
        "#!/opt/other/python\nimport sys\nfrom alpha.main import run\n"
        "if __name__ == '__main__':\n    sys.exit(run())\n"
    )
    script = root / "bin/alpha-script"
    body = script.read_bytes().split(b"\n", 1)[1]
    script.write_bytes(b"#!/bin/sh\n'''exec' \"/a b/python3\" \"$0\" \"$@\"\n' '''\n" + body)
    record = info / "RECORD"
    lines = record.read_text().splitlines(keepends=True)
    record.write_text("".join(reversed(lines)).replace("sha256=", "sha256=x"))
    for path in root.rglob("*"):
        os.utime(path, (1, 1))
        if path.is_file():
            path.chmod(path.stat().st_mode & 0o700)


def test_nothing_of_the_machine_counts(
    tmp_path: Path, sound: Path, read: Callable[[Path], Installed]
) -> None:
    """(D6)"""
    root = shutil.copytree(sound, tmp_path / "elsewhere" / "install")
    machine_dependent(root)
    assert read(root).digest == read(sound).digest
    one, other = zipped(read(root), tmp_path / "1.zip"), zipped(read(sound), tmp_path / "2.zip")
    assert one == other


# --- every change is noticed ---


def shipping(root: Path) -> list[str]:
    """Paths in the folder, below names that count."""
    left = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "alpha", "alpha-gui")
    return sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name not in left
    )


def change(root: Path, path: str, how: str) -> None:
    file = root / path
    match how:
        case "edit":
            # Of the same length, and with the same times.
            times = file.stat()
            data = bytearray(file.read_bytes() or b"\n")
            data[-1] ^= 1
            file.write_bytes(data)
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        case "grow":
            file.write_bytes(file.read_bytes() + b"\n# more\n")
        case "rename":
            file.rename(file.with_name(f"{file.stem}_renamed{file.suffix}"))
        case "remove":
            file.unlink()
        case "add":
            file.with_name(f"added_{file.name}").write_bytes(b"new\n")
        case "swap" if not path.startswith("bin/"):
            file.chmod(file.stat().st_mode ^ 0o100)
        case _:
            # Installers disagree on these, which are always executable.
            file.unlink()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), marks=st.booleans())
def test_every_change_is_noticed(
    sound: Path,
    target: Target,
    store: Store,
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
    marks: bool,
) -> None:
    """Whatever is edited, renamed, added or removed in place; `RECORD` is as it was. (D5)"""
    root = shutil.copytree(sound, tmp_path_factory.mktemp("changed") / "install")
    path = data.draw(st.sampled_from(shipping(root)))
    how = data.draw(st.sampled_from(["edit", "grow", "rename", "remove", "add", "swap"]))
    if marks:
        machine_dependent(root)
    change(root, path, how)
    before = read_installed(sound, context(store, target=target))
    try:
        after = read_installed(root, context(store, target=target))
    except SelectionError:
        # The wheel's tags are understood; an edit of them is noticed so.
        assert path.endswith("/WHEEL")
        return
    ships = contents(after.bundle) != contents(before.bundle)
    assert ships, (path, how)
    assert after.digest != before.digest
    shutil.rmtree(root)


def test_an_edited_launcher_ships(
    tmp_path: Path, sound: Path, read: Callable[[Path], Installed]
) -> None:
    """(D5)"""
    root = shutil.copytree(sound, tmp_path / "install")
    launcher = root / "bin" / "alpha"
    launcher.write_text(launcher.read_text() + "\nprint('edited')\n")
    found = contents(read(root).bundle)
    assert found["bin/alpha"][1].startswith(b"#!/usr/bin/env python3\n")
    assert found["bin/alpha"][1].endswith(b"print('edited')\n")
    assert read(root).digest != read(sound).digest


# --- editable installs ---


@INSTALLERS
def test_an_editable_project_is_bundled(
    tmp_path: Path, links: Path, read: Callable[[Path], Installed], install: Callable[..., Path]
) -> None:
    """By its sources, as if it had been installed without `-e`; they are read anew each time. (S8)"""
    project = write_files(
        tmp_path / "shop",
        {
            "pyproject.toml": (
                '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
                '[project]\nname = "shop"\nversion = "1.0"\n[project.scripts]\nshop = "shop:run"\n'
            ),
            "shop/__init__.py": "S = 1\n",
        },
    )
    for made in (ALPHA,):
        made.write(tmp_path / "shelf")
    for wheel in links.iterdir():
        shutil.copy(wheel, tmp_path / "shelf")
    from support.backends import installed_wheel

    installed_wheel("editables").write(tmp_path / "shelf")
    shelf = tmp_path / "shelf"
    root = tmp_path / "install"
    install(root, "-e", project, "alpha", links=shelf)
    assert list(root.glob("*.pth"))
    found = read(root)
    assert [each.name for each in found.distributions] == ["alpha", "shop"]
    paths = [entry.path for entry in found.bundle if entry.owner == "shop"]
    assert "shop/__init__.py" in paths
    assert not [path for path in paths if path.endswith(".pth") or path.startswith("bin/")]
    everything = b"".join(read_all(entry.payload) for entry in found.bundle)
    assert str(tmp_path).encode() not in everything
    (project / "shop/__init__.py").write_text("S = 2\n")
    assert read(root).digest != found.digest


def test_an_editable_project_that_is_gone(
    tmp_path: Path, sound: Path, read: Callable[[Path], Installed]
) -> None:
    """(D10)"""
    root = shutil.copytree(sound, tmp_path / "install")
    gone = {"url": "file:///nowhere/shop%20x", "dir_info": {"editable": True}}
    (root / "alpha-1.2.dist-info/direct_url.json").write_text(json.dumps(gone))
    with pytest.raises(ProjectError) as caught:
        read(root)
    assert str(caught.value) == (
        "`alpha 1.2` is installed as editable, and its project was not found\n"
        "  ╰─▶ it leads to `/nowhere/shop x`\n"
        "hint: install it without `-e`"
    )


@pytest.mark.parametrize(
    "name", ["alpha.egg-link", "__editable__.shop-1.0.pth", "easy-install.pth"]
)
def test_remains_of_an_editable_install(
    tmp_path: Path, sound: Path, read: Callable[[Path], Installed], name: str
) -> None:
    root = shutil.copytree(sound, tmp_path / "install")
    write_files(root, {name: "/home/user/shop\n"})
    with pytest.raises(ProjectError, match="editable") as caught:
        read(root)
    assert caught.value.hint == "install without `-e`"


# --- for the target ---


def native(tag: str, module: str, content: bytes) -> Made:
    return make_wheel("speedy", "3.0", files={f"speedy/{module}": content}, tag=tag)


def unpacked(made: Made, root: Path) -> Path:
    """As an installer for that platform would; none for another one runs here."""
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
        archive.extractall(root)
    return root


AARCH64, X86_64 = 183, 62


@pytest.mark.parametrize(
    ("tag", "module", "content"),
    [
        (NATIVE_TAG, "_x.cpython-313-aarch64-linux-gnu.so", elf(AARCH64)),
        ("cp39-abi3-manylinux_2_28_aarch64", "_x.abi3.so", elf(AARCH64)),
        ("py3-none-any", "_x.cpython-313.so", elf(AARCH64)),
        # Beside one that fits others may lie.
        ("py3-none-any", "_x.cpython-313-aarch64-linux-gnu.so", elf(AARCH64)),
    ],
)
def test_compiled_for_the_target(
    tmp_path: Path, read: Callable[[Path], Installed], tag: str, module: str, content: bytes
) -> None:
    files = {f"speedy/{module}": content}
    if tag == "py3-none-any":
        files["speedy/_x.cpython-312-darwin.so"] = b"\xcf\xfa\xed\xfe"
    root = unpacked(make_wheel("speedy", files=files, tag=tag), tmp_path / "install")
    assert f"speedy/{module}" in {entry.path for entry in read(root).bundle}


@pytest.mark.parametrize(
    ("tag", "module", "content", "reason"),
    [
        (
            "cp313-cp313-macosx_11_0_arm64",
            "_x.cpython-313-darwin.so",
            b"\xcf\xfa\xed\xfe",
            "it was installed from a wheel for cp313-cp313-macosx_11_0_arm64",
        ),
        (
            "cp312-cp312-manylinux2014_aarch64",
            "_x.cpython-312-aarch64-linux-gnu.so",
            elf(AARCH64),
            "it was installed from a wheel for cp312-cp312-manylinux2014_aarch64",
        ),
        (
            "cp313-cp313-manylinux_2_39_aarch64",
            "_x.cpython-313-aarch64-linux-gnu.so",
            elf(AARCH64),
            "it was installed from a wheel for cp313-cp313-manylinux_2_39_aarch64",
        ),
        ("py3-none-any", "_x.cpython-313-x86_64-linux-gnu.so", elf(X86_64), None),
        ("py3-none-any", "_x.cpython-313t-aarch64-linux-gnu.so", elf(AARCH64), None),
        ("py3-none-any", "_x.cpython-312-aarch64-linux-gnu.so", elf(AARCH64), None),
        ("py3-none-any", "_x.cp313-win_amd64.pyd", b"MZ", None),
        ("py3-none-any", "_x.abi3.so", elf(X86_64), None),
        ("py3-none-any", "_x.abi3.so", b"\xcf\xfa\xed\xfe", None),
        ("py3-none-any", "_x.pypy310-pp73-x86_64-linux-gnu.so", elf(X86_64), None),
    ],
)
def test_compiled_for_another_target(
    tmp_path: Path,
    read: Callable[[Path], Installed],
    tag: str,
    module: str,
    content: bytes,
    reason: str | None,
) -> None:
    """The distribution is named, and the command that mends it. (S4, D10)"""
    root = unpacked(native(tag, module, content), tmp_path / "install")
    with pytest.raises(SelectionError) as caught:
        read(root)
    why = reason or f"`speedy/{module}` is for another platform or Python"
    assert str(caught.value) == (
        "what is installed in `install` does not run on python3.13-arm64: `speedy 3.0`\n"
        f"  ╰─▶ speedy 3.0: {why}\n"
        "hint: remove the folder and install for the target: pip install --target install "
        "--platform manylinux2014_aarch64 --platform manylinux_2_28_aarch64 --python-version 3.13 "
        "--only-binary=:all: …"
    )


@pytest.mark.parametrize("runtime", some(["python3.11", "python3.13"], of=["python3.13"]))
def test_the_command_of_the_hint_makes_what_is_wanted(
    tmp_path: Path, store: Store, runtime: str
) -> None:
    """As pip understands it, whatever machine it runs on. (S4)"""
    from wherry.sources.installed.target import install_command

    target = Target(runtime=RUNTIMES[runtime], architecture=Architecture.ARM64)
    minor = runtime.removeprefix("python3.")
    tag = f"cp3{minor}-cp3{minor}-manylinux2014_aarch64"
    module = f"_x.cpython-3{minor}-aarch64-linux-gnu.so"
    native(tag, module, elf(AARCH64)).write(tmp_path / "shelf")
    native("cp39-cp39-win_amd64", "_x.cp39-win_amd64.pyd", b"MZ").write(tmp_path / "shelf")
    words = install_command("install", target).split()[2:-1]
    assert words[:2] == ["--target", "install"]
    root = pip(tmp_path / "install", "speedy", links=tmp_path / "shelf", more=tuple(words[2:]))
    found = read_installed(root, context(store, target=target))
    assert f"speedy/{module}" in {entry.path for entry in found.bundle}


# --- what is wrong with it ---


def test_no_folder(tmp_path: Path, read: Callable[[Path], Installed]) -> None:
    """(D10)"""
    with pytest.raises(ProjectError, match="there is no installed folder") as caught:
        read(tmp_path / "install")
    assert "pip install --target install" in (caught.value.hint or "")
    write_files(tmp_path, {"install": ""})
    with pytest.raises(ProjectError) as caught:
        read(tmp_path / "install")
    assert caught.value.where == ("it is a file",)


@pytest.mark.parametrize("files", [{}, {".lock": ""}, {"a/__pycache__/x.cpython-313.pyc": b"\0"}])
def test_an_empty_folder(
    tmp_path: Path, read: Callable[[Path], Installed], files: Mapping[str, str]
) -> None:
    (tmp_path / "install").mkdir()
    write_files(tmp_path / "install", files)
    with pytest.raises(ProjectError, match="is empty") as caught:
        read(tmp_path / "install")
    assert "pip install --target install" in (caught.value.hint or "")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="there are no permissions to take away")
def test_a_link_that_leaves_the_folder(
    tmp_path: Path, sound: Path, read: Callable[[Path], Installed]
) -> None:
    root = shutil.copytree(sound, tmp_path / "install")
    write_files(tmp_path, {"secret": "s\n"})
    (root / "alpha/secret").symlink_to("../../secret")
    with pytest.raises(EntryPathError) as caught:
        read(root)
    assert caught.value.where == ("the link `alpha/secret` to `../../secret` leaves the folder",)
    assert "--link-mode copy" in (caught.value.hint or "")


def test_a_link_inside_stands_for_its_file(
    tmp_path: Path, sound: Path, read: Callable[[Path], Installed]
) -> None:
    root = shutil.copytree(sound, tmp_path / "install")
    (root / "alpha/again.py").symlink_to("main.py")
    found = contents(read(root).bundle)
    assert found["alpha/again.py"][1] == found["alpha/main.py"][1]


def test_names_that_differ_by_case_alone(
    tmp_path: Path, sound: Path, read: Callable[[Path], Installed]
) -> None:
    root = shutil.copytree(sound, tmp_path / "install")
    write_files(root, {"alpha/MAIN.py": ""})
    if len(list((root / "alpha").glob("*.py"))) < 3:
        pytest.skip("this file system cannot hold both")
    with pytest.raises(EntryPathError, match="differ only by case"):
        read(root)


@pytest.mark.parametrize(
    "record",
    [b"", b"\xff\xfe\0", b'"', b"alpha/main.py\n\n,,,\n../../../etc/passwd,sha256=x,1\n", None],
)
@pytest.mark.parametrize("metadata", [b"", b"\xff", b"Name: Alpha\nVersion: 9\n", None])
def test_dist_info_that_is_damaged(
    tmp_path: Path,
    sound: Path,
    read: Callable[[Path], Installed],
    record: bytes | None,
    metadata: bytes | None,
) -> None:
    """Every file still ships, with somebody as its owner."""
    root = shutil.copytree(sound, tmp_path / "install")
    for name, content in (("RECORD", record), ("METADATA", metadata)):
        place = root / "alpha-1.2.dist-info" / name
        if content is None:
            place.unlink()
        else:
            place.write_bytes(content)
    paths = {entry.path for entry in read(root).bundle}
    assert {"alpha/__init__.py", "alpha/main.py", "beta.py", "bin/alpha-script"} <= paths
    assert not any(".." in path for path in paths)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["RECORD", "METADATA", "WHEEL", "direct_url.json", "entry_points.txt"]),
    noise=st.one_of(
        st.binary(max_size=80),
        st.sampled_from(
            [
                b'{"dir_info": []}',
                b'{"dir_info": {"editable": true}, "url": 3}',
                b'{"dir_info": {"editable": true}, "url": "http://[x"}',
                b"[" * 5000,
                b"Tag: x\n",
                b"Tag: a-b-c-d\n",
                b"[console_scripts]\nx=:\n=a:b\n",
            ]
        ),
    ),
)
def test_noise_is_an_error_of_ours_or_nothing(
    sound: Path,
    target: Target,
    store: Store,
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    noise: bytes,
) -> None:
    root = shutil.copytree(sound, tmp_path_factory.mktemp("noise") / "install")
    (root / "alpha-1.2.dist-info" / name).write_bytes(noise)
    try:
        read_installed(root, context(store, target=target))
    except WherryError as error:
        assert error.message
    shutil.rmtree(root)


def test_a_project_below_is_no_distribution(
    tmp_path: Path, sound: Path, read: Callable[[Path], Installed]
) -> None:
    """`.dist-info` folders count at the root alone."""
    root = shutil.copytree(sound, tmp_path / "install")
    write_files(root, {"alpha/vendor/x-1.0.dist-info/METADATA": "Name: x\nVersion: 1.0\n"})
    assert [each.name for each in read(root).distributions] == ["alpha", "beta", INSTALLED_FILES]


def test_obedient_backends_are_no_part_of_it(
    tmp_path: Path, shelf: Path, read: Callable[[Path], Installed]
) -> None:
    """The backend's name and local addresses in metadata are the machine's. (D6, B3)"""
    text = "Metadata-Version: 2.1\nName: shop\nVersion: 1.0\nRequires-Dist: beta @ file:///home/user/beta\n"
    project = obedient_project(
        tmp_path / "shop", files={"shop.py": b"S = 1\n"}, metadata=text.encode()
    )
    beta = shelf / BETA.filename
    root = pip(tmp_path / "install", project, beta, links=shelf, more=("--no-deps",))
    found = contents(read(root).bundle)
    assert b"Requires-Dist: beta\n" in found["shop-1.0.dist-info/METADATA"][1]
    assert b"Generator: wherry\n" in found["shop-1.0.dist-info/WHEEL"][1]


@pytest.mark.real
def test_real_distributions_for_another_architecture(
    tmp_path: Path, target: Target, store: Store
) -> None:
    """pip and uv, told of the target: the same bytes, and none of another machine. (D6, S4)"""
    wanted = ["flask==3.1.3", "pydantic==2.12.5", "cryptography==46.0.3"]
    machine = ["--platform", "manylinux_2_28_aarch64", "--platform", "manylinux2014_aarch64"]
    version = ["--python-version", "3.13"]
    commands = {
        "pip": [sys.executable, "-m", "pip", "install", *machine, "--only-binary=:all:"],
        "uv": [find_uv_bin(), "pip", "install", "--python-platform", "aarch64-manylinux_2_28"],
    }
    digests = set()
    for name, command in commands.items():
        root = tmp_path / name / "install"
        subprocess.run([*command, *version, "--quiet", "--target", str(root), *wanted], check=True)
        found = read_installed(root, context(store, target=target))
        assert {"flask", "markupsafe", "pydantic-core", "cryptography"} <= {
            each.name for each in found.distributions
        }
        digests.add(found.digest)
    assert len(digests) == 1
    elsewhere = Target(runtime=RUNTIMES["python3.13"], architecture=Architecture.X86_64)
    with pytest.raises(SelectionError, match="cffi"):
        read_installed(tmp_path / "pip" / "install", context(store, target=elsewhere))
