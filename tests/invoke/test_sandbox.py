"""Where the function runs, and that nothing of it stays. What runs here is a script of a few lines."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import wherry
from support.interpreters import missing
from support.projects import write_files
from wherry.errors import InvokeError
from wherry.files import ProjectFiles
from wherry.invoke import supervisor
from wherry.invoke.interpreter import find_interpreter
from wherry.invoke.process import _SUPERVISE, Exited
from wherry.invoke.runnable import ENDLESS, Limits
from wherry.invoke.sandbox import Contents, Sandbox

LOOK = """
import json, os, sys
def try_to_write(path):
    try:
        open(path, "w").close()
        return "written"
    except OSError as error:
        return error.strerror
print(json.dumps({
    "argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ), "script": __file__,
    "task": os.listdir(os.getcwd()), "opt": os.listdir(sys.argv[1]), "provided": os.listdir(sys.argv[2]),
    "tmp": os.listdir("/tmp"), "pid": os.getpid(), "parent": open("/proc/1/cmdline").read()[:200],
    "write": {path: try_to_write(path) for path in (os.getcwd() + "/new", sys.argv[1] + "/new",
        os.path.dirname(__file__) + "/new", "/etc/new-of-wherry", "/tmp/new-of-wherry")},
    "sysconfig": __import__("sysconfig").get_path("stdlib"),
}))
"""


def contents(folder: Path, script: str) -> Contents:
    write_files(folder, {"task/app.py": "", "runtime/bootstrap.py": script})
    write_files(folder, {"layers/python/lib.py": "", "layers/data": "", "provided/boto3.py": ""})
    return Contents(
        task=folder / "task",
        layers=folder / "layers",
        runtime=folder / "runtime",
        provided=folder / "provided",
    )


class Ran:
    def __init__(self) -> None:
        self.output: list[bytes] = []
        self.exits: queue.SimpleQueue[Exited] = queue.SimpleQueue()

    @property
    def text(self) -> str:
        return b"".join(self.output).decode()


@contextmanager
def sandbox(
    folder: Path,
    script: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    isolated: bool,
    limits: Limits | None = None,
) -> Iterator[Sandbox]:
    monkeypatch.setenv("WHERRY_INVOKE_NAMESPACES", "always" if isolated else "never")
    interpreter = find_interpreter((sys.version_info[0], sys.version_info[1]))
    try:
        made = Sandbox(contents(folder, script), interpreter, limits=limits)
    except InvokeError:
        missing("this system allows no namespaces")
        raise
    try:
        yield made
    finally:
        made.close()


def look(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, isolated: bool, script: str = LOOK
) -> dict[str, Any]:
    ran = Ran()
    with sandbox(folder, script, monkeypatch, isolated=isolated) as made:
        process = made.start({"A": "1"}, on_output=ran.output.append, on_exit=ran.exits.put)
        exited = ran.exits.get(timeout=60)
        process.end()
    assert exited.status == 0, ran.text
    assert (exited.peak_memory or 0) > 1_000_000
    found: dict[str, Any] = json.loads(ran.text)
    return found


def test_as_lambda_lays_it_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = look(tmp_path, monkeypatch, isolated=True)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    assert seen["argv"] == ["/opt", f"/var/lang/lib/{version}/site-packages"]
    assert seen["cwd"] == "/var/task"
    assert seen["script"] == "/var/runtime/bootstrap.py"
    assert seen["task"] == ["app.py"]
    assert sorted(set(seen["opt"]) & {"python", "data"}) == ["data", "python"]
    assert seen["provided"] == ["boto3.py"]
    assert seen["env"].keys() - {"LC_CTYPE"} == {"A"}
    # What is under /tmp outside cannot be seen.
    assert tmp_path.name not in seen["tmp"]
    written = seen["write"]
    assert written.pop("/tmp/new-of-wherry") == "written"
    assert set(written.values()) == {"Read-only file system"}
    assert not Path("/tmp/new-of-wherry").exists()


def test_processes_of_this_machine_cannot_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = look(tmp_path, monkeypatch, isolated=True)
    assert "supervisor" in seen["parent"]
    assert seen["pid"] < 10


def test_without_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = LOOK.replace("/tmp/new", f"{tmp_path}/new").replace("/etc/new", f"{tmp_path}/etc")
    seen = look(tmp_path, monkeypatch, isolated=False, script=script)
    assert seen["argv"] == [str(tmp_path / "layers"), str(tmp_path / "provided")]
    assert seen["cwd"] == str(tmp_path / "task")
    assert seen["env"].keys() - {"LC_CTYPE"} == {"A"}
    assert seen["script"] == str(tmp_path / "runtime" / "bootstrap.py")


def test_an_interpreter_that_lies_where_lambda_has_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tool caches of CI systems are below /opt, and people make virtual environments below /tmp."""
    base = find_interpreter((sys.version_info[0], sys.version_info[1]))
    home = tmp_path / "python"
    (home / "bin").mkdir(parents=True)
    link = home / "bin" / "python3"
    link.symlink_to(base.path)
    (home / "marker").write_text("here")
    monkeypatch.setenv("WHERRY_INVOKE_NAMESPACES", "always")
    script = f"print(open({str(home / 'marker')!r}).read())"
    ran = Ran()
    try:
        made = Sandbox(
            contents(tmp_path, script),
            type(base)(
                path=link,
                version=base.version,
                machine=base.machine,
                suffix=base.suffix,
                folders=(*base.folders, str(home)),
            ),
        )
    except InvokeError:
        missing("this system allows no namespaces")
        raise
    process = made.start({}, on_output=ran.output.append, on_exit=ran.exits.put)
    exited = ran.exits.get(timeout=60)
    process.end()
    made.close()
    assert (exited.status, ran.text) == (0, "here\n")


