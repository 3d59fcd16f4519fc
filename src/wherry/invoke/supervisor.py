"""A small program between Wherry and the function's process: it lays out the file system and leaves nobody behind.

It is run by Wherry's own interpreter, reads a plan as one line of JSON from stdin, and ends with all that it has
started when stdin ends: so a Wherry that is killed takes its function along. On stdout it tells, one JSON
document a line, that the sandbox could not be made, that the function's process has started or exited, and,
asked with a line ``peak``, how much memory it has used.

With namespaces the function sees a root of its own: everything that this machine has, read-only, but its code at
``/var/task``, its layers at ``/opt``, the runtime client at ``/var/runtime`` and a fresh ``/tmp``. That is made in
memory and is gone with the last process; nothing outside is touched.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["main"]

# <linux/sched.h>, <linux/mount.h>, <linux/prctl.h>
_NEWNS, _NEWUSER, _NEWPID = 0x00020000, 0x10000000, 0x20000000
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT = 1, 2, 4, 8, 32
_BIND, _REC, _PRIVATE = 4096, 16384, 1 << 18
_DETACH = 2
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_MOUNT_SETATTR = 442
_AT_RECURSIVE, _HERE = 0x8000, -100
_TMP_SIZE = "512m"


class _Refused(Exception):  # noqa: N818
    """The system does not let a sandbox be made."""


def main() -> None:
    """Run the plan that stdin brings."""
    line = sys.stdin.buffer.readline()
    if not line:
        return
    plan = json.loads(line)
    if plan["sandbox"] is None:
        if sys.platform == "linux":
            # Become the parent of orphans, so that they can be found.
            with suppress(_Refused, OSError):
                _System().prctl(_SET_CHILD_SUBREAPER, 1)
        _supervise(plan, _everything_below)
        return
    try:
        system = _System()
        _unshare(system)
        first = os.fork()
    except (_Refused, OSError) as error:
        _say(failed=str(error))
        return
    if first:
        _, status = os.waitpid(first, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    # The first process of a namespace: when it ends, the kernel ends every other in it.
    system.prctl(_SET_PDEATHSIG, signal.SIGKILL)
    try:
        proc = _make_root(system, plan["sandbox"])
    except (_Refused, OSError) as error:
        _say(failed=str(error))
        os._exit(0)
    # Nobody else is left to end: the namespace goes with this process.
    _supervise(plan, lambda _: None, proc=proc)


def _say(**document: object) -> None:
    with suppress(OSError):
        os.write(1, json.dumps(document).encode() + b"\n")


def _supervise(
    plan: Mapping[str, Any], end_others: Callable[[int], None], *, proc: bool = True
) -> None:
    """Start the process, answer questions, and end everything when stdin or the process ends."""
    try:
        child = subprocess.Popen(
            plan["argv"],
            env=plan["env"],
            cwd=plan["cwd"],
            stdin=subprocess.DEVNULL,
            pass_fds=() if plan.get("terminal") is None else (plan["terminal"],),
            stdout=2,
            stderr=2,
            start_new_session=True,
        )
    except OSError as error:
        _say(failed=f"cannot start {plan['argv'][0]}: {error}")
        os._exit(0)
    _say(started=child.pid)

    def listen() -> None:
        for line in sys.stdin.buffer:
            if line.strip() == b"peak":
                _say(peak=_peak(child.pid) if proc else None)
        end_others(child.pid)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    status, peak = _wait(child)
    end_others(child.pid)
    _say(exit=status, peak=peak)
    os._exit(0)


def _wait(child: subprocess.Popen[bytes]) -> tuple[int, int | None]:
    """The exit code of the process, negative for a signal, and its peak memory in bytes."""
    if not hasattr(os, "wait4"):
        return child.wait(), None
    while True:
        # In a namespace of its own this process is the parent of every orphan.
        pid, status, usage = os.wait4(-1, 0)
        if pid == child.pid:
            unit = 1 if sys.platform == "darwin" else 1024
            return os.waitstatus_to_exitcode(status), usage.ru_maxrss * unit


def _peak(pid: int) -> int | None:
    """The most memory that the process has had so far, in bytes."""
    with suppress(OSError, ValueError, IndexError):
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return None
    if sys.platform == "darwin":
        # What it has now: this system does not tell another's peak.
        with suppress(OSError, ValueError):
            said = subprocess.run(
                ["/bin/ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=False
            )
            return int(said.stdout) * 1024
    return None


def _everything_below(pid: int) -> None:
    """End the process, its group, and on Linux whatever else descends from it."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(pid)], capture_output=True, check=False)
        return
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    for _ in range(100):
        orphans = _children()
        if not orphans:
            return
        for orphan in orphans:
            with suppress(OSError):
                os.kill(orphan, signal.SIGKILL)
        with suppress(OSError):
            os.waitpid(-1, 0)


