"""What must be compiled, built in a container of a real engine."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import struct
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path

import pytest
import tomli_w
from uv import find_uv_bin

from support.command import Finished, Wherry
from support.containers import IMAGE, PYTHON, Dockerd, dockerd
from support.emulator import emulator
from support.extensions import extension_sdist, extension_sources, lock_of_sdists
from support.projects import write_files
from support.wheels import Made

pytestmark = pytest.mark.real

RUNTIME = f"python{PYTHON}"
PYPROJECT = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.9"\n'
IN_CONTAINER = {"mode": "always", "image": IMAGE}

Build = Callable[..., Finished]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dockerd]:
    with dockerd(tmp_path_factory.mktemp("dockerd")) as running:
        yield running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


@pytest.fixture
def wherry(tmp_path: Path) -> Wherry:
    root = tmp_path / "shop"
    root.mkdir()
    return Wherry(store=tmp_path / "store", cwd=root)


@pytest.fixture
def build(wherry: Wherry, engine: Dockerd, tmp_path: Path) -> Build:
    """Builds the project for the image's Python; nothing is left in the temporary folder."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    def run(
        *options: str, container: Mapping[str, object] | None = None, code: int = 0, **env: str
    ) -> Finished:
        document = {"container": {**IN_CONTAINER, **(container or {})}}
        (wherry.cwd / "wherry.toml").write_text(tomli_w.dumps(document))
        done = wherry(
            "build",
            "--runtime",
            RUNTIME,
            *options,
            **{**engine.env, "TMPDIR": str(temporary), **env},
        )
        assert done.code == code, done.err
        assert not list(temporary.iterdir())
        return done

    return run


def project(root: Path, *sdists: Made, shop: str = "") -> None:
    for one in sdists:
        one.write(root)
    write_files(
        root, {"pyproject.toml": PYPROJECT, "pylock.toml": lock_of_sdists(sdists), "shop.py": shop}
    )


