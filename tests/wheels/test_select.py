"""Selection: by the lock and the target, by nothing else."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from packaging import markers as packaging_markers
from packaging.markers import Environment
from packaging.pylock import PackageSdist, PackageWheel, Pylock

from wherry.errors import LockError, SelectionError, TargetError
from wherry.lock.formats import LockFormat
from wherry.lock.model import Lock
from wherry.target import RUNTIMES, Architecture, Target
from wherry.wheels.fitting import choose_fitting
from wherry.wheels.select import select

HASHES = {"sha256": "0" * 64}


def make_target(runtime: str = "python3.13", architecture: str = "x86_64") -> Target:
    return Target(runtime=RUNTIMES[runtime], architecture=Architecture(architecture))


def wheel(filename: str) -> dict[str, Any]:
    return {"name": filename, "url": f"https://index.test/{filename}", "hashes": HASHES}


def package(name: str, *tags: str, sdist: bool = False, **keys: Any) -> dict[str, Any]:
    """A locked distribution, by default at 1.2, with a wheel for each of the tags."""
    made: dict[str, Any] = {"name": name, "version": "1.2", **keys}
    version = made["version"]
    if tags:
        made["wheels"] = [wheel(f"{name.replace('-', '_')}-{version}-{tag}.whl") for tag in tags]
    if sdist:
        made["sdist"] = wheel(f"{name.replace('-', '_')}-{version}.tar.gz")
    return {key.replace("_", "-"): value for key, value in made.items()}


def make_lock(*packages: dict[str, Any], groups=None, extras=(), **keys: Any) -> Lock:
    document = {
        "lock-version": "1.0",
        "created-by": "tests",
        "packages": list(packages),
        **{key.replace("_", "-"): value for key, value in keys.items()},
    }
    return Lock(
        pylock=Pylock.from_dict(document),
        format=LockFormat.PYLOCK,
        path=Path("pylock.toml"),
        base=Path(),
        inputs=(),
        stable=True,
        groups=groups,
        extras=tuple(extras),
        member=Path(),
    )


def names(lock: Lock, target: Target | None = None, **options: Any) -> list[str]:
    return [one.name for one in select(lock, target or make_target(), **options)]


def filename(lock: Lock, target: Target | None = None) -> str:
    (one,) = select(lock, target or make_target())
    assert isinstance(one.source, (PackageWheel, PackageSdist))
    return one.source.filename


class TestSources:
    def test_sorted_by_name_with_versions(self):
        lock = make_lock(package("b", "py3-none-any"), package("a", "py3-none-any", version="2.0"))
        assert [(one.name, one.version) for one in select(lock, make_target())] == [
            ("a", "2.0"),
            ("b", "1.2"),
        ]

    def test_an_empty_lock(self):
        assert select(make_lock(), make_target()) == ()

    @pytest.mark.parametrize("architecture", list(Architecture))
    @pytest.mark.parametrize("runtime", list(RUNTIMES))
    def test_each_target_gets_its_own_wheel(self, runtime, architecture):
        """S4: another runtime and architecture than this machine's."""
        tags = [
            f"cp3{minor}-cp3{minor}-manylinux_2_17_{machine}"
            for minor in range(9, 15)
            for machine in ("x86_64", "aarch64")
        ]
        target = make_target(runtime, architecture)
        minor = target.runtime.python[1]
        chosen = filename(make_lock(package("foo", *tags)), target)
        machine = target.architecture.machine
        assert chosen == f"foo-1.2-cp3{minor}-cp3{minor}-manylinux_2_17_{machine}.whl"

    def test_a_wheel_for_a_newer_c_library_is_not_taken(self):
        lock = make_lock(package("foo", "cp39-abi3-manylinux_2_28_x86_64", "py3-none-any"))
        assert "any" in filename(lock, make_target("python3.11"))
        assert "2_28" in filename(lock, make_target("python3.12"))

    def test_an_sdist_where_no_wheel_runs(self):
        lock = make_lock(package("foo", "py2-none-any", sdist=True))
        assert filename(lock) == "foo-1.2.tar.gz"
        assert filename(make_lock(package("foo", sdist=True))) == "foo-1.2.tar.gz"

    def test_no_sdist_of_what_is_compiled(self):
        """All its wheels are for a platform each: building it here would take minutes, and be of no use."""
        lock = make_lock(package("foo", "cp313-cp313-win_amd64", sdist=True))
        with pytest.raises(SelectionError, match="no wheel of `foo==1.2` runs") as refused:
            select(lock, make_target("python3.13"))
        assert refused.value.where == (
            "the lock offers win_amd64",
            "its sdist would have to be compiled, as all its wheels are",
        )

    def test_an_sdist_of_what_is_compiled_where_somebody_can(self):
        """A13: the choice is the same whoever compiles, and tells that it must be."""
        lock = make_lock(
            package("foo", "cp313-cp313-win_amd64", sdist=True), package("pure", sdist=True)
        )
        chosen = select(lock, make_target("python3.13"), compilable=True)
        assert [(one.name, one.compiled) for one in chosen] == [("foo", True), ("pure", False)]
        none = make_lock(package("foo", "cp313-cp313-win_amd64"))
        with pytest.raises(SelectionError, match="no wheel of `foo==1.2` runs"):
            select(none, make_target("python3.13"), compilable=True)

    def test_a_wheel_before_an_sdist(self):
        assert filename(make_lock(package("foo", "py3-none-any", sdist=True))).endswith(".whl")

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("vcs", {"type": "git", "url": "git+https://x.test/y", "commit-id": "abc"}),
            ("directory", {"path": "../shared", "editable": True}),
            ("archive", {"url": "https://x.test/foo.zip", "hashes": HASHES}),
        ],
    )
    def test_direct_sources(self, key, value):
        (one,) = select(make_lock({"name": "foo", key: value}), make_target())
        assert one.version is None
        assert type(one.source).__name__.lower() == f"package{key}"

    @given(
        target=st.builds(
            make_target, st.sampled_from(list(RUNTIMES)), st.sampled_from(list(Architecture))
        ),
        tags=st.lists(
            st.builds(
                "{}-{}".format,
                st.sampled_from(["cp311-cp311", "cp313-cp313", "cp39-abi3", "py3-none"]),
                st.sampled_from(["any", "manylinux_2_28_x86_64", "manylinux2014_aarch64", "win32"]),
            ),
            min_size=1,
            unique=True,
        ),
        data=st.data(),
    )
    def test_as_packaging_selects(self, target, tags, data):
        """On what both accept, packaging's own implementation of PEP 751 is the oracle."""
        lock = make_lock(package("foo", *data.draw(st.permutations(tags)), sdist=True))
        expected = [
            source
            for _, source in lock.pylock.select(
                environment=cast("Environment", target.environment), tags=target.tags
            )
        ]
        if type(expected[0]).__name__ == "PackageSdist" and not any(
            t.endswith("any") for t in tags
        ):
            # packaging would build what is compiled.
            with pytest.raises(SelectionError, match="no wheel"):
                select(lock, target)
        else:
            assert [one.source for one in select(lock, target)] == expected


