"""Commands around the bundling, through the command line."""

from __future__ import annotations

import os
import signal
import sys
import time
import zipfile
from pathlib import Path

import pytest

from support.backends import obedient_project
from support.command import Wherry
from support.index import Index
from support.projects import make_project, write_files
from support.wheels import make_wheel
from support.zips import unzipped
from wherry import compose_project
from wherry.bundle.content import read_all
from wherry.pipeline.build import build_packages, provided_bundle
from wherry.pipeline.request import open_context, read_request
from wherry.store import Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell is wanted")

ALPHA = make_wheel(
    "alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n" * 99, "alpha/b.txt": b"b"}
)


def members(project: Path, name: str) -> dict[str, bytes]:
    """The files of a written package, without dist-info folders."""
    found = unzipped(project / "dist" / "lambda" / f"{name}.zip")
    return {path: data for path, data in found.items() if ".dist-info/" not in path}


def runs(project: Path) -> int:
    """How often a command that counts has run."""
    count = project.parent / "count"
    return len(count.read_text()) if count.exists() else 0


COUNT = '"printf x >> ../count"'


@pytest.fixture
def project(index: Index, wherry: Wherry) -> Path:
    index.add(ALPHA)
    return make_project(wherry.cwd, index, [ALPHA])


def settings(project: Path, text: str) -> None:
    write_files(project, {"wherry.toml": text})


def test_commands_before_and_after_bundling(project: Path, wherry: Wherry) -> None:
    """K8: before it the output folder is empty, after it it holds the package; both end up in the package."""
    settings(
        project,
        "[hooks]\n"
        'before = ["ls -A \\"{output}/\\" | wc -l > ../n; mv ../n {output}/before.txt", ["cp", "shop/api.py", "{output}/copy.py"]]\n'
        'after = ["find {output} -type f | sed \\"s|^$WHERRY_OUTPUT/||\\" | LC_ALL=C sort > ../found; mv ../found {output}/after.txt",\n'
        '  "rm {output}/alpha/b.txt && echo X=1 >> {output}/shop/api.py && chmod +x {output}/copy.py"]\n',
    )
    done = wherry.succeed("build", "--json", "--runtime", "python3.13")
    found = members(project, "shop")
    assert found["before.txt"].strip() == b"0"
    assert found["after.txt"].decode().split() == sorted(
        [
            *(found.keys() - {"after.txt"}),
            "alpha/b.txt",
            *(f"alpha-1.2.dist-info/{name}" for name in ("METADATA", "RECORD", "WHEEL")),
        ]
    )
    own = (project / "shop" / "api.py").read_bytes()
    assert found["copy.py"] == own
    assert found["shop/api.py"] == own + b"X=1\n"
    assert "alpha/b.txt" not in found
    # The project itself is left alone, and what was not touched keeps the bytes that it has in the wheel.
    assert b"X=1" not in own
    with zipfile.ZipFile(project / "dist" / "lambda" / "shop.zip") as archive:
        held = {one.filename: one for one in archive.infolist()}
    assert held["alpha/__init__.py"].compress_type == zipfile.ZIP_DEFLATED
    assert held["shop/api.py"].compress_type == zipfile.ZIP_STORED
    modes = {name: oct(one.external_attr >> 16) for name, one in held.items()}
    assert modes.pop("copy.py") == "0o100755"
    assert set(modes.values()) == {"0o100644"}
    owners = {one["name"]: one["files"] for one in done.document["packages"][0]["distributions"]}
    assert owners == {"alpha": 4, "hooks": 3, "shop": 2}
    assert "Running `cp shop/api.py '{output}/copy.py'` ..." in done.err


def test_the_same_bytes_in_another_folder_and_store(
    project: Path, wherry: Wherry, tmp_path: Path
) -> None:
    """N1, K4: hooks that depend on nothing but their inputs give the same package anywhere."""
    settings(
        project,
        '[hooks]\nbefore = ["echo $SOURCE_DATE_EPOCH > {output}/built"]\n'
        'after = ["sed -i s/event/EVENT/ {output}/shop/api.py", "touch {output}/shop/z {output}/shop/a"]\n',
    )
    scratch = tmp_path / "else where"
    scratch.mkdir()
    arguments = ("build", "--json", "--runtime", "python3.13")
    other = {"WHERRY_CACHE_DIR": str(tmp_path / "other"), "TMPDIR": str(scratch)}
    first, again = wherry(*arguments), wherry(*arguments, **other)
    assert first.code == again.code == 0, again.err
    assert again.document["packages"][0]["changed"] is False


