"""A file system like Lambda's for one process and all that it starts, made of Linux's mount and process namespaces.

The root lies in memory. It holds everything that this machine has, read-only, but its code at ``/var/task``, its
layers at ``/opt``, the runtime client at ``/var/runtime``, and, fresh, ``/tmp`` and ``/dev``. ``/dev`` has what
Lambda's has: no disks, and no shared memory, so that POSIX semaphores fail as they do there. Nothing outside is
touched, and nothing in it can be: who runs there has no capability, as root too.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["RefusedError", "System", "drop_capabilities", "make_root", "unshare"]

# <linux/sched.h>, <linux/mount.h>
_NEWNS, _NEWUSER, _NEWPID = 0x00020000, 0x10000000, 0x20000000
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT = 1, 2, 4, 8, 32
_NOATIME, _NODIRATIME = 1024, 2048
_BIND, _REC, _PRIVATE = 4096, 16384, 1 << 18
_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_MOUNT_SETATTR = 442
_AT_RECURSIVE, _HERE = 0x8000, -100
# <linux/prctl.h>, <linux/capability.h>
_CAPBSET_DROP, _NO_NEW_PRIVS = 24, 38
_CAPABILITY_VERSION = 0x20080522
_MOST_CAPABILITIES = 64

_DAC_READ_SEARCH = 2
"""The capability to read files and list folders whatever their modes say."""


class RefusedError(Exception):
    """The system does not let a sandbox be made."""


class System:
    """The calls of Linux that Python has no name for."""

    def __init__(self) -> None:
        try:
            import ctypes

            self._ctypes = ctypes
            self._libc = ctypes.CDLL(None, use_errno=True)
        except (ImportError, OSError) as error:
            raise RefusedError(str(error)) from error

    def _check(self, result: int, what: str) -> None:
        if result != 0:
            raise RefusedError(f"{what}: {os.strerror(self._ctypes.get_errno())}")

    def prctl(self, option: int, value: int) -> None:
        """Operate on this process."""
        zero = self._ctypes.c_ulong(0)
        self._check(
            self._libc.prctl(option, self._ctypes.c_ulong(value), zero, zero, zero), "prctl"
        )

    def restrict(self, kept: Iterable[int]) -> None:
        """Give up all capabilities but these, for this process and for every program that it becomes."""
        kept = set(kept)
        for number in range(_MOST_CAPABILITIES):
            if number not in kept:
                # Who has none may not, and need not; the kernel may know fewer.
                with suppress(RefusedError):
                    self.prctl(_CAPBSET_DROP, number)
        self.prctl(_NO_NEW_PRIVS, 1)
        mask = sum(1 << number for number in kept)
        low, high = mask & 0xFFFFFFFF, mask >> 32
        header = (self._ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
        # Effective, permitted and inheritable ones, the lower half first.
        sets = (self._ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
        with suppress(RefusedError):
            self._check(self._libc.capset(header, sets), "capset")

    def unshare(self, flags: int) -> None:
        """Leave namespaces for new ones."""
        self._check(self._libc.unshare(flags), "unshare")

    def mount(self, source: str, target: str, kind: str, flags: int, data: str = "") -> None:
        """Mount a file system."""
        result = self._libc.mount(
            source.encode("utf-8", "surrogateescape"),
            target.encode("utf-8", "surrogateescape"),
            kind.encode(),
            self._ctypes.c_ulong(flags),
            data.encode(),
        )
        self._check(result, f"mount {target}")

    def bind(self, source: str, target: str) -> None:
        """Have what is at one place at another too, with all that is mounted below it."""
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
        kept = os.statvfs(target).f_flag & (_NOSUID | _NODEV | _NOEXEC | _NOATIME | _NODIRATIME)
        self.mount("", target, "", _BIND | _REMOUNT | _RDONLY | kept)

    def enter(self, root: str) -> None:
        """Make a folder the root, and let the old one go."""
        os.chdir(root)
        number = _PIVOT_ROOT.get(os.uname().machine)
        if number is None:
            raise RefusedError(f"pivot_root is not known for {os.uname().machine}")
        self._check(self._libc.syscall(self._ctypes.c_long(number), b".", b"."), "pivot_root")
        self._check(self._libc.umount2(b".", _DETACH), "umount")
        os.chdir("/")


def unshare(system: System) -> None:
    """Leave this machine's mounts and processes: as root if that will do, else as one's own root."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        with suppress(RefusedError):
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