def _children() -> list[int]:
    """Processes that this one is the parent of, orphans that came to it included."""
    me = str(os.getpid())
    found = []
    with suppress(OSError):
        for name in os.listdir("/proc"):  # noqa: PTH208
            if name.isdigit():
                with (
                    suppress(OSError, IndexError),
                    open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file,  # noqa: PTH123
                ):
                    state, parent = file.read().rpartition(")")[2].split()[:2]
                    if parent == me and state != "Z":
                        found.append(int(name))
    return found


class _System:
    """The calls of Linux that Python has no name for."""

    def __init__(self) -> None:
        try:
            import ctypes

            self._ctypes = ctypes
            self._libc = ctypes.CDLL(None, use_errno=True)
        except (ImportError, OSError) as error:
            raise _Refused(str(error)) from error

    def _check(self, result: int, what: str) -> None:
        if result != 0:
            raise _Refused(f"{what}: {os.strerror(self._ctypes.get_errno())}")

    def prctl(self, option: int, value: int) -> None:
        zero = self._ctypes.c_ulong(0)
        self._check(
            self._libc.prctl(option, self._ctypes.c_ulong(value), zero, zero, zero), "prctl"
        )

    def unshare(self, flags: int) -> None:
        self._check(self._libc.unshare(flags), "unshare")

    def mount(self, source: str, target: str, kind: str, flags: int, data: str = "") -> None:
        result = self._libc.mount(
            source.encode("utf-8", "surrogateescape"),
            target.encode("utf-8", "surrogateescape"),
            kind.encode(),
            self._ctypes.c_ulong(flags),
            data.encode(),
        )
        self._check(result, f"mount {target}")

    def bind(self, source: str, target: str) -> None:
        self.mount(source, target, "", _BIND | _REC)

    def read_only(self, target: str) -> None:
        """Forbid writing below a mount, in all mounts below it too."""
        attributes = (self._ctypes.c_uint64 * 4)(_RDONLY, 0, 0, 0)
        result = self._libc.syscall(
            self._ctypes.c_long(_MOUNT_SETATTR),
            self._ctypes.c_long(_HERE),
            target.encode("utf-8", "surrogateescape"),
            self._ctypes.c_long(_AT_RECURSIVE),
            attributes,
            self._ctypes.c_size_t(self._ctypes.sizeof(attributes)),
        )
        self._check(result, f"mount_setattr {target}")

    def read_only_one(self, target: str) -> None:
        """Forbid writing below one mount, on a kernel that knows no other way."""
        kept = os.statvfs(target).f_flag & (_NOSUID | _NODEV | _NOEXEC)
        self.mount("", target, "", _BIND | _REMOUNT | _RDONLY | kept)

    def enter(self, root: str) -> None:
        """Make a folder the root, and let the old one go."""
        os.chdir(root)
        number = _PIVOT_ROOT.get(os.uname().machine)
        if number is None:
            raise _Refused(f"pivot_root is not known for {os.uname().machine}")
        self._check(self._libc.syscall(self._ctypes.c_long(number), b".", b"."), "pivot_root")
        self._check(self._libc.umount2(b".", _DETACH), "umount")
        os.chdir("/")