class TestMarkers:
    @pytest.mark.parametrize(
        ("marker", "expected"),
        [
            ("sys_platform == 'linux'", True),
            ("sys_platform == 'win32'", False),
            ("platform_machine == 'aarch64'", True),
            ("platform_machine == 'arm64'", False),
            ("python_version >= '3.13'", True),
            ("python_full_version < '3.13.1'", True),
            ("python_version == '3.1'", False),
            ("implementation_name == 'cpython' and os_name == 'posix'", True),
            ("platform_release >= '20.0'", False),
            ("platform_release == '' and platform_version == ''", True),
            ("'web' in extras", False),
            ("'dev' in dependency_groups", False),
        ],
    )
    def test_see_the_target(self, marker, expected):
        lock = make_lock(package("foo", "py3-none-any", marker=marker))
        assert names(lock, make_target(architecture="arm64")) == (["foo"] if expected else [])

    def test_see_nothing_of_this_machine(self, monkeypatch):
        """No variable is left for packaging to fill in, whatever it would fill in."""
        variables = packaging_markers.default_environment()
        foreign = dict.fromkeys(variables, "999")
        monkeypatch.setattr(packaging_markers, "default_environment", lambda: dict(foreign))
        lock = make_lock(
            *(
                package(f"p-{number}", "py3-none-any", marker=f"{name} == '999'")
                for number, name in enumerate(variables)
            )
        )
        assert names(lock) == []
        assert platform.machine()
        assert sys.platform

    def test_groups_and_extras(self):
        """A2: development groups are absent, unless asked for."""
        document = [
            package("always", "py3-none-any"),
            package("default", "py3-none-any", marker="'main' in dependency_groups"),
            package("dev", "py3-none-any", marker="'Dev_Tools' in dependency_groups"),
            package("extra", "py3-none-any", marker="'web' in extras"),
        ]
        keys = {
            "default_groups": ["main"],
            "dependency_groups": ["main", "dev-tools"],
            "extras": ["web"],
        }

        def chosen(groups=None, extras=()) -> list[str]:
            lock = make_lock(*document, groups=groups)
            pylock = Pylock.from_dict(
                {**lock.pylock.to_dict(), **{k.replace("_", "-"): v for k, v in keys.items()}}
            )
            from msgspec.structs import replace

            return names(replace(lock, pylock=pylock, extras=extras))

        assert chosen() == ["always", "default"]
        assert chosen(groups=()) == ["always"]
        assert chosen(groups=("dev-tools",), extras=("web",)) == ["always", "dev", "extra"]

    @pytest.mark.parametrize("marker", ["extra == 'web'", "python_version ~= 'x'"])
    def test_that_cannot_be_evaluated(self, marker):
        lock = make_lock(package("foo", "py3-none-any", marker=marker))
        with pytest.raises(SelectionError, match=r"marker of `foo==1.2`") as caught:
            select(lock, make_target())
        assert caught.value.hint


