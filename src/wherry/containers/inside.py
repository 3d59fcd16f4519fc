"""Runs in the container: makes wheels of source trees, one after the other, by their own backends.

It is handed over as a file and run by the image's Python, so it imports the standard library alone and keeps to
what Python 3.9 knows. It reads one line of JSON from standard input, and writes one for each thing that happens;
what backends and compilers say goes to a log for each tree.

Everything is at the same path whatever else is built, and all files are of the same time, so that what compilers
write of paths and times is the same each time.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

__all__ = ["main"]

_INPUT, _OUTPUT, _WORK = "/wherry/input", "/wherry/output", "/tmp/wherry"  # noqa: S108
# 1980-01-01, the first day that a zip archive can name.
_EPOCH = 315532800
_FIXED = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    "PYTHONUTF8": "1",
    "SOURCE_DATE_EPOCH": str(_EPOCH),
    "TZ": "UTC",
    # The repository may seem to be somebody else's.
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_CACHE_DIR": "1",
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": f"{_INPUT}/requirements",
    "PIP_ROOT_USER_ACTION": "ignore",
}
_DROPPED = (
    "PIP_EXTRA_INDEX_URL",
    "PIP_INDEX_URL",
    "PIP_REQUIRE_VIRTUALENV",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "VIRTUAL_ENV",
)
# Bytes with which nothing is to be started.
_ROOM = 1 << 20
# Calls a hook of PEP 517 and leaves its answer in a file.
_HOOK = """
import importlib, json, sys
told = json.loads(sys.argv[1])
sys.path[:] = [*told["path"], *(place for place in sys.path if place)]
module, _, name = told["backend"].partition(":")
backend = importlib.import_module(module)
for part in filter(None, name.split(".")):
    backend = getattr(backend, part)
hook = getattr(backend, told["hook"], None)
answer = [] if hook is None else hook(*told["arguments"])
with open(told["answer"], "w", encoding="utf-8") as file:
    json.dump(answer, file)
