"""What users read when nothing runs: word for word, since the words are the product."""

from __future__ import annotations

from textwrap import dedent

import pytest

from wherry.target import RUNTIMES, Architecture, Target
from wherry.wheels.unsuitable import explain_unsuitable, selection_error


def said(runtime: str, architecture: str, *offers: str | list[str]) -> str:
    """The error for distributions foo, bar, …, each with wheels of these tags."""
    target = Target(runtime=RUNTIMES[runtime], architecture=Architecture(architecture))
    problems = []
    for name, offer in zip(("foo", "bar", "baz"), offers, strict=False):
        tags = [offer] if isinstance(offer, str) else offer
        filenames = [tag if ".whl" in tag else f"{name}-1.2-{tag}.whl" for tag in tags]
        problems.append(explain_unsuitable(f"{name}==1.2", filenames, target))
    return str(selection_error(problems, target))


@pytest.mark.parametrize(
    ("runtime", "architecture", "offers", "expected"),
    [
        pytest.param(
            "python3.13",
            "arm64",
            [["cp313-cp313-manylinux_2_28_x86_64", "cp313-cp313-macosx_11_0_arm64"]],
            """
            no wheel of `foo==1.2` runs on python3.13-arm64
              ├─▶ the lock offers manylinux_2_28_x86_64, macosx_11_0_arm64
              ╰─▶ it records no sdist to build from
            hint: lock again, or choose --architecture x86_64
            """,
            id="other architecture",
        ),
        pytest.param(
            "python3.11",
            "x86_64",
            ["cp39-abi3-manylinux_2_28_x86_64"],
            """
            no wheel of `foo==1.2` runs on python3.11-x86_64
              ├─▶ the lock offers manylinux_2_28_x86_64
              ╰─▶ it records no sdist to build from
            hint: manylinux_2_28 needs Amazon Linux 2023 or newer: choose --runtime python3.12 or newer, \
or pin a version that has a wheel for manylinux_2_26 or older
            """,
            id="newer C library",
        ),
        pytest.param(
            "python3.11",
            "x86_64",
            [["cp311-cp311-manylinux_2_28_x86_64", "cp312-cp312-manylinux_2_28_x86_64"]],
            """
            no wheel of `foo==1.2` runs on python3.11-x86_64
              ├─▶ the lock offers manylinux_2_28_x86_64
              ╰─▶ it records no sdist to build from
            hint: manylinux_2_28 needs Amazon Linux 2023 or newer: choose --runtime python3.12, \
or pin a version that has a wheel for manylinux_2_26 or older
            """,
            id="newer C library, one runtime",
        ),
        pytest.param(
            "python3.13",
            "x86_64",
            ["cp313-cp313-manylinux_2_39_x86_64"],
            """
            no wheel of `foo==1.2` runs on python3.13-x86_64
              ├─▶ the lock offers manylinux_2_39_x86_64
              ╰─▶ it records no sdist to build from
            hint: manylinux_2_39 needs a newer C library than Amazon Linux 2023 has: \
pin a version that has a wheel for manylinux_2_34 or older
            """,
            id="too new for all",
        ),
        pytest.param(
            "python3.11",
            "x86_64",
            ["cp39-abi3-musllinux_1_1_x86_64"],
            """
            no wheel of `foo==1.2` runs on python3.11-x86_64
              ├─▶ the lock offers musllinux_1_1_x86_64
              ╰─▶ it records no sdist to build from
            hint: musllinux wheels are for Alpine Linux: lock again with manylinux wheels
            """,
            id="musl",
        ),
        pytest.param(
            "python3.11",
            "arm64",
            [["cp39-abi3-macosx_11_0_arm64", "cp311-cp311-win_amd64"]],
            """
            no wheel of `foo==1.2` runs on python3.11-arm64
              ├─▶ the lock offers macosx_11_0_arm64, win_amd64
              ╰─▶ it records no sdist to build from
            hint: the lock was made for Windows and macOS only: lock again for Linux too
            """,
            id="other systems",
        ),
        pytest.param(
            "python3.11",
            "x86_64",
            [["cp310-cp310-manylinux_2_17_x86_64", "cp313-cp313-manylinux_2_17_x86_64"]],
            """
            no wheel of `foo==1.2` runs on python3.11-x86_64
              ├─▶ the lock offers wheels for cp310-cp310, cp313-cp313, none for cp311
              ╰─▶ it records no sdist to build from
            hint: lock again, or choose --runtime python3.13
            """,
            id="other Python",
        ),
        pytest.param(
            "python3.13",
            "x86_64",
            ["cp311-cp311-manylinux2014_aarch64"],
            """
            no wheel of `foo==1.2` runs on python3.13-x86_64
              ├─▶ the lock offers wheels for cp311-cp311 on manylinux2014_aarch64
              ╰─▶ it records no sdist to build from
            hint: lock again, or choose --architecture arm64 --runtime python3.11
            """,
            id="other Python and architecture",
        ),
        pytest.param(
            "python3.13",
            "x86_64",
            ["py2-none-any"],
            """
            no wheel of `foo==1.2` runs on python3.13-x86_64
              ├─▶ the lock offers wheels for py2-none, none for cp313
              ╰─▶ it records no sdist to build from
            hint: lock again with a version that has a wheel for it, or one that can be built from an sdist
            """,
            id="nothing helps",
        ),
        pytest.param(
            "python3.13",
            "x86_64",
            [["foo.whl", "foo-1.2-py3.whl"]],
            """
            no wheel of `foo==1.2` runs on python3.13-x86_64
              ├─▶ `foo.whl`, `foo-1.2-py3.whl`: not named as wheels are
              ╰─▶ it records no sdist to build from
            hint: lock again with a version that has a wheel for it, or one that can be built from an sdist
            """,
            id="no wheels' names",
        ),
        pytest.param(
            "python3.13",
            "arm64",
            [[f"cp313-cp313-macosx_{number}_0_arm64" for number in range(11, 22)]],
            """
            no wheel of `foo==1.2` runs on python3.13-arm64
              ├─▶ the lock offers macosx_11_0_arm64, macosx_12_0_arm64, macosx_13_0_arm64, \
macosx_14_0_arm64, macosx_15_0_arm64, macosx_16_0_arm64, macosx_17_0_arm64, macosx_18_0_arm64 and 3 more
              ╰─▶ it records no sdist to build from
            hint: the lock was made for macOS only: lock again for Linux too
            """,
            id="many",
        ),
        pytest.param(
            "python3.13",
            "arm64",
            ["cp313-cp313-manylinux_2_28_x86_64", "cp313-cp313-manylinux_2_17_x86_64"],
            """
            2 distributions of the lock do not run on python3.13-arm64
              ├─▶ no wheel of `foo==1.2` runs on python3.13-arm64: the lock offers manylinux_2_28_x86_64; \
it records no sdist to build from
              ╰─▶ no wheel of `bar==1.2` runs on python3.13-arm64: the lock offers manylinux_2_17_x86_64; \
it records no sdist to build from
            hint: lock again, or choose --architecture x86_64
            """,
            id="several, one way out",
        ),
        pytest.param(
            "python3.13",
            "arm64",
            ["cp313-cp313-manylinux_2_28_x86_64", "cp313-cp313-win32"],
            """
            2 distributions of the lock do not run on python3.13-arm64
              ├─▶ no wheel of `foo==1.2` runs on python3.13-arm64: the lock offers manylinux_2_28_x86_64; \
it records no sdist to build from
              ╰─▶ no wheel of `bar==1.2` runs on python3.13-arm64: the lock offers win32; \
it records no sdist to build from
            hint: lock again, or choose --architecture x86_64; \
the lock was made for Windows only: lock again for Linux too
            """,
            id="several, no way out",
        ),
    ],
)
def test_the_words(runtime, architecture, offers, expected):
    assert said(runtime, architecture, *offers) == dedent(expected).strip()


@pytest.mark.parametrize("architecture", list(Architecture))
@pytest.mark.parametrize("runtime", list(RUNTIMES))
@pytest.mark.parametrize(
    "tag",
    ["cp310-cp310-manylinux_2_26_x86_64", "cp312-abi3-manylinux_2_34_aarch64", "cp39-none-any"],
)
def test_the_hint_leads_somewhere(tag, runtime, architecture):
    """Whoever follows it has a target that the wheel runs on."""
    from wherry.wheels.compatibility import best

    filename = f"foo-1.2-{tag}.whl"
    target = Target(runtime=RUNTIMES[runtime], architecture=Architecture(architecture))
    if best([filename], target):
        return
    problem = explain_unsuitable("foo==1.2", [filename], target)
    assert problem.runs_on
    assert all(best([filename], other) for other in problem.runs_on)
    words = (problem.hint or "").replace(",", " ").replace(":", " ").split()
    follow = Target(
        runtime=RUNTIMES[words[words.index("--runtime") + 1]]
        if "--runtime" in words
        else target.runtime,
        architecture=Architecture(words[words.index("--architecture") + 1])
        if "--architecture" in words
        else target.architecture,
    )
    assert best([filename], follow)