def drop_capabilities(system: System, *, isolated: bool) -> None:
    """Let the program that this process becomes do no more than its user may, be it root.

    Without a file system of its own it may still read what it could read: credentials that are mounted into a
    container belong to somebody else there.
    """
    system.restrict(() if isolated else (_DAC_READ_SEARCH,))


# What Lambda has at these places is not what this machine has there.
_OWN = ("dev", "opt", "proc", "run", "tmp", "var")
_OWN_VAR = ("lang", "run", "runtime", "task")
_DEVICES = ("full", "null", "random", "urandom", "zero")
_DEVICE_LINKS = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}
# Services listen in /run, some of which do what they are told. What finds names, and the system's own programs, stay.
_KEPT_IN_RUN = (
    "NetworkManager",
    "connman",
    "nscd",
    "resolvconf",
    "systemd/resolve",
    "booted-system",
    "current-system",
    "opengl-driver",
)
# What root may write to without a capability, and what would reach this machine.
_OF_THE_MACHINE = ("acpi", "bus", "fs", "irq", "scsi", "sys", "sysrq-trigger")


def make_root(system: System, plan: Mapping[str, Any]) -> bool:
    """Put the root together and enter it; True when ``/proc`` tells of the new processes."""
    root = plan["root"]
    system.mount("", "/", "", _REC | _PRIVATE)
    system.mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "mode=755,size=1m")
    _mirror(system, "/", root, skip=_OWN)
    for name in _OWN:
        os.mkdir(f"{root}/{name}")  # noqa: PTH102
    _mirror(system, "/var", f"{root}/var", skip=_OWN_VAR)
    for name in _OWN_VAR:
        if name != "run":
            os.mkdir(f"{root}/var/{name}")  # noqa: PTH102
    os.symlink("/run", f"{root}/var/run")  # noqa: PTH211
    for name in _KEPT_IN_RUN:
        if os.path.exists(f"/run/{name}"):  # noqa: PTH110
            with suppress(RefusedError):
                _keep(system, f"/run/{name}", root)
    _make_devices(system, f"{root}/dev")
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
            raise RefusedError(f"the interpreter's own files lie at {path}")
        if path.startswith("/run/"):
            _keep(system, path, root)
    try:
        system.read_only(root)
    except RefusedError:
        for place in _mounts_below(root):
            system.read_only_one(place)
    options = f"mode=1777,size={plan['tmp_size']}m"
    system.mount("tmpfs", f"{root}/tmp", "tmpfs", _NOSUID | _NODEV, options)  # noqa: S108
    for path in kept:
        if path.startswith("/tmp/"):  # noqa: S108
            _keep(system, path, root)
    try:
        system.mount("proc", f"{root}/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
        proc = True
    except RefusedError:
        # A container that hides parts of it does not let another be made.
        system.bind("/proc", f"{root}/proc")
        proc = False
    for name in _OF_THE_MACHINE:
        place = f"{root}/proc/{name}"
        if os.path.exists(place):  # noqa: PTH110
            # Where another has closed them before, they stay closed.
            with suppress(RefusedError):
                system.bind(place, place)
                system.read_only_one(place)
    system.enter(root)
    return proc


def _mounts_below(folder: str) -> list[str]:
    """The folder and all places below it where something is mounted, as ``/proc/self/mountinfo`` tells."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
        places = [line.split(" ")[4] for line in file]
    plain = [re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), place) for place in places]
    return [place for place in plain if place == folder or place.startswith(f"{folder}/")]


def _make_devices(system: System, folder: str) -> None:
    """The devices of ``/dev``."""
    for name in filter(lambda name: os.path.exists(f"/dev/{name}"), _DEVICES):  # noqa: PTH110
        with open(f"{folder}/{name}", "xb"):  # noqa: PTH123
            pass
        system.bind(f"/dev/{name}", f"{folder}/{name}")
    for name, number in _DEVICE_LINKS.items():
        os.symlink(f"/proc/self/fd{number}", f"{folder}/{name}")  # noqa: PTH211


def _mirror(system: System, source: str, target: str, *, skip: tuple[str, ...]) -> None:
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
            with suppress(RefusedError):
                system.bind(item.path, place)
        elif item.is_file():
            with open(place, "xb"):  # noqa: PTH123
                pass
            with suppress(RefusedError):
                system.bind(item.path, place)


def _keep(system: System, path: str, root: str) -> None:
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
