"""Targets, held against what packaging says under real interpreters."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from datetime import date
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import packaging
import pytest
from packaging.markers import Environment, Marker, default_environment
from packaging.specifiers import SpecifierSet

from support.interpreters import compiled_parts, missing
from wherry.errors import TargetError
from wherry.target import (
    FACTS_AS_OF,
    RUNTIMES,
    Architecture,
    Runtime,
    Target,
    admits,
    find_architecture,
    find_runtime,
    newest_runtime,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGETS = [
    Target(runtime=runtime, architecture=architecture)
    for runtime in RUNTIMES.values()
    for architecture in Architecture
]
MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_")
LEGACY = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}

# Those whose interpreters are common on machines today.
COMPARED = {name: runtime for name, runtime in RUNTIMES.items() if runtime.python <= (3, 13)}

every_target = pytest.mark.parametrize("target", TARGETS, ids=str)


@cache
def interpreter(version: str) -> str | None:
    """A CPython of this version on this machine, if there is one."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [
        sys.executable,
        *(str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python{version}"))),
        shutil.which(f"python{version}"),
    ]
    code = "import sys; print('%d.%d' % sys.version_info[:2], sys.implementation.name)"
    for candidate in filter(None, candidates):
        done = subprocess.run([candidate, "-c", code], capture_output=True, text=True, check=False)
        if done.stdout.split() == [version, "cpython"]:
            return candidate
    return None


def tell(version: str, expression: str) -> object:
    """What an expression of packaging gives under an interpreter of this version."""
    python = interpreter(version)
    if python is None:
        missing(f"there is no CPython {version} on this machine")
        raise AssertionError
    code = (
        f"import sys, json; sys.path.insert(0, {str(Path(packaging.__file__).parents[1])!r})\n"
        "from packaging import markers, tags\n"
        f"print(json.dumps({expression}))"
    )
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def needed_glibc(tag: str) -> tuple[int, int]:
    """The C library that a tag needs; (0, 0) where it says nothing of it."""
    name = tag.rpartition("-")[2]
    if match := MANYLINUX.match(name):
        return int(match[1]), int(match[2])
    return LEGACY.get(name.partition("_")[0], (0, 0))


def up_to(tags: list[str], glibc: tuple[int, int]) -> Iterator[str]:
    return (tag for tag in tags if needed_glibc(tag) <= glibc)


def linux_last(tags: list[str]) -> list[str]:
    """Of the tags for one interpreter and ABI, which stand together, those for `linux_*` at the end."""
    groups = groupby(tags, key=lambda tag: tag.rpartition("-")[0])
    return [
        tag
        for _, group in groups
        for tag in sorted(group, key=lambda tag: tag.rpartition("-")[2].startswith("linux_"))
    ]