def _unshare(system: _System) -> None:
    """Leave this machine's mounts and processes: as root if that will do, else as one's own root."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        with suppress(_Refused):
            system.unshare(_NEWNS | _NEWPID)
            return
    system.unshare(_NEWUSER | _NEWNS | _NEWPID)
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123
            file.write(content)


# What Lambda has at these places is not what this machine has there.
_OWN = ("dev", "opt", "proc", "tmp", "var")
_OWN_VAR = ("lang", "runtime", "task")


def _make_root(system: _System, plan: Mapping[str, Any]) -> bool:
    """Put the root together and enter it; True when ``/proc`` tells of the new processes."""
    root = plan["root"]
    system.mount("", "/", "", _REC | _PRIVATE)
    system.mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "mode=755,size=1m")
    _mirror(system, "/", root, skip=_OWN)
    for name in _OWN:
        os.mkdir(f"{root}/{name}")  # noqa: PTH102
    _mirror(system, "/var", f"{root}/var", skip=_OWN_VAR)
    for name in _OWN_VAR:
        os.mkdir(f"{root}/var/{name}")  # noqa: PTH102
    system.bind(plan["task"], f"{root}/var/task")
    system.bind(plan["runtime"], f"{root}/var/runtime")
    os.makedirs(f"{root}/var/lang/bin")  # noqa: PTH103
    for name in plan["names"]:
        os.symlink(plan["python"], f"{root}/var/lang/bin/{name}")  # noqa: PTH211
    os.makedirs(f"{root}{plan['provided_at']}")  # noqa: PTH103
    if plan["provided"]:
        system.bind(plan["provided"], f"{root}{plan['provided_at']}")
    kept = [path for path in plan["keep"] if os.path.exists(path)]  # noqa: PTH110
    in_opt = [path for path in kept if path.startswith("/opt/")]
    if in_opt:
        # This machine's interpreter lives there: layers stand beside it.
        if plan["layers"]:
            _mirror(system, plan["layers"], f"{root}/opt", skip=())
        for path in in_opt:
            _keep(system, path, root)
    elif plan["layers"]:
        system.bind(plan["layers"], f"{root}/opt")
    for path in kept:
        if path.startswith(("/var/lang/", "/var/runtime/", "/var/task/")):
            raise _Refused(f"the interpreter's own files lie at {path}")
    try:
        system.read_only(root)
    except _Refused:
        for place in ("/opt", "/var/runtime", "/var/task"):
            if os.path.ismount(f"{root}{place}"):
                system.read_only_one(f"{root}{place}")
    options = f"mode=1777,size={_TMP_SIZE}"
    system.mount("tmpfs", f"{root}/tmp", "tmpfs", _NOSUID | _NODEV, options)  # noqa: S108
    for path in kept:
        if path.startswith("/tmp/"):  # noqa: S108
            _keep(system, path, root)
    system.bind("/dev", f"{root}/dev")
    try:
        system.mount("proc", f"{root}/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
        proc = True
    except _Refused:
        # A container that hides parts of it does not let another be made.
        system.bind("/proc", f"{root}/proc")
        proc = False
    system.enter(root)
    return proc


def _mirror(system: _System, source: str, target: str, *, skip: tuple[str, ...]) -> None:
    """Everything of one folder in another."""
    for item in os.scandir(source):
        if item.name in skip:
            continue
        place = f"{target}/{item.name}"
        if item.is_symlink():
            os.symlink(os.readlink(item.path), place)  # noqa: PTH115, PTH211
        elif item.is_dir():
            os.mkdir(place)  # noqa: PTH102
            # What may not be seen (a mount of somebody else's) is not missed.
            with suppress(_Refused):
                system.bind(item.path, place)
        elif item.is_file():
            with open(place, "xb"):  # noqa: PTH123
                pass
            with suppress(_Refused):
                system.bind(item.path, place)


def _keep(system: _System, path: str, root: str) -> None:
    """Have a path of this machine at the same place."""
    place = f"{root}{path}"
    if os.path.exists(place):  # noqa: PTH110
        return
    if os.path.isdir(path):  # noqa: PTH112
        os.makedirs(place)  # noqa: PTH103
    else:
        os.makedirs(os.path.dirname(place), exist_ok=True)  # noqa: PTH103, PTH120
        with open(place, "xb"):  # noqa: PTH123
            pass
    system.bind(path, place)


if __name__ == "__main__":
    main()
