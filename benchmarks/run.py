"""Wherry beside `uv pip install --target` and `zip`, in one run on one machine: ratios, not seconds.

    python benchmarks/run.py [--runs 5] [--record]

Each step is a whole process, started with warm files, repeated in turn with what it is compared with; the
median counts. `--record` writes the table to benchmarks/RESULTS.md. The first run fetches about 55 MB from
PyPI; from then on everything is measured against an index on loopback.
"""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import wherry

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
REQUIREMENTS = ("boto3", "cryptography", "flask", "pandas", "pydantic")
# The script that pip installs, which is what people start.
WHERRY = shutil.which("wherry", path=sysconfig.get_path("scripts")) or "wherry"
BACKEND = "hatchling"
RUNTIME = "3.13"
PLATFORM = "x86_64-manylinux_2_34"
MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Run:
    """One finished process: seconds, and its peak memory in MiB."""

    seconds: float
    memory: float


def start(command: list[str], *, cwd: Path, env: Mapping[str, str]) -> Run:
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - begin
    if process.returncode:
        sys.exit(f"{command} failed:\n{output.decode()}")
    unit = MIB if sys.platform == "darwin" else 1024
    return Run(seconds=took, memory=usage.ru_maxrss / unit)


def in_turn(
    runs: int, one: Callable[[], Run], other: Callable[[], Run]
) -> tuple[list[Run], list[Run]]:
    """Both, A B A B …, after one warm-up each, so that a machine whose speed drifts is fair to both."""

    def settled(step: Callable[[], Run]) -> Run:
        # What the step before left to be written to disk is not this one's.
        if hasattr(os, "sync"):
            os.sync()
        # A virtual machine gives memory that was freed back to its host, and gets it again slowly: this
        # much is at hand now, for whoever comes.
        subprocess.run([sys.executable, "-c", "bytearray(b'1') * (1 << 29)"], check=True)
        return step()

    one()
    other()
    pairs = [(settled(one), settled(other)) for _ in range(runs)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def median(runs: list[Run]) -> float:
    return statistics.median(run.seconds for run in runs)


@contextmanager
def simple_index(folder: Path) -> Iterator[str]:
    """Serve a folder laid out as a Simple index."""

    class Quiet(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()


def fetch_wheels(cache: Path, uv: str) -> Path:
    """The wheels of the benchmark's lock as a Simple index on disk."""
    index = cache / f"index-{BACKEND}"
    if (index / ".complete").exists():
        return index
    shutil.rmtree(index, ignore_errors=True)
    index.mkdir(parents=True)
    env = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    pins = subprocess.run(
        [uv, "pip", "compile", "-", "--python-version", RUNTIME, "--python-platform", PLATFORM,
         "--no-header", "--no-annotate", "--quiet"],
        input="\n".join((*REQUIREMENTS, BACKEND)).encode(), stdout=subprocess.PIPE, check=True, env=env,
    ).stdout.decode()  # fmt: skip
    (cache / "pins.txt").write_text(pins)
    wheels = cache / "wheels"
    platforms = [f"--platform=manylinux_2_{minor}_x86_64" for minor in range(34, 16, -1)] + [
        "--platform=manylinux2014_x86_64"
    ]
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
         f"--python-version={RUNTIME}", *platforms, "-d", str(wheels), "-r", str(cache / "pins.txt")],
        check=True,
    )  # fmt: skip
    for wheel in wheels.glob("*.whl"):
        name = wheel.name.split("-")[0].lower().replace("_", "-").replace(".", "-")
        (index / name).mkdir(exist_ok=True)
        shutil.copy(wheel, index / name / wheel.name)
    (index / ".complete").touch()
    return index


def lock(folder: Path, requirements: str, index: str, uv: str) -> None:
    """Write a lock that both tools read as it is (PEP 751)."""
    subprocess.run(
        [uv, "pip", "compile", "-", "--no-header",
         "--no-annotate", "--quiet", "--python-version", RUNTIME, "--python-platform", PLATFORM,
         "--format", "pylock.toml", "--default-index", index, "-o", str(folder / "pylock.toml")],
        input=requirements.encode(), check=True, stdout=subprocess.DEVNULL,
        env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"},
    )  # fmt: skip
    # uv compares this with the interpreter at hand, although it installs for another.
    path = folder / "pylock.toml"
    path.write_text(re.sub(r"(?m)^requires-python = .*\n", "", path.read_text(), count=1))


def make_built_project(folder: Path, index: str, uv: str) -> None:
    """A small project that has a build backend, and Flask."""
    package = folder / "src" / "small"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("import flask\n")
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "small"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
        f'dependencies = ["flask"]\n[build-system]\nrequires = ["{BACKEND}"]\n'
        f'build-backend = "{BACKEND}.build"\n'
    )
    lock(folder, "flask\n", index, uv)