"""


class _FailedError(Exception):
    """A step went wrong; its words are in the log."""


def main() -> int:
    """Make all wheels; 0 even where some could not be made, as each is told of."""
    told = json.loads(sys.stdin.readline())
    os.umask(0o022)
    os.environ.update(told["environment"])
    for job in told["jobs"]:
        began = time.monotonic()
        _say(job, event="started")
        try:
            filename = _Job(job, told["installer"]).build()
        except _FailedError as error:
            _say(job, event="failed", cause=str(error), full=_full())
        except Exception as error:  # noqa: BLE001  above all a full disk
            _say(job, event="failed", cause=f"{type(error).__name__}: {error}", full=_full())
        else:
            _say(job, event="built", filename=filename, seconds=time.monotonic() - began)
        shutil.rmtree(_WORK, ignore_errors=True)
    _give_away(told["owner"])
    return 0


def _full() -> list:  # type: ignore[type-arg]
    """The folders that have no room left, which programs often say in other words."""
    return [place for place in ("/tmp", _OUTPUT) if shutil.disk_usage(place).free < _ROOM]  # noqa: S108


def _say(job: dict, **what: object) -> None:  # type: ignore[type-arg]
    print(json.dumps({"key": job["key"], **what}), flush=True)  # noqa: T201


class _Job:
    def __init__(self, job: dict, installer: str) -> None:  # type: ignore[type-arg]
        self._job = job
        self._installer = installer
        self._work = os.path.join(_WORK, job["name"])  # noqa: PTH118
        self._log = os.path.join(_OUTPUT, job["key"] + ".log")  # noqa: PTH118
        self._python = os.path.join(self._work, "environment", "bin", "python")  # noqa: PTH118
        # The folder's name stays, as some projects take their name or version from it.
        self._source = os.path.join(self._work, "source", job["folder"])  # noqa: PTH118
        self._environment = dict(os.environ)

    def build(self) -> str:
        job = self._job
        shutil.rmtree(self._work, ignore_errors=True)
        for name in ("home", "tmp", "wheel"):
            os.makedirs(os.path.join(self._work, name))  # noqa: PTH103, PTH118
        shutil.copytree(os.path.join(_INPUT, "sources", job["key"]), self._source, symlinks=True)  # noqa: PTH118
        _settle(self._source)
        self._prepare_variables()
        environment = os.path.join(self._work, "environment")  # noqa: PTH118
        self._run([sys.executable, "-m", "venv", "--without-pip", environment])
        self._install(job["requires"])
        self._install(self._hook("get_requires_for_build_wheel"))
        filename = self._hook("build_wheel", os.path.join(self._work, "wheel"))  # noqa: PTH118
        made = os.path.join(self._work, "wheel", str(filename))  # noqa: PTH118
        if os.path.basename(made) != filename or not os.path.isfile(made):  # noqa: PTH113, PTH119
            raise _FailedError(f"its backend made no wheel but {filename!r}")
        folder = os.path.join(_OUTPUT, job["key"])  # noqa: PTH118
        os.makedirs(folder)  # noqa: PTH103
        shutil.copyfile(made, os.path.join(folder, filename))  # noqa: PTH118
        return filename  # type: ignore[no-any-return]

    def _prepare_variables(self) -> None:
        for name in _DROPPED:
            self._environment.pop(name, None)
        self._environment.update(_FIXED)
        path = self._environment.get("PATH", os.defpath)
        self._environment["PATH"] = os.pathsep.join([os.path.dirname(self._python), path])  # noqa: PTH120
        self._environment["TMPDIR"] = os.path.join(self._work, "tmp")  # noqa: PTH118
        # Of an image for root, somebody else's home cannot be written.
        if not os.access(os.path.expanduser("~"), os.W_OK):  # noqa: PTH111
            self._environment["HOME"] = os.path.join(self._work, "home")  # noqa: PTH118

    def _install(self, requirements: list) -> None:  # type: ignore[type-arg]
        if requirements:
            pip = os.path.join(_INPUT, "requirements", self._installer, "pip")  # noqa: PTH118
            self._run([self._python, pip, "install", "--no-compile", "--", *requirements])

    def _hook(self, name: str, *arguments: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
        job, answer = self._job, os.path.join(self._work, "answer")  # noqa: PTH118
        told = {
            "backend": job["backend"],
            "path": [os.path.join(self._source, place) for place in job["backend_path"]],  # noqa: PTH118
            "hook": name,
            "arguments": arguments,
            "answer": answer,
        }
        self._run([self._python, "-c", _HOOK, json.dumps(told)])
        with open(answer, encoding="utf-8") as file:  # noqa: PTH123
            return json.load(file)

    def _run(self, command: list) -> None:  # type: ignore[type-arg]
        with open(self._log, "ab") as log:  # noqa: PTH123
            done = subprocess.run(
                command,
                cwd=self._source,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode != 0:
            if "install" in command[2:3]:
                raise _FailedError("its build requirements cannot be installed")
            raise _FailedError(f"`{self._job['backend']}` failed with status {done.returncode}")


def _settle(folder: str) -> None:
    """All files of one time: nothing is older or newer than what it was made of."""
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = os.path.join(place, name)  # noqa: PTH118
            if not os.path.islink(path):  # noqa: PTH114
                os.utime(path, (_EPOCH, _EPOCH))
                os.chmod(path, os.stat(path).st_mode | 0o600)  # noqa: PTH101, PTH116


def _give_away(owner: list | None) -> None:  # type: ignore[type-arg]
    """Give what root made in somebody else's folder to its owner."""
    if owner is None or os.getuid() != 0:
        return
    for place, folders, names in os.walk(_OUTPUT):
        for name in (*folders, *names):
            os.chown(os.path.join(place, name), owner[0], owner[1])  # noqa: PTH118


if __name__ == "__main__":
    sys.exit(main())