def members(root: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(root / "dist/lambda/shop.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def hashes(done: Finished) -> list[str]:
    return [line.split()[-1] for line in done.err.splitlines() if "code sha256" in line]


def test_what_has_no_wheel_is_compiled_in_one_run_and_runs_on_lambda(
    wherry: Wherry, build: Build, engine: Dockerd, tmp_path: Path, shared: Path
) -> None:
    """A13, K6: an sdist of the test and two real ones; then the store has them, and no engine is wanted."""
    root = wherry.cwd
    made = extension_sdist("fastcount")
    made.write(root)
    write_files(root, {"requirements.in": "markupsafe==3.0.2\nujson==5.10.0\n"})
    subprocess.run(
        [find_uv_bin(), "pip", "compile", "--quiet", "--no-header", "--no-binary", ":all:", "--format", "pylock.toml",
         "--python-version", PYTHON, "-o", "pylock.toml", "requirements.in"],
        cwd=root,
        check=True,
    )  # fmt: skip
    lock = tomllib.loads((root / "pylock.toml").read_text())
    for package in lock["packages"]:
        package.pop("wheels", None)
        assert package["sdist"]
    lock["packages"] += tomllib.loads(lock_of_sdists([made]))["packages"]
    (root / "pylock.toml").write_text(tomli_w.dumps(lock))
    write_files(
        root,
        {
            "pyproject.toml": PYPROJECT,
            "shop.py": "import fastcount, markupsafe._speedups, ujson\n"
            "def handler(event, context):\n"
            "    return [fastcount.answer(), str(markupsafe.escape('<')), ujson.dumps(event)]\n",
        },
    )
    done = build("--handler", "shop.handler")
    assert done.err.count("in a container of") == 1
    assert f"Building fastcount, markupsafe, ujson in a container of {IMAGE} ..." in done.err
    task = tmp_path / "task"
    with zipfile.ZipFile(root / "dist/lambda/shop.zip") as archive:
        archive.extractall(task)
    with emulator(
        task, "shop.handler", python=PYTHON, scratch=tmp_path / "scratch", shared=shared
    ) as function:
        answer: object = function({"a": 1})
        assert answer == [42, "&lt;", '{"a":1}'], function.log
    with engine.away():
        again = build("--handler", "shop.handler", "--output", "other")
    assert "container" not in again.err
    assert hashes(again) == hashes(done)


def test_the_same_sdist_gives_the_same_bytes(wherry: Wherry, build: Build) -> None:
    """K6, S7: built twice, shared or copied, as whoever; debug information, paths and dates included."""
    made = extension_sdist(
        "fastcount", body="return PyUnicode_FromString(__FILE__ __DATE__ __TIME__);"
    )
    project(wherry.cwd, made)
    found = []
    for number, container in enumerate(
        [{}, {}, {"copy": "volume"}, {"user": "1234:1234"}, {"user": "1234:1234", "copy": "bind"}]
    ):
        done = build(container=container, WHERRY_CACHE_DIR=str(wherry.store / str(number)))
        assert "Built fastcount" in done.err
        found += hashes(done)
    assert len(found) == 5
    assert len(set(found)) == 1


def test_always_builds_the_project_itself_inside(
    wherry: Wherry, build: Build, engine: Dockerd
) -> None:
    """K6: as CDK does; an edit is noticed, and what is unchanged is not built again."""
    write_files(wherry.cwd, extension_sources("shop"))
    done = build()
    assert f"Building shop in a container of {IMAGE} ..." in done.err
    assert any(name.startswith("shop.cpython-311-x86_64") for name in members(wherry.cwd))
    with engine.away():
        again = build()
    assert "Building" not in again.err
    assert hashes(again) == hashes(done)
    source = wherry.cwd / "shop.c"
    source.write_text(source.read_text().replace("42", "43"))
    assert hashes(build()) != hashes(done)


def test_auto_takes_the_container_for_what_this_machine_cannot(
    wherry: Wherry, build: Build, engine: Dockerd
) -> None:
    """A13, K6: only what needs it; what is pure is built here. The next build asks no engine, nor this machine."""
    pure = extension_sdist(
        "plain", setup="from setuptools import setup\nsetup(py_modules=['plain'])\n"
    )
    project(wherry.cwd, pure, extension_sdist("fastcount"))
    write_files(wherry.cwd, {"plain.py": ""})
    done = build(container={"mode": "auto"}, CC="false")
    assert f"Building fastcount in a container of {IMAGE} ..." in done.err
    assert done.err.index("Built plain") < done.err.index("in a container")
    with engine.away():
        again = build("--output", "other", container={"mode": "auto"}, CC="false")
    assert "Building" not in again.err
    assert hashes(again) == hashes(done)


def test_auto_compiles_a_project_that_this_machine_cannot(
    wherry: Wherry, build: Build, engine: Dockerd
) -> None:
    """A13: one with a build system of its own; an edit is compiled anew."""
    write_files(wherry.cwd, extension_sources("shop"))
    done = build(container={"mode": "auto"}, CC="false")
    assert f"Building shop in a container of {IMAGE} ..." in done.err
    with engine.away():
        again = build("--output", "other", container={"mode": "auto"}, CC="false")
        assert "Building" not in again.err
        assert hashes(again) == hashes(done)
        build("--output", "other", container={"mode": "auto"}, CC="false")
    source = wherry.cwd / "shop.c"
    source.write_text(source.read_text().replace("42", "43"))
    edited = build(container={"mode": "auto"}, CC="false")
    assert f"Building shop in a container of {IMAGE} ..." in edited.err
    assert hashes(edited) != hashes(done)


def test_an_image_of_a_dockerfile_is_made_once(
    wherry: Wherry, build: Build, engine: Dockerd
) -> None:
    """K6: with build arguments; by its content."""
    body = "return PyUnicode_FromString(SAID);"
    made = extension_sdist("fastcount", body=body, above="#include <said.h>")
    project(wherry.cwd, made)
    write_files(
        wherry.cwd,
        {
            "build/Dockerfile": f"FROM {IMAGE}\nARG PIP_INDEX_URL\nCOPY said.h /usr/include/said.h\n"
            'RUN echo "#define FROM \\"$PIP_INDEX_URL\\"" >> /usr/include/said.h\n',
            "build/said.h": "#define SAID FROM\n",
        },
    )
    container = {
        "dockerfile": "build",
        "build-args": {"PIP_INDEX_URL": "https://index.example/simple"},
    }

    def run(**env: str) -> Finished:
        document = {"container": {"mode": "always", **container}}
        (wherry.cwd / "own.toml").write_text(tomli_w.dumps(document))
        return build("--config", "own.toml", DOCKER_BUILDKIT="0", **env)

    done = run()
    assert "Making the image build ..." in done.err
    (library,) = [data for name, data in members(wherry.cwd).items() if name.endswith(".so")]
    assert b"https://index.example/simple" in library
    with engine.away():
        assert "image" not in run().err
    # Another project's store: the image is there all the same.
    other = run(WHERRY_CACHE_DIR=str(wherry.store / "other"))
    assert "Making" not in other.err
    assert hashes(other) == hashes(done)
    write_files(wherry.cwd, {"build/said.h": '#define SAID "changed"\n'})
    assert "Making the image build ..." in run().err


def test_a_secret_of_a_dockerfile_is_in_no_layer(
    wherry: Wherry, build: Build, engine: Dockerd
) -> None:
    """A8, K6, K7: used while the image is made, and found in nothing that the engine keeps."""
    secret = "https://me:s3cret%20%40%3A%2F@index.example/simple"
    setup = (
        "import pathlib\nfrom setuptools import setup\n"
        f"assert pathlib.Path('/seen').read_text().strip() == '{len(secret)}'\n"
        "setup(py_modules=[])\n"
    )
    project(wherry.cwd, extension_sdist("fastcount", setup=setup))
    command = "--mount=type=secret,id=PRIVATE_INDEX wc -c < /run/secrets/PRIVATE_INDEX > /seen"
    write_files(wherry.cwd, {"Dockerfile": f"FROM {IMAGE}\nRUN {command}\n"})
    options = {"dockerfile": "Dockerfile", "build-secrets": ["PRIVATE_INDEX"], "network": "host"}
    (wherry.cwd / "own.toml").write_text(
        tomli_w.dumps({"container": {"mode": "always", **options}})
    )
    before = set(engine("images", "--quiet", "wherry-build").split())
    # Debian's has BuildKit in it, where others want a plugin.
    asked = ("--config", "own.toml", "--container-engine", "/usr/bin/docker")
    done = build(*asked, DOCKER_BUILDKIT="1", PRIVATE_INDEX=secret)
    assert "Making the image Dockerfile ..." in done.err
    (made,) = set(engine("images", "--quiet", "wherry-build").split()) - before
    assert "s3cret" not in engine("history", "--no-trunc", made) + engine("inspect", made)
    found = subprocess.run(
        ["grep", "--recursive", "--files-with-matches", "--text", "s3cret%20", engine.folder / "data", wherry.store],
        capture_output=True,
        check=False,
    )  # fmt: skip
    assert found.stdout == b""
    engine("rmi", "--force", made)
    error = build(
        *asked, "--output", "other", code=1, WHERRY_CACHE_DIR=str(wherry.store / "x")
    ).error
    assert error.startswith("error: the variable `PRIVATE_INDEX` is not set\n")


def test_a_dockerfile_that_fails(wherry: Wherry, build: Build) -> None:
    """K6: the last words are shown."""
    project(wherry.cwd, extension_sdist("fastcount"))
    write_files(wherry.cwd, {"Dockerfile": f"FROM {IMAGE}\nRUN echo it is hopeless; exit 3\n"})
    (wherry.cwd / "own.toml").write_text(
        '[container]\nmode = "always"\ndockerfile = "Dockerfile"\n'
    )
    error = build("--config", "own.toml", code=1, DOCKER_BUILDKIT="0").error
    assert error.startswith("error: the image of `Dockerfile` cannot be made\n")
    assert "it is hopeless" in error


def test_options_of_the_container(
    wherry: Wherry, build: Build, engine: Dockerd, tmp_path: Path
) -> None:
    """K6: environment, network, security-opt, volumes and volumes-from reach it."""
    setup = (
        "import os, pathlib\nfrom setuptools import setup, Extension\n"
        "privileges = [line for line in open('/proc/self/status') if line.startswith('NoNewPrivs')]\n"
        "said = [os.environ['SAID'], os.environ['TAKEN'], pathlib.Path('/given/file').read_text(),\n"
        "    pathlib.Path('/lent/file').read_text(), privileges[0].split()[1],\n"
        "    ','.join(sorted(os.listdir('/sys/class/net')))]\n"
        "pathlib.Path('said.h').write_text('#define SAID \"%s\"' % '|'.join(said))\n"
        "setup(ext_modules=[Extension('fastcount', ['fastcount.c'], include_dirs=['.'])])\n"
    )
    made = extension_sdist(
        "fastcount",
        setup=setup,
        above="#include <said.h>",
        body="return PyUnicode_FromString(SAID);",
    )
    project(wherry.cwd, made)
    write_files(tmp_path, {"given/file": "given"})
    engine("create", "--name", "lender", "--volume", "/lent", IMAGE, "true")
    engine("cp", "-", "lender:/lent", stdin=archive_of({"file": b"lent"}))
    (wherry.cwd / "own.toml").write_text(
        tomli_w.dumps(
            {
                "container": {
                    **IN_CONTAINER,
                    "environment": {"SAID": "in the settings", "TAKEN": True},
                    "network": "none",
                    "security-opt": "no-new-privileges",
                    "volumes": [f"{tmp_path}/given:/given:ro"],
                    "volumes-from": ["lender"],
                }
            }
        )
    )
    wherry.succeed(
        "build", "--runtime", RUNTIME, "--config", "own.toml", TAKEN="from here", **engine.env
    )
    engine("rm", "--volumes", "lender")
    (library,) = [data for name, data in members(wherry.cwd).items() if name.endswith(".so")]
    assert b"in the settings|from here|given|lent|1|lo\0" in library


def test_what_decides_makes_another_wheel(wherry: Wherry, build: Build, engine: Dockerd) -> None:
    """K4: other variables, other requirements; the same ones ask no engine."""
    project(wherry.cwd, extension_sdist("fastcount", body="return PyLong_FromLong(ANSWER);"))
    first = {"environment": {"CFLAGS": "-DANSWER=1"}}
    found = [hashes(build(container=first))]
    found.append(hashes(build(container={"environment": {"CFLAGS": "-DANSWER=2"}})))
    with engine.away():
        assert hashes(build(container=first)) == found[0]
        proxy = {"CFLAGS": "-DANSWER=1", "HTTPS_PROXY": "http://proxy.example:1"}
        assert hashes(build(container={"environment": proxy})) == found[0]
    assert found[0] != found[1]
    assert "Built fastcount" in build(container={**first, "build-requires": ["wheel"]}).err


def test_an_engine_that_sees_no_file_of_this_machine(
    wherry: Wherry, build: Build, engine: Dockerd, tmp_path: Path
) -> None:
    """K6: as in a container that was given the engine's socket: an error says what to do, and that does it."""
    project(wherry.cwd, extension_sdist("fastcount"))
    hidden = tmp_path / "hidden"
    hidden.mkdir()

    def run(container: Mapping[str, object]) -> subprocess.CompletedProcess[str]:
        (wherry.cwd / "wherry.toml").write_text(tomli_w.dumps({"container": container}))
        mount = 'mount -t tmpfs none "$TMPDIR" && exec "$@"'
        return subprocess.run(
            ["unshare", "-m", "sh", "-c", mount, "sh", sys.executable, "-m", "wherry", "build", "--runtime", RUNTIME],
            cwd=wherry.cwd,
            env=wherry.environment(TMPDIR=str(hidden), **engine.env),
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip

    done = run(IN_CONTAINER)
    assert done.returncode == 1
    assert "error: the container sees no file of this machine\n" in done.stderr
    assert 'copy = "volume" in [tool.wherry.container]' in done.stderr
    done = run({**IN_CONTAINER, "copy": "volume"})
    assert done.returncode == 0, done.stderr
    assert any(name.startswith("fastcount.cpython-311") for name in members(wherry.cwd))


def archive_of(files: Mapping[str, bytes], *, executable: bool = False) -> bytes:
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755 if executable else 0o644
            archive.addfile(member, BytesIO(content))
    return buffer.getvalue()


def test_variables_are_in_no_argument_and_no_file_of_the_engine(
    wherry: Wherry, build: Build, engine: Dockerd
) -> None:
    """A8, K7: neither while the container runs nor afterwards; and a failure does not tell."""
    secret = "s3cret@:/ %x"
    setup = (
        "import os, pathlib, subprocess, sys\n"
        "print('the secret is', os.environ['TOKEN'])\n"
        "assert os.environ['TOKEN'] not in pathlib.Path('/proc/1/cmdline').read_text()\n"
        "assert os.environ['TOKEN'] not in pathlib.Path('/proc/1/environ').read_text()\n"
        "sys.exit(3)\n"
    )
    project(wherry.cwd, extension_sdist("fastcount", setup=setup))
    done = build(container={"environment": {"TOKEN": True}}, code=1, TOKEN=secret)
    assert "the secret is ****" in done.err
    assert secret not in done.err
    for place in (engine.folder / "data/containers", engine.folder / "data/image", wherry.store):
        for path in place.rglob("*"):
            if path.is_file():
                assert secret.encode() not in path.read_bytes(), path
    assert secret not in engine("history", "--no-trunc", IMAGE)


def test_a_password_for_the_history_of_an_image_is_refused(wherry: Wherry, build: Build) -> None:
    """A8, K6: build arguments stay in an image."""
    project(wherry.cwd, extension_sdist("fastcount"))
    write_files(wherry.cwd, {"Dockerfile": f"FROM {IMAGE}\n"})
    (wherry.cwd / "own.toml").write_text(
        '[container]\nmode = "always"\ndockerfile = "Dockerfile"\nbuild-args.PIP_INDEX_URL = true\n'
    )
    done = build(
        "--config", "own.toml", code=1, PIP_INDEX_URL="https://me:s3cret@index.example/simple"
    )
    assert done.error == (
        "error: the build argument `PIP_INDEX_URL` holds a password, and would stay in the image's history\n"
        "  ╰─▶ `build-args` of [tool.wherry.container] names it\n"
        "hint: put `PIP_INDEX_URL` into `build-secrets`, and write in the Dockerfile: RUN "
        "--mount=type=secret,id=PIP_INDEX_URL PIP_INDEX_URL=$(cat /run/secrets/PIP_INDEX_URL) ...\n"
    )


def test_an_error_of_the_compiler(wherry: Wherry, build: Build) -> None:
    """K6: its last lines are shown, and where the rest is; what could be built is kept."""
    wrong = extension_sdist("wrong", body="return nonsense;")
    project(wherry.cwd, extension_sdist("fastcount"), wrong)
    done = build(code=1)
    assert "Built fastcount" in done.err
    assert done.error.startswith("error: `wrong` could not be built in the container\n")
    assert "wrong.c:" in done.error
    assert "'nonsense' undeclared" in done.error.replace("‘", "'").replace("’", "'")
    log = Path(done.error.rpartition("the whole output is in `")[2].strip().rstrip("`"))
    assert "running build_ext" in log.read_text()
    # The one that succeeded is not built again.
    assert "Built fastcount" not in build(code=1).err


def test_several_that_fail_are_told_at_once(wherry: Wherry, build: Build) -> None:
    project(
        wherry.cwd,
        extension_sdist("wrong", body="return nonsense;"),
        extension_sdist("wronger", body="return more;"),
    )
    error = build(code=1).error
    assert error.startswith("error: 2 distributions could not be built\n")
    assert "nonsense" in error
    assert "wronger.c" in error


def test_a_newer_c_library_than_the_runtime_has(wherry: Wherry, build: Build) -> None:
    """A13, N3: the image's is newer, and so would the wheel want: the symbol and the file are named."""
    made = extension_sdist(
        "threads",
        above="#include <pthread.h>\nstatic void *work(void *it) { return it; }",
        body="pthread_t it; pthread_create(&it, NULL, work, NULL); return PyLong_FromLong(1);",
    )
    project(wherry.cwd, made)
    error = build(code=1).error
    assert error.startswith("error: `threads` must be compiled for python3.11-x86_64\n")
    assert "threads.cpython-311-x86_64-linux-gnu.so" in error
    assert (
        "it needs `pthread_create` in `GLIBC_2.34` of libc.so.6, and python3.11 has GLIBC_2.26"
        in error
    )
    assert f"it was built in the image `{IMAGE}`" in error


def test_an_image_that_cannot_be_had(wherry: Wherry, build: Build) -> None:
    project(wherry.cwd, extension_sdist("fastcount"))
    error = build("--container-image", "127.0.0.1:1/none:1", code=1).error
    assert error.startswith("error: the image `127.0.0.1:1/none:1` cannot be fetched\n")
    assert (
        "hint: check whether `docker pull 127.0.0.1:1/none:1` works, or name another image" in error
    )


def test_offline(wherry: Wherry, build: Build) -> None:
    """Nothing is fetched; what is there already does."""
    project(wherry.cwd, extension_sdist("fastcount"))
    error = build("--offline", "--container-image", "127.0.0.1:1/none:1", code=1).error
    assert error.startswith(
        "error: the image `127.0.0.1:1/none:1` is not there, and `--offline` forbids fetching it\n"
    )
    done = build()
    (wherry.cwd / "fastcount-1.0.tar.gz").touch()
    assert hashes(build("--offline", "--output", "other")) == hashes(done)


def test_an_image_without_the_python(wherry: Wherry, build: Build) -> None:
    project(wherry.cwd, extension_sdist("fastcount"))
    error = build("--runtime", "python3.13", code=1).error
    assert error.startswith(f"error: the image `{IMAGE}` has no Python 3.13\n")


def test_an_image_of_the_other_architecture(wherry: Wherry, build: Build) -> None:
    project(wherry.cwd, extension_sdist("fastcount"))
    error = build("--architecture", "arm64", code=1).error
    assert error.startswith(
        f"error: the image `{IMAGE}` is for linux/amd64, and not for linux/arm64\n"
    )
    assert "`image` or `platform` of [tool.wherry.container]" in error


def test_a_machine_without_emulation(wherry: Wherry, build: Build, engine: Dockerd) -> None:
    """A13: what this machine cannot run says so, with the way out."""
    # A header of an ELF file for aarch64, with nothing to run.
    program = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 2, 183, 1, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0
    )
    layer = archive_of({"bin/sh": program}, executable=True)
    config = {
        "architecture": "arm64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    image = [{"Config": "config.json", "RepoTags": ["wherry-tests:arm64"], "Layers": ["layer.tar"]}]
    files = {
        "layer.tar": layer,
        "config.json": json.dumps(config).encode(),
        "manifest.json": json.dumps(image).encode(),
    }
    engine("load", stdin=archive_of(files))
    project(wherry.cwd, extension_sdist("fastcount"))
    error = build(
        "--architecture", "arm64", "--container-image", "wherry-tests:arm64", code=1
    ).error
    assert error.startswith("error: the container of `wherry-tests:arm64` cannot be run\n")
    assert "exec format error" in error
    assert "hint: this machine cannot run programs of that architecture: install emulation" in error


@pytest.mark.parametrize("size", ["300k", "3m"])
def test_a_full_disk(wherry: Wherry, build: Build, tmp_path: Path, size: str) -> None:
    """K6: in the container's own temporary folder."""
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", small], check=True)
    try:
        project(wherry.cwd, extension_sdist("fastcount"))
        error = build(container={"volumes": [f"{small}:/tmp"]}, code=1).error
    finally:
        subprocess.run(["umount", small], check=True)
    assert error.startswith("error: `fastcount` could not be built in the container\n")
    assert "No space left on device" in error, error
    assert "hint: the disk is full: make room" in error


def test_a_dead_engine(wherry: Wherry, engine: Dockerd) -> None:
    """K6: what else would help is told, too."""
    made = extension_sdist("fastcount")
    made.write(wherry.cwd)
    lock = lock_of_sdists(
        [made], wheels={made.filename: "fastcount-1.0-cp313-cp313-macosx_11_0_arm64.whl"}
    )
    write_files(wherry.cwd, {"pyproject.toml": PYPROJECT, "pylock.toml": lock, "shop.py": ""})
    done = wherry.fail("build", "--architecture", "arm64", DOCKER_HOST="unix:///nowhere.sock")
    assert done.error.startswith("error: no wheel of `fastcount==1.0` runs on python3.14-arm64\n")
    assert (
        "no container can compile it: the container engine `docker` does not answer" in done.error
    )
    assert "start Docker" in done.error


def test_ctrl_c_ends_the_container(wherry: Wherry, engine: Dockerd, tmp_path: Path) -> None:
    """Nothing goes on working for nobody."""
    setup = "import time\ntime.sleep(600)\n"
    project(wherry.cwd, extension_sdist("fastcount", setup=setup))
    (wherry.cwd / "wherry.toml").write_text(tomli_w.dumps({"container": IN_CONTAINER}))
    process = subprocess.Popen(
        [sys.executable, "-m", "wherry", "build", "--runtime", RUNTIME],
        cwd=wherry.cwd,
        env=wherry.environment(**engine.env),
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    while not engine("ps", "--quiet"):
        assert process.poll() is None
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate()
    for _ in range(100):
        if not engine("ps", "--quiet"):
            break
        time.sleep(0.1)
    assert not engine("ps", "--quiet")


def test_json_says_what_was_built(wherry: Wherry, build: Build) -> None:
    project(wherry.cwd, extension_sdist("fastcount"))
    document = json.loads(build("--json").out)
    names = [one["name"] for one in document["packages"][0]["distributions"]]
    assert names == ["fastcount", "shop"]