def make_project(folder: Path, cache: Path, index: str, uv: str) -> None:
    """A small application with the benchmark's lock."""
    package = folder / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    imports = "import boto3, flask, pandas, pydantic\nfrom cryptography.fernet import Fernet\nfrom shop import part0\n"
    (package / "web.py").write_text(f"{imports}def handler(event, context):\n    return event\n")
    for number in range(20):
        (package / f"part{number}.py").write_text(f"VALUE = {number}\n" * 200)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
    )
    pins = (cache / "pins.txt").read_text().splitlines()
    wanted = [line for line in pins if not line.startswith(_OF_BACKEND)]
    lock(folder, "\n".join(wanted) + "\n", index, uv)


# What the backend needs, and the application does not.
_OF_BACKEND = ("hatchling==", "pathspec==", "pluggy==", "trove-classifiers==", "packaging==")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--record", action="store_true")
    options = arguments.parse_args()
    from uv import find_uv_bin

    uv = find_uv_bin()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "wherry-benchmarks"
    index_folder = fetch_wheels(cache, uv)
    with tempfile.TemporaryDirectory() as scratch, simple_index(index_folder) as index:
        table = Benchmarks(Path(scratch), cache, index, uv, options.runs).table()
    from workspace import measure

    functions = measure(cache, index_folder, uv, runs=options.runs)
    table += (
        "\n## Many functions on one dependency set\n\n"
        "The best of several runs, as whatever else a machine does only adds.\n\n" + functions
    )
    print(table)
    if options.record:
        (HERE / "RESULTS.md").write_text(heading() + table)
    return 0


def heading() -> str:
    return (
        "# Recorded figures\n\n"
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} processors. Repeat with `make bench`; figures are medians of whole processes,\n"
        "measured in turn in one run. Only the ratios carry over to another machine.\n\n"
    )