def test_hooks_of_functions_and_layers(project: Path, wherry: Wherry) -> None:
    """K8: those of the project around those of a package; a layer's output is where its code lies."""
    note = "echo {when} $WHERRY_NAME >> ../order"
    settings(
        project,
        f'[hooks]\nbefore = ["{note.format(when="project-before")}", "echo all > {{output}}/all.txt"]\n'
        f'after = ["{note.format(when="project-after")}"]\n'
        '[functions.api]\nlayers = ["deps"]\n'
        f'[functions.api.hooks]\nbefore = ["{note.format(when="before")}", "echo api > {{output}}/all.txt"]\n'
        f'after = ["{note.format(when="after")}"]\n'
        "[functions.other]\n"
        "[layers.deps]\n"
        'hooks = {before = ["echo 1 > {output}/one.py; mkdir {output}/../bin; echo 2 > {output}/../bin/tool"]}\n',
    )
    wherry.succeed("build", "--json", "--runtime", "python3.13")
    assert (project.parent / "order").read_text().splitlines() == [
        "project-before",
        "before api",
        "project-after deps",
        "after api",
        "project-after api",
        "project-after other",
    ]
    assert members(project, "api")["all.txt"] == b"api\n"
    assert members(project, "other")["all.txt"] == b"all\n"
    assert set(members(project, "deps")) == {
        "bin/tool", "python/alpha/__init__.py", "python/alpha/b.txt", "python/one.py",
    }  # fmt: skip


def test_a_handler_may_be_made_by_a_command(project: Path, wherry: Wherry) -> None:
    settings(
        project,
        '[functions.api]\nhandler = "made.handler"\n'
        "[functions.api.hooks]\nbefore = [\"echo 'def handler(e, c): ...' > {output}/made.py\"]\n",
    )
    done = wherry.succeed("build", "--json", "--runtime", "python3.13")
    assert done.document["packages"][0]["handler"] == "made.handler"


def test_what_commands_before_write_into_the_project_is_packaged(
    project: Path, wherry: Wherry
) -> None:
    """K8: they are given the project itself; locks are read afterwards, too."""
    lock = (project / "pylock.toml").read_text()
    (project / "pylock.toml").unlink()
    write_files(project.parent, {"locked": lock})
    settings(
        project,
        '[hooks]\nbefore = ["cp ../locked {input}/pylock.toml", "echo V=1 > shop/version.py"]\n',
    )
    for _ in range(2):
        done = wherry.succeed("build", "--json", "--runtime", "python3.13")
    assert members(project, "shop")["shop/version.py"] == b"V=1\n"
    assert done.document["packages"][0]["changed"] is False


def test_nothing_runs_when_nothing_has_changed(project: Path, wherry: Wherry) -> None:
    """K4: a changed command is a changed input, and so is every file that commands may read."""
    write_files(project, {"tests/test_api.py": "", "notes/.gitignore": "*", "notes/x": ""})
    text = 'exclude = ["/tests/"]\n[hooks]\nbefore = [{0}]\nafter = ["echo {1} > {{output}}/x"]\n'

    def build() -> int:
        before = runs(project)
        wherry.succeed("build", "--quiet", "--runtime", "python3.13")
        return runs(project) - before

    settings(project, text.format(COUNT, 1))
    assert build() == 1
    assert build() == 0
    write_files(project, {"notes/x": "ignored by git"})
    assert build() == 0
    # Although it does not ship.
    write_files(project, {"tests/test_api.py": "x"})
    assert build() == 1
    assert build() == 0
    settings(project, text.format(COUNT, 2))
    assert build() == 1
    assert members(project, "shop")["x"] == b"2\n"
    assert build() == 0
    (project / "dist" / "lambda" / "shop.zip").unlink()
    assert build() == 1


def test_inputs_and_always(project: Path, wherry: Wherry) -> None:
    """K4: what the commands read can be said; and that they depend on something else."""
    write_files(project, {"proto/a.txt": "1", "docs/b.txt": "1", ".env": "1"})

    def build(text: str) -> int:
        settings(project, f"exclude = ['*.txt']\n[hooks]\nbefore = [{COUNT}]\n{text}")
        before = runs(project)
        wherry.succeed("build", "--quiet", "--runtime", "python3.13")
        return runs(project) - before

    text = 'inputs = ["/proto/", ".env"]'
    assert [build(text), build(text)] == [1, 0]
    write_files(project, {"docs/b.txt": "2"})
    assert build(text) == 0
    write_files(project, {"proto/a.txt": "2"})
    assert [build(text), build(text)] == [1, 0]
    write_files(project, {".env": "2"})
    assert [build(text), build(text)] == [1, 0]
    assert [build("always = true"), build("always = true")] == [1, 1]