@pytest.mark.parametrize("isolated", [True, False])
@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("import sys; sys.exit(3)", 3),
        ("import os; os.abort()", -6),
        ("import os; os.kill(os.getpid(), 9)", -9),
        ("import os; os.kill(os.getpid(), 15)", -15),
    ],
)
def test_how_it_ended(
    isolated: bool, script: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = Ran()
    with sandbox(tmp_path, script, monkeypatch, isolated=isolated) as made:
        process = made.start({}, on_output=ran.output.append, on_exit=ran.exits.put)
        assert ran.exits.get(timeout=60).status == status
        process.end()


def test_catching_up_waits_for_what_is_being_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, handed = threading.Event(), []

    def slowly(piece: bytes) -> None:
        taken.set()
        time.sleep(0.2)
        handed.append(piece)

    script = "import time; print('said', flush=True); time.sleep(600)"
    with sandbox(tmp_path, script, monkeypatch, isolated=False) as made:
        process = made.start({}, on_output=slowly, on_exit=lambda _: None)
        assert taken.wait(60)
        process.catch_up()
        assert handed == [b"said\n"]
        process.end()


SPAWN = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)  # MARK"], start_new_session=True)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)  # MARK"])
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)  # MARK"])
    os._exit(0)
os.wait()
print("up", flush=True)
time.sleep(600)
"""


def marked(mark: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_text()
        except OSError:
            continue
        if mark in line:
            found.append(line)
    return found


def gone(mark: str) -> bool:
    """Whether nothing with the mark is left; processes that were killed take a moment to go."""
    for _ in range(200):
        if not marked(mark):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(
    sys.platform != "linux", reason="other systems do not tell who descends from whom"
)
@pytest.mark.parametrize("isolated", [True, False])
def test_nothing_is_left_of_it(
    isolated: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Daemons that left the group and the session are ended with the rest."""
    mark = f"mark-{os.getpid()}-{isolated}"
    ran = Ran()
    with sandbox(tmp_path, SPAWN.replace("MARK", mark), monkeypatch, isolated=isolated) as made:
        process = made.start({}, on_output=ran.output.append, on_exit=ran.exits.put)
        while "up" not in ran.text:
            assert ran.exits.empty(), ran.text
            time.sleep(0.02)
        assert marked(mark)
        process.end()
        assert gone(mark)
    assert not made._folder.exists()