class Benchmarks:
    def __init__(self, scratch: Path, cache: Path, index: str, uv: str, runs: int) -> None:
        self.scratch = scratch
        self.uv = uv
        self.runs = runs
        self.project = scratch / "project"
        self.edits = 0
        # As installed: with compiled modules, whatever this shell says.
        inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        self.env = {
            **inherited,
            "WHERRY_CACHE_DIR": str(scratch / "store"),
            "UV_CACHE_DIR": str(scratch / "uv-cache"),
            "UV_DEFAULT_INDEX": index,
            "UV_PYTHON_DOWNLOADS": "never",
        }
        make_project(self.project, cache, index, uv)
        self.built = scratch / "built"
        make_built_project(self.built, index, uv)
        self.clones = 0
        # As installed: pip compiles what it installs.
        compileall.compile_dir(str(Path(wherry.__file__).parent), quiet=2)
        self.peak = self.peak_of_checks = 0.0

    def wherry(self, project: Path | None = None) -> Run:
        run = start(
            [WHERRY, "build", "--quiet", "--runtime", f"python{RUNTIME}"],
            cwd=project or self.project, env=self.env,
        )  # fmt: skip
        self.peak = max(self.peak, run.memory)
        return run

    def digest(self) -> Run:
        return start(
            [WHERRY, "digest", "--quiet", "--runtime", f"python{RUNTIME}"],
            cwd=self.project, env=self.env,
        )  # fmt: skip

    def check(self) -> Run:
        run = start(
            [WHERRY, "check", "dist/lambda/shop.zip", "--handler", "shop.web.handler",
             "--runtime", f"python{RUNTIME}", "--architecture", "x86_64"],
            cwd=self.project, env=self.env,
        )  # fmt: skip
        self.peak_of_checks = max(self.peak_of_checks, run.memory)
        return run

    def with_bytecode(self) -> Run:
        """An edit of the same project, with all that the function imports compiled."""
        copy = self.scratch / "compiled"
        if not copy.exists():
            shutil.copytree(self.project, copy, ignore=shutil.ignore_patterns("dist"))
            settings = '[functions.shop]\nhandler = "shop.web.handler"\nbytecode = "init"\n'
            (copy / "wherry.toml").write_text(settings)
        self.edits += 1
        (copy / "shop" / "part0.py").write_text(f"EDIT = {self.edits}\n")
        return self.wherry(copy)

    def install(self) -> Run:
        target = self.scratch / "installed"
        shutil.rmtree(target, ignore_errors=True)
        return start(
            [self.uv, "pip", "install", "--quiet", "--target", str(target), "--no-deps",
             "--python-version", RUNTIME, "--python-platform", PLATFORM, "--only-binary", ":all:",
             "--preview-features", "pylock", "-r", "pylock.toml"],
            cwd=self.project, env=self.env,
        )  # fmt: skip

    def wherry_in_a_clone(self) -> Run:
        self.clones += 1
        clone = self.scratch / f"clone{self.clones}"
        shutil.copytree(self.project, clone, ignore=shutil.ignore_patterns("dist"))
        return self.wherry(clone)

    def wherry_of_built(self) -> Run:
        shutil.rmtree(self.built / "dist", ignore_errors=True)
        return self.wherry(self.built)

    def install_built(self) -> Run:
        target = self.scratch / "installed-built"
        shutil.rmtree(target, ignore_errors=True)
        return start(
            [self.uv, "pip", "install", "--quiet", "--target", str(target), "--python-version", RUNTIME,
             "--python-platform", PLATFORM, "."],
            cwd=self.built, env=self.env,
        )  # fmt: skip

    def install_and_zip(self) -> Run:
        installed = self.install()
        target = self.scratch / "installed"
        # As uv's guide for Lambda has it: the dependencies first, the application added to the archive.
        package = str(self.scratch / "uv.zip")
        Path(package).unlink(missing_ok=True)
        zipped = start(["zip", "-qr", package, "."], cwd=target, env=self.env)
        added = start(["zip", "-qr", package, "shop"], cwd=self.project, env=self.env)
        return Run(
            seconds=installed.seconds + zipped.seconds + added.seconds,
            memory=max(installed.memory, zipped.memory, added.memory),
        )

    def edited(self, step: Callable[[], Run]) -> Callable[[], Run]:
        def run() -> Run:
            self.edits += 1
            (self.project / "shop" / "part0.py").write_text(f"EDIT = {self.edits}\n")
            return step()

        return run

    def cold(self, step: Callable[[], Run]) -> Callable[[], Run]:
        def run() -> Run:
            shutil.rmtree(self.scratch / "store", ignore_errors=True)
            shutil.rmtree(self.scratch / "uv-cache", ignore_errors=True)
            shutil.rmtree(self.project / "dist", ignore_errors=True)
            return step()

        return run

    def compose(self) -> Run:
        """Loading what is remembered of each wheel, merging and writing; in a process of its own."""
        script = HERE / "compose.py"
        (self.scratch / "composed.zip").unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, str(script), str(self.project / "pylock.toml"),
             str(self.scratch / "composed.zip")],
            env=self.env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return Run(seconds=float(done.stdout), memory=0)

    def copy(self) -> Run:
        (self.scratch / "copy.zip").unlink(missing_ok=True)
        return start(
            ["cp", str(self.project / "dist" / "lambda" / "shop.zip"), str(self.scratch / "copy.zip")],
            cwd=self.project, env=self.env,
        )  # fmt: skip

    def nothing(self) -> Run:
        return start([sys.executable, "-c", "pass"], cwd=self.project, env=self.env)

    def table(self) -> str:
        rows = []

        def compare(
            what: str, than: str, goal: str, ours: Callable[[], Run], theirs: Callable[[], Run]
        ) -> None:
            one, other = in_turn(self.runs, ours, theirs)
            ratio = statistics.median(
                a.seconds / b.seconds for a, b in zip(one, other, strict=True)
            )
            shown = f"{1 / ratio:.1f}× faster" if ratio < 1 else f"{ratio:.1f}×"
            rows.append(
                f"| {what} | {median(one) * 1000:.0f} ms | {than} | {median(other) * 1000:.0f} ms "
                f"| {shown} | {goal} |"
            )
            print(rows[-1], file=sys.stderr, flush=True)

        compare(
            "cold build", "cold `uv pip install --target`", "no slower",
            self.cold(self.wherry), self.cold(self.install),
        )  # fmt: skip
        compare(
            "cold build of a small project with hatchling", "cold `uv pip install --target`", "no slower",
            self.cold(self.wherry_of_built), self.cold(self.install_built),
        )  # fmt: skip
        self.wherry()
        compare(
            "edit and rebuild", "`uv pip install --target` and `zip -r`, warm", "30× faster",
            self.edited(self.wherry), self.edited(self.install_and_zip),
        )  # fmt: skip
        compare(
            "composing alone", "`cp` of the zip", "within 2.5×", self.compose, self.copy,
        )  # fmt: skip
        compare(
            "a fresh clone, warm store", "an edit", "within 1.5×",
            self.wherry_in_a_clone, self.edited(self.wherry),
        )  # fmt: skip
        self.wherry()
        compare(
            'an edit with `bytecode = "init"`', "an edit", "within 2×",
            self.with_bytecode, self.edited(self.wherry),
        )  # fmt: skip
        compare(
            "a check of the package, warm",
            "an edit",
            "within 3×",
            self.check,
            self.edited(self.wherry),
        )
        self.wherry()
        compare("nothing changed", "`python -c pass`", "within 6×", self.wherry, self.nothing)
        compare(
            "`wherry digest`, nothing changed", "a build, nothing changed", "within 1.5×",
            self.digest, self.wherry,
        )  # fmt: skip
        package = self.project / "dist" / "lambda" / "shop.zip"
        return (
            "| Wherry | median | compared with | median | ratio | goal |\n"
            "|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n\n"
            f"Peak memory of any build: {self.peak:.0f} MiB (goal: under 120 MB), of any check: "
            f"{self.peak_of_checks:.0f} MiB. The package: "
            f"{package.stat().st_size / MIB:.1f} MiB with "
            f"{', '.join(REQUIREMENTS)} and what they need.\n"
        )


if __name__ == "__main__":
    sys.exit(main())