def test_a_failing_command_ends_the_build(project: Path, wherry: Wherry) -> None:
    """K8: at the first failure; a package that was there stays, and nothing is left behind."""
    settings(project, "")
    assert wherry("build", "--runtime", "python3.13").code == 0
    package = (project / "dist" / "lambda" / "shop.zip").read_bytes()
    for when, place in (("before", "before bundling"), ("after", "after bundling function `shop`")):
        settings(project, f'[hooks]\n{when} = ["echo oops >&2; exit 3", {COUNT}]\n')
        done = wherry.fail("build", "--json", "--quiet", "--runtime", "python3.13")
        assert done.out == ""
        lines = done.err.splitlines()
        assert lines[:3] == [
            f"error: a command {place} failed: `echo oops >&2; exit 3`",
            "  ├─▶ it ended with status 3",
            "  ╰─▶ oops",
        ]
        assert lines[3].startswith("hint: the whole output is in `")
        assert len(lines) == 4
    assert runs(project) == 0
    assert (project / "dist" / "lambda" / "shop.zip").read_bytes() == package
    assert wherry.rubbish() == []


def test_temporary_folders_are_gone(project: Path, wherry: Wherry, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    settings(
        project,
        '[hooks]\nafter = ["mkdir {output}/d; touch {output}/d/f; chmod 500 {output}/d; exit 1"]\n',
    )
    assert wherry("build", TMPDIR=str(scratch)).code == 1
    settings(
        project, '[hooks]\nafter = ["mkdir {output}/d; touch {output}/d/f; chmod 500 {output}/d"]\n'
    )
    assert wherry("build", TMPDIR=str(scratch)).code == 0
    assert list(scratch.iterdir()) == []


def is_running(pid: int) -> bool:
    """What has ended may wait for somebody to ask how."""
    try:
        os.kill(pid, 0)
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except ProcessLookupError:
        return False
    except OSError:
        # A machine without /proc, or a process that has just gone.
        return not Path("/proc/self").exists()


def test_ctrl_c_ends_the_command_and_what_it_started(
    project: Path, wherry: Wherry, tmp_path: Path
) -> None:
    """D10: and nothing is left behind."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    settings(
        project,
        '[hooks]\nbefore = ["sleep 1; sleep 600 & echo $! > ../pid.new; mv ../pid.new ../pid; wait"]\n',
    )
    process = wherry.start("build", TMPDIR=str(scratch))
    pid = tmp_path / "pid"
    while not pid.exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    sleeping = int(pid.read_text())
    while is_running(sleeping):
        time.sleep(0.05)
    assert list(scratch.iterdir()) == []


def test_what_commands_say_is_shown_when_asked_for(project: Path, wherry: Wherry) -> None:
    settings(project, '[hooks]\nbefore = ["echo hello; echo world >&2"]\n')
    assert "hello" not in wherry("build").err.replace("echo hello", "")
    settings(project, '[hooks]\nbefore = ["echo hello;  echo world >&2"]\n')
    done = wherry("build", "--verbose")
    assert "\n  hello\n  world\nRan `echo hello;  echo world >&2` in " in done.err
    # stdout is data.
    assert done.out == "dist/lambda/shop.zip\n"


def test_a_package_that_is_left_empty(project: Path, wherry: Wherry) -> None:
    settings(project, '[hooks]\nafter = ["rm -r {output}/*"]\n')
    done = wherry.fail("build", "--quiet")
    assert done.err == "error: the commands after bundling left nothing in function `shop`\n"


def test_links_that_leave_the_package(project: Path, wherry: Wherry) -> None:
    """D10: no file of the building machine comes into a package by a link."""
    settings(project, '[hooks]\nafter = ["ln -s /etc/passwd {output}/users"]\n')
    done = wherry.fail("build", "--quiet")
    assert "error: what the commands left in function `shop` cannot be packaged" in done.err
    assert "the link `users` to `/etc/passwd` leaves" in done.err


def test_a_link_in_the_place_of_the_package(project: Path, wherry: Wherry) -> None:
    settings(project, '[hooks]\nafter = ["rm -r {output} && ln -s /usr {output}"]\n')
    assert wherry.fail("build", "--quiet").err == (
        "error: the commands left a link in the place of the folder of function `shop`\n"
    )


def test_a_file_that_fits_in_no_package(project: Path, wherry: Wherry) -> None:
    settings(project, '[hooks]\nafter = ["truncate -s 5G {output}/big"]\n')
    assert wherry.fail("build", "--quiet").err == (
        "error: what the commands left in function `shop` cannot be packaged\n"
        "  ╰─▶ `big` has 5.0 GiB, and may have 4 GiB\n"
        "hint: let a further command remove it\n"
    )


def test_output_of_the_project_that_no_package_takes(project: Path, wherry: Wherry) -> None:
    settings(project, '[hooks]\nbefore = ["echo > {output}/x"]\n[layers.deps]\n')
    done = wherry.succeed("build", "--quiet")
    assert "warning: what the commands of `hooks` left is in no package" in done.err


def test_quotas_are_of_what_commands_left(project: Path, wherry: Wherry) -> None:
    """A12: and not of what was there before."""
    settings(
        project,
        '[quotas]\nunzipped = 9000\n[hooks]\nafter = ["head -c 9001 /dev/zero > {output}/big"]\n',
    )
    done = wherry.fail("build", "--quiet")
    assert "error: `shop` is 9.9 KiB unzipped, and AWS Lambda takes 8.8 KiB" in done.err
    assert "`hooks` is 8.8 KiB of it" in done.err


def test_a_project_with_a_build_system_and_dangling_links(index: Index, wherry: Wherry) -> None:
    """What cannot be read is no reason to fail: the commands run each time then."""
    obedient_project(wherry.cwd, files={"shop.py": b""})
    (wherry.cwd / "dangling").symlink_to("nowhere")
    settings(wherry.cwd, f"[hooks]\nbefore = [{COUNT}]\n")
    for _ in range(2):
        wherry.succeed("build", "--quiet")
    assert runs(wherry.cwd) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[hooks]\nbefore = "x"', "hooks.before: expected a list of commands"),
        ("[hooks]\nbefore = [[]]", "hooks.before: expected a list of commands"),
        ('[hooks]\nbefore = [""]', "hooks.before: expected a list of commands"),
        ("[hooks]\nbefore = [[1]]", "hooks.before: expected a list of commands"),
        ('[hooks]\nafter = ["a\\u0000b"]', "hooks.after: a command cannot contain a null byte"),
        ('[hooks]\nwhere = "cloud"', "hooks.where: expected one of host, container"),
        ('[hooks]\nbefor = ["x"]', "did you mean `hooks.before`?"),
        ("[hooks]\nalways = 1", "hooks.always: expected true or false"),
        ('hooks = ["x"]', "hooks: expected a table: before, after, where, inputs, always"),
        ("[functions.api]\nhooks = true", "functions.api.hooks: expected a table"),
        (
            "[functions.api.hooks]\nalways = true",
            "functions.api.hooks: `always` applies to all packages: set it in [tool.wherry.hooks]",
        ),
        ('[layers.x.hooks]\nafter = "x"', "layers.x.hooks: after: expected a list of commands"),
        ('[layers.x.hooks]\nx = "x"', "layers.x.hooks: there is no setting `x`: expected before"),
        ('strip = "*.so"', "strip: expected true, false or a list of patterns"),
        (
            "[functions.api]\nstrip = 1",
            "functions.api.strip: expected true, false or a list of patterns",
        ),
        ('strip = [""]', "strip: expected a list of strings"),
    ],
)
def test_wrong_settings(project: Path, wherry: Wherry, text: str, said: str) -> None:
    """D10: one clear error."""
    settings(project, text)
    done = wherry.fail("build")
    assert said in done.err
    assert "Traceback" not in done.err


def test_composing_from_python(project: Path, tmp_path: Path) -> None:
    """S11: after a build, too, with what is remembered of it."""
    write_files(project, {"data.txt": "1"})
    settings(
        project,
        '[hooks]\nafter = ["echo made > {output}/made"]\n[functions.api]\nextra-paths = ["data.txt"]\n',
    )
    store = Store(tmp_path / "store")
    for _ in range(2):
        (package,) = compose_project(project, runtime="python3.13", store=store).packages
        found = {entry.path: entry for entry in package.bundle}
        assert read_all(found["made"].payload) == b"made\n"
        assert read_all(found["data.txt"].payload) == b"1"


def test_what_the_runtime_provides_is_found_without_running_them_again(
    project: Path, wherry: Wherry
) -> None:
    """A local run takes from the lock what its package leaves to the runtime."""
    settings(project, f'provided = ["alpha"]\n[hooks]\nbefore = [{COUNT}]\n')
    request = read_request(project, runtime="python3.13")
    context = open_context(request, store=Store(wherry.store))
    (package,) = build_packages(request, context).packages
    assert package.provided == ("alpha",)
    bundle = provided_bundle({package.name: package.provided}, request, context)
    assert "alpha/b.txt" in {entry.path for entry in bundle}
    assert "alpha/b.txt" not in members(project, "shop")
    assert runs(project) == 1