@pytest.mark.skipif(
    sys.platform != "linux", reason="other systems do not tell who descends from whom"
)
@pytest.mark.parametrize("mode", ["always", "never"])
def test_nothing_is_left_when_wherry_is_killed(mode: str, tmp_path: Path) -> None:
    """Even SIGKILL, which lets nobody tidy up."""
    mark = f"mark-{os.getpid()}-killed-{mode}"
    contents(tmp_path, SPAWN.replace("MARK", mark))
    program = f"""
import sys, time
from pathlib import Path
from wherry.invoke import supervisor
from wherry.invoke.interpreter import find_interpreter
from wherry.invoke.sandbox import Contents, Sandbox
folder = Path({str(tmp_path)!r})
made = Sandbox(
    Contents(task=folder / "task", layers=None, runtime=folder / "runtime", provided=None),
    find_interpreter(sys.version_info[:2]),
)
made.start({{}}, on_output=lambda piece: print(piece.decode(), flush=True), on_exit=print)
time.sleep(600)
"""
    done = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        env={**os.environ, "WHERRY_INVOKE_NAMESPACES": mode, "TMPDIR": str(tmp_path)},
    )
    assert done.stdout is not None
    line = done.stdout.readline()
    if not line:
        missing("this system allows no namespaces")
    assert line == b"up\n"
    assert marked(mark)
    done.kill()
    done.wait()
    done.stdout.close()
    assert gone(mark)


def test_namespaces_are_tried_once_in_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server has a sandbox for each function. The second one here could not be tried."""
    monkeypatch.setenv("WHERRY_INVOKE_NAMESPACES", "auto")
    interpreter, files = find_interpreter(sys.version_info[:2]), ProjectFiles()
    right = contents(tmp_path, "")
    wrong = replace(right, task=tmp_path / "nowhere")
    found = []
    for each in (right, wrong):
        made = Sandbox(each, interpreter, files=files)
        found.append((made.isolated, made.why_not))
        made.close()
    assert found[0] == found[1]


def test_the_switch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERRY_INVOKE_NAMESPACES", "perhaps")
    interpreter = find_interpreter((sys.version_info[0], sys.version_info[1]))
    with pytest.raises(InvokeError, match="is `perhaps`"):
        Sandbox(contents(tmp_path, ""), interpreter)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has namespaces")
def test_an_ordinary_user_makes_one_too() -> None:
    """Root needs no user namespace, everybody else does. What runs may be read by everybody."""
    if os.geteuid() != 0:
        return  # the other tests have shown it
    python = next(
        (
            path
            for path in ("/usr/bin/python3", "/usr/local/bin/python3")
            if os.access(path, os.X_OK)
        ),
        None,
    )
    if python is None:
        missing("there is no Python that another user may run")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = "import os; print(os.getuid(), os.getcwd(), os.listdir('/opt'))\n"
        write_files(
            folder, {"runtime/bootstrap.py": script, "task/a": "", "opt/b": "", "root/.c": ""}
        )
        package = Path(wherry.__file__).parent
        (folder / "wherry" / "invoke").mkdir(parents=True)
        for module in ("__init__", "version", "invoke/__init__", "invoke/namespaces"):
            shutil.copy(package / f"{module}.py", folder / "wherry" / f"{module}.py")
        shutil.copy(supervisor.__file__, folder / "wherry" / "invoke")
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)
        plan = {
            "argv": [python, "-S", "/var/runtime/bootstrap.py"],
            "env": {},
            "cwd": "/var/task",
            "memory": None,
            "sandbox": {
                "root": f"{folder}/root",
                "task": f"{folder}/task",
                "layers": f"{folder}/opt",
                "runtime": f"{folder}/runtime",
                "provided": None,
                "provided_at": "/var/lang/lib/python3.13/site-packages",
                "python": python,
                "names": ["python3"],
                "keep": [],
                "tmp_size": 512,
            },
        }
        process = subprocess.Popen(
            [python, "-I", "-S", "-c", _SUPERVISE.format(str(folder))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            user=65534,
            group=65534,
            extra_groups=[],
            env={},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(json.dumps(plan).encode() + b"\n")
        process.stdin.flush()
        said: list[dict[str, Any]] = []
        while not said or not {"exit", "failed"} & said[-1].keys():
            said.append(json.loads(process.stdout.readline()))
        # Another plan might follow.
        process.stdin.close()
        written = process.stderr.read()
        process.stdout.close()
        process.stderr.close()
        process.wait()
    if "failed" in said[0]:
        missing(f"this system lets an ordinary user make no namespaces: {said[0]['failed']}")
    assert said[-1]["exit"] == 0, written
    assert written == b"65534 /var/task ['b']\n"


CONFINED = """
import ctypes, json, multiprocessing, os, resource
def attempt(call):
    try:
        return call() or "done"
    except OSError as error:
        return type(error).__name__