class TestRequiresPython:
    @pytest.mark.parametrize(
        ("requires", "runtime", "fits"),
        [
            (">=3.12", "python3.11", False),
            (">=3.11.4", "python3.11", True),
            ("<3.13", "python3.13", False),
            ("!=3.13.*", "python3.13", False),
            ("==3.13.*", "python3.13", True),
        ],
    )
    def test_of_the_lock_and_of_a_package(self, requires, runtime, fits):
        target = make_target(runtime)
        whole = make_lock(package("foo", "py3-none-any"), requires_python=requires)
        one = make_lock(package("foo", "py3-none-any", requires_python=requires))
        if fits:
            assert names(whole, target) == names(one, target) == ["foo"]
            return
        with pytest.raises(TargetError, match=f"excludes {runtime}") as caught:
            select(whole, target)
        assert "--runtime python3.1" in (caught.value.hint or "")
        with pytest.raises(SelectionError, match=r"`foo==1.2` does not run"):
            select(one, target)

    def test_that_no_runtime_meets(self):
        with pytest.raises(TargetError) as caught:
            select(make_lock(requires_python=">=4"), make_target())
        assert caught.value.hint == "no runtime of AWS Lambda meets it"

    def test_environments(self):
        lock = make_lock(package("foo", "py3-none-any"), environments=["sys_platform == 'darwin'"])
        with pytest.raises(TargetError, match=r"not made for python3.13-x86_64") as caught:
            select(lock, make_target())
        assert 'sys_platform == "darwin"' in caught.value.where[0]
        lock = make_lock(
            package("foo", "py3-none-any"),
            environments=["sys_platform == 'darwin'", "sys_platform == 'linux'"],
        )
        assert names(lock) == ["foo"]


class TestAmbiguity:
    def test_two_of_one_name(self):
        lock = make_lock(
            package("foo", "py3-none-any"),
            package("foo", "py3-none-any", version="2.0", marker="python_version > '3'"),
        )
        with pytest.raises(SelectionError, match="more than once") as caught:
            select(lock, make_target())
        assert "1.2" in caught.value.where[0]
        assert '2.0 (where python_version > "3")' in caught.value.where[0]

    def test_markers_that_exclude_each_other_are_none(self):
        lock = make_lock(
            package("foo", "py3-none-any", marker="python_version < '3.12'"),
            package("foo", "py3-none-any", version="2.0", marker="python_version >= '3.12'"),
        )
        assert [one.version for one in select(lock, make_target("python3.11"))] == ["1.2"]
        assert [one.version for one in select(lock, make_target("python3.12"))] == ["2.0"]