class TestTags:
    @pytest.mark.skipif(
        (sys.platform, platform.machine()) != ("linux", "x86_64"),
        reason="the ladder is compared with an interpreter's own on x86_64 Linux",
    )
    @pytest.mark.parametrize("runtime", COMPARED.values(), ids=COMPARED)
    def test_are_those_of_a_real_interpreter(self, runtime):
        """Exactly, and in that order, up to the older of the two C libraries.

        But for one thing: packaging tries `linux_*` first, being for wheels that were built here, and a
        target tries it last, for such a wheel promises nothing of the C library that it needs.
        """
        real = tell(runtime.python_version, "[str(tag) for tag in tags.sys_tags()]")
        assert isinstance(real, list)
        host = platform.libc_ver()[1].split(".")
        glibc = min(runtime.glibc, (int(host[0]), int(host[1])))
        target = Target(runtime=runtime, architecture=Architecture.X86_64)
        ours = list(up_to([str(tag) for tag in target.tags], glibc))
        assert ours == linux_last(list(up_to(real, glibc)))
        assert len(ours) > 500

    def test_a_newer_minor_has_one_rung_more(self):
        """What a machine may not have an interpreter for yet follows from the one before it."""

        def interpreters(name: str) -> list[str]:
            target = Target(runtime=RUNTIMES[name], architecture=Architecture.X86_64)
            return list(dict.fromkeys(str(tag).rpartition("-")[0] for tag in target.tags))

        older, newest = interpreters("python3.13"), interpreters("python3.14")
        assert set(newest) - set(older) == {"cp314-cp314", "cp314-abi3", "cp314-none", "py314-none"}
        assert set(older) - set(newest) == {"cp313-cp313", "cp313-none"}
        assert newest[:3] == ["cp314-cp314", "cp314-abi3", "cp314-none"]

    @every_target
    def test_ladder_of_platforms(self, target):
        """Every step from the runtime's C library down, with the older names, and `linux` last."""
        machine = target.architecture.machine
        lowest = 17 if target.architecture is Architecture.ARM64 else 5
        steps = [
            tuple(int(number) for number in match.groups())
            for name in target.platforms
            if (match := MANYLINUX.match(name))
        ]
        assert steps == [(2, minor) for minor in range(target.runtime.glibc[1], lowest - 1, -1)]
        assert target.platforms[-1] == f"linux_{machine}"
        for name, (_, minor) in LEGACY.items():
            if minor >= lowest:
                place = target.platforms.index(f"{name}_{machine}")
                assert target.platforms[place - 1] == f"manylinux_2_{minor}_{machine}"
            else:
                assert f"{name}_{machine}" not in target.platforms
        assert all(name.endswith(machine) for name in target.platforms)

    @every_target
    def test_neither_repeat_nor_belong_elsewhere(self, target):
        tags = [str(tag) for tag in target.tags]
        assert len(tags) == len(set(tags))
        assert all(needed_glibc(tag) <= target.runtime.glibc for tag in tags)
        minor = target.runtime.python[1]
        assert tags[0] == f"cp3{minor}-cp3{minor}-{target.platforms[0]}"
        assert tags[-1] == "py30-none-any"
        assert not any("musllinux" in tag or "macos" in tag or "win" in tag for tag in tags)
        assert not any(f"cp3{minor + 1}" in tag or f"cp3{minor}t" in tag for tag in tags)

    @pytest.mark.real
    def test_are_the_same_under_every_interpreter(self):
        """N1: nothing of the interpreter that runs Wherry gets in."""
        source = str(Path(packaging.__file__).parents[1])
        package = str(Path(sys.modules["wherry"].__file__ or "").parents[1])
        code = (
            f"import sys, hashlib; sys.path[:0] = [sys.argv[1], {source!r}, {package!r}]\n"
            "from wherry.target import *\n"
            "text = [(str(t), *map(str, t.tags), sorted(t.environment.items()))\n"
            "    for t in (Target(runtime=r, architecture=a) for r in RUNTIMES.values() for a in Architecture)]\n"
            "print(hashlib.sha256(repr(text).encode()).hexdigest())"
        )
        digests = {
            subprocess.run(
                [python, "-I", "-c", code, compiled_parts(python)],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for version in ("3.11", "3.12", "3.13")
            if (python := interpreter(version))
        }
        assert len(digests) == 1


class TestEnvironment:
    @every_target
    def test_is_complete(self, target):
        """Every variable that packaging knows, so that none is filled from this machine."""
        environment = target.environment
        assert set(environment) == set(Environment.__annotations__) == set(default_environment())
        assert set(environment) == set(Environment.__annotations__)
        assert all(isinstance(value, str) for value in environment.values())

    @pytest.mark.skipif(sys.platform != "linux", reason="compared with an interpreter on Linux")
    @pytest.mark.parametrize("runtime", COMPARED.values(), ids=COMPARED)
    def test_is_that_of_a_real_interpreter(self, runtime):
        """But for the patch level, the processor, and the kernel, which nobody can know."""
        real = tell(runtime.python_version, "markers.default_environment()")
        assert isinstance(real, dict)
        for architecture in Architecture:
            ours = dict(Target(runtime=runtime, architecture=architecture).environment)
            assert ours["platform_machine"] == architecture.machine
            unknown = {
                *("python_full_version", "implementation_version"),
                *("platform_machine", "platform_release", "platform_version"),
            }
            assert {key: ours[key] for key in ours if key not in unknown} == {
                key: real[key] for key in real if key not in unknown
            }

    @pytest.mark.parametrize(
        ("marker", "expected"),
        [
            ("sys_platform == 'linux' and os_name == 'posix'", True),
            ("platform_machine == 'aarch64'", True),
            ("python_version >= '3.10'", True),
            ("python_full_version == '3.13.0'", True),
            ("implementation_name == 'pypy'", False),
        ],
    )
    def test_evaluates_markers(self, marker, expected):
        target = Target(runtime=RUNTIMES["python3.13"], architecture=Architecture.ARM64)
        environment = {key: str(value) for key, value in target.environment.items()}
        assert Marker(marker).evaluate(environment) is expected


class TestFinding:
    @pytest.mark.parametrize("name", RUNTIMES)
    def test_runtimes_by_name(self, name):
        assert find_runtime(name).name == name

    @pytest.mark.parametrize(
        ("name", "nearest"),
        [
            ("python3.15", "python3.1"),
            ("pyhton3.12", "python3.12"),
            ("nodejs", None),
        ],
    )
    def test_an_unknown_runtime(self, name, nearest):
        with pytest.raises(TargetError, match=f"unknown runtime `{re.escape(name)}`") as caught:
            find_runtime(name)
        assert all(known in caught.value.where[0] for known in RUNTIMES)
        if nearest is None:
            assert caught.value.hint is None
        else:
            assert (caught.value.hint or "").startswith(f"did you mean `{nearest}")

    @pytest.mark.parametrize("name", ["x86_64", "arm64"])
    def test_architectures_by_name(self, name):
        assert find_architecture(name) == name

    @pytest.mark.parametrize(
        ("name", "said"),
        [("aarch64", "arm64"), ("AMD64", "x86_64"), ("x64", "x86_64"), ("riscv", None)],
    )
    def test_an_unknown_architecture(self, name, said):
        with pytest.raises(TargetError, match=f"unknown architecture `{name}`") as caught:
            find_architecture(name)
        assert caught.value.where == ("the architectures of AWS Lambda are x86_64, arm64",)
        assert caught.value.hint == (f"AWS calls it `{said}`" if said else None)

    def test_a_runtime_of_the_settings(self):
        """Facts are data: a runtime that this release does not know can be named."""
        own = Runtime(name="python3.15", python=(3, 15), system="Amazon Linux 2023", glibc=(2, 34))
        runtimes = {**RUNTIMES, own.name: own}
        assert find_runtime("python3.15", runtimes=runtimes) is own
        assert newest_runtime(None, runtimes=runtimes) is own
        target = Target(runtime=own, architecture=Architecture.ARM64)
        assert str(target) == "python3.15-arm64"
        assert str(target.tags[0]) == "cp315-cp315-manylinux_2_34_aarch64"


class TestRequiresPython:
    @pytest.mark.parametrize(
        ("requires", "newest"),
        [
            (None, "python3.14"),
            ("", "python3.14"),
            (">=3.9", "python3.14"),
            ("<3.13", "python3.12"),
            ("==3.11.*", "python3.11"),
            (">=3.11.4,<3.12", "python3.11"),
            ("~=3.10", "python3.14"),
            ("!=3.14.*", "python3.13"),
        ],
    )
    def test_chooses_the_newest_runtime(self, requires, newest):
        specifiers = SpecifierSet(requires) if requires is not None else None
        assert newest_runtime(specifiers).name == newest

    @pytest.mark.parametrize("requires", [">=3.15", "<3.9", "==2.7.*"])
    def test_that_no_runtime_meets(self, requires):
        with pytest.raises(TargetError, match="admits no runtime"):
            newest_runtime(SpecifierSet(requires))

    @pytest.mark.parametrize(
        ("requires", "expected"),
        [
            (">=3.13.4", True),
            ("<3.13.4", True),
            (">3.13", True),
            ("<3.13", False),
            (">=3.14", False),
        ],
    )
    def test_any_patch_level_will_do(self, requires, expected):
        assert admits(SpecifierSet(requires), RUNTIMES["python3.13"]) is expected


class TestFacts:
    def test_are_dated(self):
        assert isinstance(FACTS_AS_OF, date)
        assert all(runtime.deprecation for runtime in RUNTIMES.values())

    def test_as_aws_states_them(self):
        facts = {
            name: (runtime.system, runtime.glibc, str(runtime.deprecation))
            for name, runtime in RUNTIMES.items()
        }
        assert facts == {
            "python3.9": ("Amazon Linux 2", (2, 26), "2025-12-15"),
            "python3.10": ("Amazon Linux 2", (2, 26), "2026-10-31"),
            "python3.11": ("Amazon Linux 2", (2, 26), "2027-06-30"),
            "python3.12": ("Amazon Linux 2023", (2, 34), "2028-10-31"),
            "python3.13": ("Amazon Linux 2023", (2, 34), "2029-06-30"),
            "python3.14": ("Amazon Linux 2023", (2, 34), "2029-06-30"),
        }

    def test_are_in_order(self):
        versions = [runtime.python for runtime in RUNTIMES.values()]
        assert versions == sorted(versions)
        assert all(name == runtime.name for name, runtime in RUNTIMES.items())