libc = ctypes.CDLL(None, use_errno=True)
def mount(*arguments):
    if libc.mount(*arguments) != 0:
        raise OSError(ctypes.get_errno(), "")
def write(path, text=""):
    with open(path, "w") as file:
        file.write(text)
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status"))
space = os.statvfs("/tmp")
print(json.dumps({
    "dev": sorted(os.listdir("/dev")),
    "run": sorted(os.listdir("/run")),
    "random": len(open("/dev/urandom", "rb").read(3)),
    "null": attempt(lambda: write("/dev/null", "x")),
    "lock": attempt(multiprocessing.Lock),
    "queue": attempt(multiprocessing.Queue),
    "pipe": len(multiprocessing.Pipe()),
    "capabilities": {status[name].strip().strip("0") for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {""},
    "privileges": status["NoNewPrivs"].strip(),
    "remount": attempt(lambda: mount(b"", b"/etc", b"", 4096 | 32, b"")),
    "mount": attempt(lambda: mount(b"none", b"/tmp", b"tmpfs", 0, b"")),
    "device": attempt(lambda: os.mknod("/tmp/disk", 0o60600, os.makedev(8, 0))),
    "kernel": attempt(lambda: write("/proc/sys/kernel/hostname", "x")),
    "tmp": space.f_blocks * space.f_frsize,
    "files": resource.getrlimit(resource.RLIMIT_NOFILE),
    "wrapped": os.environ.get("WRAPPED"),
}, default=list))
"""
WRAPPER = '#!/bin/sh\nexport WRAPPED="$2"\nexec "$@"\n'


@pytest.fixture(scope="module")
def confined(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The function's own view of where it runs."""
    folder, ran = tmp_path_factory.mktemp("confined"), Ran()
    with pytest.MonkeyPatch.context() as patch:
        limits = Limits(ephemeral_storage=600)
        with sandbox(folder, CONFINED, patch, isolated=True, limits=limits) as made:
            wrapper = folder / "layers" / "wrapper"
            wrapper.write_text(WRAPPER)
            wrapper.chmod(0o755)
            process = made.start(
                {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"},
                on_output=ran.output.append,
                on_exit=ran.exits.put,
            )
            assert ran.exits.get(timeout=60).status == 0, ran.text
            process.end()
    found: dict[str, Any] = json.loads(ran.text)
    return found


def test_devices_are_lambdas(confined: dict[str, Any]) -> None:
    """No disk, no terminal, and no shared memory, without which the locks of multiprocessing fail."""
    devices = ["fd", "full", "null", "random", "stderr", "stdin", "stdout", "urandom", "zero"]
    assert confined["dev"] == devices
    assert (confined["random"], confined["null"]) == (3, "done")
    assert {confined["lock"], confined["queue"]} <= {"FileNotFoundError", "OSError"}
    assert confined["pipe"] == 2


def test_nobody_has_a_capability(confined: dict[str, Any]) -> None:
    assert confined["capabilities"]
    assert confined["privileges"] == "1"
    refused = {"PermissionError", "OSError"}
    assert {confined[name] for name in ("remount", "mount", "device", "kernel")} <= refused


def test_services_of_this_machine_cannot_be_seen(confined: dict[str, Any]) -> None:
    kept = {"NetworkManager", "connman", "nscd", "resolvconf", "systemd", "booted-system"}
    assert set(confined["run"]) <= kept | {"current-system", "opengl-driver"}


def test_the_size_of_tmp(confined: dict[str, Any]) -> None:
    assert confined["tmp"] == 600 * 1024 * 1024


def test_open_files(confined: dict[str, Any]) -> None:
    assert confined["files"] == [1024, 1024]


def test_a_wrapper_script(confined: dict[str, Any]) -> None:
    """It gets the runtime as its arguments, and starts it."""
    assert confined["wrapped"] == "-S"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no capabilities")
def test_without_namespaces_root_writes_no_code_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = """
import json, os
def attempt():
    try:
        open(os.getcwd() + "/app.py", "a").close()
    except OSError as error:
        return type(error).__name__
print(json.dumps([attempt(), open("/proc/self/status").read().split("CapEff:\\t")[1].split()[0]]))
"""
    ran = Ran()
    with sandbox(tmp_path, script, monkeypatch, isolated=False) as made:
        (tmp_path / "task" / "app.py").chmod(0o444)
        process = made.start({}, on_output=ran.output.append, on_exit=ran.exits.put)
        ran.exits.get(timeout=60)
        process.end()
    written, capabilities = json.loads(ran.text)
    assert written == "PermissionError"
    # At most the one to read whatever the modes say.
    assert int(capabilities, 16) in {0, 1 << 2}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell how much it is")
@pytest.mark.parametrize("isolated", [True, False])
def test_more_memory_than_it_has(
    isolated: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a child has counts too; the process is ended as the kernel does it on Lambda."""
    script = """
import subprocess, sys
subprocess.run([sys.executable, "-c", "import time; x = bytearray(150 << 20); time.sleep(600)"])
"""
    ran, limits = Ran(), Limits(memory=128, memory_ends=True)
    with sandbox(tmp_path, script, monkeypatch, isolated=isolated, limits=limits) as made:
        process = made.start({}, on_output=ran.output.append, on_exit=ran.exits.put)
        exited = ran.exits.get(timeout=60)
        process.end()
    assert exited.status == -9
    assert (exited.beyond or 0) > 128 << 20


def test_memory_that_is_only_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = Ran()
    script = "import time; x = bytearray(150 << 20); time.sleep(0.3)"
    with sandbox(tmp_path, script, monkeypatch, isolated=False) as made:
        process = made.start({}, on_output=ran.output.append, on_exit=ran.exits.put)
        exited = ran.exits.get(timeout=60)
        process.end()
    assert (exited.status, exited.beyond) == (0, None)
    assert (exited.peak_memory or 0) > 128 << 20


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"timeout": 0.5}, "a timeout of 0.5 seconds"),
        ({"timeout": 901}, "1 to 900 seconds"),
        ({"timeout": float("nan")}, "1 to 900 seconds"),
        ({"memory": 64}, "128 to 10,240 MB"),
        ({"memory": 10241}, "a memory of 10241 MB"),
        ({"ephemeral_storage": 511}, "512 to 10,240 MB"),
    ],
)
def test_limits_that_aws_does_not_take(limits: dict[str, Any], said: str) -> None:
    with pytest.raises(InvokeError) as caught:
        Limits(**limits)
    assert said in str(caught.value)


def test_a_debugger_takes_its_time() -> None:
    assert Limits(timeout=ENDLESS).timeout == ENDLESS


COUNT = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)  # MARK"], start_new_session=True)
with open("/tmp/starts", "a+") as file:
    file.write("x")
    file.seek(0)
    print(len(file.read()), os.environ["TURN"], flush=True)
if os.environ["TURN"] == "2":
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has namespaces")
def test_what_is_in_tmp_outlives_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new process finds the files of the last one, whether that ended by itself or was ended, and nothing else."""
    mark = f"mark-{os.getpid()}-again"
    said = []
    with sandbox(tmp_path, COUNT.replace("MARK", mark), monkeypatch, isolated=True) as made:
        for turn in ("1", "2", "3"):
            ran = Ran()
            process = made.start({"TURN": turn}, on_output=ran.output.append, on_exit=ran.exits.put)
            while "\n" not in ran.text:
                time.sleep(0.02)
            if turn == "2":
                assert (process.peak_memory() or 0) > 1_000_000
                process.end()
            said.append((ran.text, ran.exits.get(timeout=60).status))
            assert gone(mark)
    assert said == [("1 1\n", 0), ("2 2\n", -9), ("3 3\n", 0)]