# --- the runtime that a lock admits best ---

NEWEST = [make_target(f"python3.{minor}") for minor in (14, 13, 12, 11, 10, 9)]


def tags(*minors: int) -> list[str]:
    return [f"cp3{minor}-cp3{minor}-manylinux_2_17_x86_64" for minor in minors]


@pytest.mark.parametrize(
    ("packages", "runtime", "problem"),
    [
        ([package("pure", "py3-none-any")], "python3.14", None),
        (
            [package("a", *tags(12, 13))],
            "python3.13",
            "no wheel of `a==1.2` runs on python3.14-x86_64",
        ),
        ([package("a", *tags(12, 13), sdist=True)], "python3.13", "a==1.2"),
        ([package("a", *tags(12, 13)), package("b", *tags(12))], "python3.12", "2 distributions"),
        ([package("a", "cp311-abi3-manylinux_2_17_x86_64")], "python3.14", None),
        # An sdist that no runtime has a wheel of decides nothing.
        ([package("a", "cp313-cp313-win_amd64", sdist=True)], "python3.14", None),
        (
            [
                package("a", "cp313-cp313-win_amd64", sdist=True),
                package("b", *tags(13), sdist=True),
            ],
            "python3.13",
            "a==1.2",
        ),
        # What is past its deprecation date is chosen only where it must be.
        ([package("a", *tags(9, 10), sdist=True)], "python3.14", None),
        ([package("a", *tags(9, 10))], "python3.10", "a==1.2"),
        # A marker takes it out.
        ([package("a", *tags(12), marker="python_version < '3.13'")], "python3.14", None),
        # Nothing helps.
        ([package("a", "cp313-cp313-win_amd64")], "python3.14", None),
    ],
)
def test_the_newest_runtime_with_wheels(packages, runtime, problem):
    lock = make_lock(*packages)
    fitting = choose_fitting(NEWEST, lambda _: [lock], keep=False)
    assert fitting.target.runtime.name == runtime
    assert (fitting.problem is None) is (problem is None)
    assert (problem or "") in (fitting.problem or "")


def test_a_runtime_that_a_file_names_stays_unless_it_is_impossible():
    sdist = make_lock(package("a", *tags(13), sdist=True))
    assert choose_fitting(NEWEST, lambda _: [sdist], keep=True).target == NEWEST[0]
    none = make_lock(package("a", *tags(13)))
    assert choose_fitting(NEWEST, lambda _: [none], keep=True).target == NEWEST[1]


def test_the_python_of_the_lock_decides_as_well():
    lock = make_lock(package("pure", "py3-none-any"), requires_python="<3.13")
    assert choose_fitting(NEWEST, lambda _: [lock], keep=False).target == NEWEST[2]


def test_what_uv_resolved_for_a_target_names_no_other_wheels():
    def read(target):
        wheels = tags(12) if target.runtime.name == "python3.12" else []
        lock = make_lock(package("a", *wheels, sdist=True))
        return [replace(lock, format=LockFormat.REQUIREMENTS)]

    assert choose_fitting(NEWEST, read, keep=False).target == NEWEST[2]


def test_a_lock_that_cannot_be_read_is_read_once():
    read = []

    def fail(target):
        read.append(target)
        raise LockError("it is stale")

    with pytest.raises(LockError, match="stale"):
        choose_fitting(NEWEST, fail, keep=False)
    assert read == NEWEST[:1]


def test_another_python_may_be_resolved():
    def read(target):
        if target.runtime.python > (3, 12):
            raise LockError(
                "no solution", where=["the requested Python does not satisfy Python<3.13"]
            )
        return [make_lock(package("a", *tags(12)))]

    fitting = choose_fitting(NEWEST, read, keep=False)
    assert (fitting.target, fitting.problem) == (NEWEST[2], "no solution")
