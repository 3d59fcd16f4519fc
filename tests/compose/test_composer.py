"""What goes where: cases that the laws do not tell apart, and what is said about them."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from support.composing import Lambda, composed, contents, distribution, package_of
from wherry.bundle.writer import write_package
from wherry.errors import ConflictError, QuotaError, SettingsError
from wherry.events import Warned

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.compose.model import Composition, Distribution

SHOP = distribution(
    "shop", {"shop/__init__.py": "", "shop/api.py": "def handler(e, c): ...\n"}, own=True
)
ALPHA = distribution(
    "alpha", {"alpha/__init__.py": "A = 1\n", "alpha/part.py": "", "alpha/data/x.json": "1"}
)
BETA = distribution("beta", {"beta.py": ""})


def paths(composition: Composition, name: str) -> set[str]:
    """Without dist-info folders."""
    return {
        path for path in contents(package_of(composition, name).bundle) if ".dist-info/" not in path
    }


def remarks(composition: Composition) -> list[str]:
    return [getattr(remark, "text", "") for remark in composition.remarks]


def names(composition: Composition, name: str) -> list[str]:
    return [one.name for one in package_of(composition, name).distributions]


# --- names ---


def test_leaving_out_pip_keeps_pip_audit() -> None:
    """A3: names are whole names."""
    supply = [distribution(name, {f"{name}.py": ""}) for name in ("pip", "pip-audit", "pipx")]
    assert names(composed(supply, '[layers.l]\nexclude = ["pip"]\n'), "l") == ["pip-audit", "pipx"]
    assert names(composed(supply, '[layers.l]\nexclude = ["pip-*"]\n'), "l") == ["pip", "pipx"]
    assert names(composed(supply, '[layers.l]\ninclude = ["*audit"]\n'), "l") == ["pip-audit"]


def test_names_are_normalized() -> None:
    supply = [distribution("foo-bar", {"foo_bar.py": ""}), ALPHA]
    for written in ("Foo_Bar", "foo.bar", "FOO--BAR", "F*_Bar"):
        composition = composed(supply, f'[layers.l]\ninclude = ["{written}"]\n')
        assert names(composition, "l") == ["foo-bar"]
    assert names(composed(supply, '[layers.l]\nexclude = ["Foo_Bar"]\n'), "l") == ["alpha"]


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(SettingsError) as caught:
        composed([SHOP, ALPHA], '[functions.f]\ninclude = ["alhpa", "beta*"]\n')
    assert str(caught.value) == (
        "functions.f.include names what the lock does not have\n"
        "  ╰─▶ there is no distribution `alhpa`\n"
        "hint: did you mean `alpha`?"
    )
    with pytest.raises(SettingsError) as caught:
        composed([SHOP, ALPHA], '[functions.f]\ninclude = ["shop"]\n')
    assert caught.value.hint == "the project's own code is chosen by `project = true` or `false`"
    composition = composed([SHOP, ALPHA], '[functions.f]\nexclude = ["alhpa", "beta*"]\n')
    assert remarks(composition) == [
        "functions.f.exclude: `alhpa` matches no distribution",
        "functions.f.exclude: `beta*` matches no distribution",
    ]


# --- files ---


def test_files_by_pattern_and_by_regular_expression() -> None:
    supply = [SHOP, ALPHA, BETA]
    assert paths(composed(supply, '[functions.f]\nexclude-files = ["alpha/data/"]\n'), "f") == {
        "shop/__init__.py", "shop/api.py", "alpha/__init__.py", "alpha/part.py", "beta.py",
    }  # fmt: skip
    assert paths(composed(supply, '[functions.f]\ninclude-files = ["/shop/"]\n'), "f") == {
        "shop/__init__.py", "shop/api.py",
    }  # fmt: skip
    either = '[functions.f]\ninclude-files = ["/shop/"]\ninclude-regex = ["b.*py$"]\n'
    assert paths(composed(supply, either), "f") == {"shop/__init__.py", "shop/api.py", "beta.py"}
    starts = '[functions.f]\nexclude-regex = ["(shop|alpha)/[^_]"]\n'
    assert paths(composed(supply, starts), "f") == {
        "shop/__init__.py",
        "alpha/__init__.py",
        "beta.py",
    }


def test_expressions_do_not_see_each_others_groups() -> None:
    table = r"""[functions.f]
include-regex = ['(?P<x>b)eta', '(?P<x>s)hop', '(a)lph\1']
"""
    assert paths(composed([SHOP, ALPHA, BETA], table), "f") == {
        "beta.py", "shop/__init__.py", "shop/api.py", "alpha/__init__.py", "alpha/part.py", "alpha/data/x.json",
    }  # fmt: skip


def test_patterns_that_match_nothing_are_remarked() -> None:
    composition = composed(
        [SHOP, ALPHA],
        '[functions.f]\nexclude-files = ["*.txt", "alpha/"]\ninclude-regex = ["shop", "api"]\n',
    )
    assert remarks(composition) == [
        "functions.f.exclude-files: `*.txt` matches no file",
        "functions.f.include-regex: `api` matches no file",
    ]
    hints = [getattr(remark, "hint", None) for remark in composition.remarks]
    assert hints[0] is None
    assert ".*" in str(hints[1])


def test_a_pattern_for_extra_paths_alone_is_not_remarked() -> None:
    composition = composed(
        [SHOP],
        '[functions.f]\nextra-paths = ["conf"]\nexclude-files = ["*.bak"]\n',
        extra={"conf": {"conf/a.toml": "", "conf/a.bak": ""}},
    )
    assert remarks(composition) == []
    assert paths(composition, "f") == {"shop/__init__.py", "shop/api.py", "conf/a.toml"}


# --- renaming ---


def test_the_longest_name_is_renamed() -> None:
    for order in ((0, 1), (1, 0)):
        lines = ['"alpha" = "omega"', '"alpha/part.py" = "part.py"']
        table = "[functions.f]\nrename = {" + ", ".join(lines[number] for number in order) + "}\n"
        assert paths(composed([ALPHA], table), "f") == {
            "omega/__init__.py",
            "omega/data/x.json",
            "part.py",
        }


@pytest.mark.parametrize(
    ("rename", "error"),
    [
        (
            '"shop/apu.py" = "x.py"',
            (
                "functions.f.rename names what is not in the package\n"
                "  ╰─▶ there is no file or folder `shop/apu.py`\n"
                "hint: paths are those in the package, such as `shop/api.py`"
            ),
        ),
        (
            '"shop/api.py" = "beta.py"',
            (
                "functions.f.rename: two different files for `beta.py`\n"
                "  ├─▶ `beta` holds one of 0 bytes (CRC 00000000)\n"
                "  ╰─▶ `shop` holds one of 23 bytes (CRC 82d8cdcf)\n"
                "hint: choose another new name, or leave one of them out with `exclude-files`"
            ),
        ),
    ],
)
def test_a_rename_that_cannot_be(rename: str, error: str) -> None:
    with pytest.raises(SettingsError) as caught:
        composed([SHOP, BETA], f"[functions.f.rename]\n{rename}\n")
    assert str(caught.value) == error


# --- extra paths ---


def test_extra_paths_win_over_what_comes_with_everything() -> None:
    table = '[functions.f]\nextra-paths = ["shop"]\n[layers.l]\nproject = true\nextra-paths = ["shop"]\n'
    composition = composed([SHOP], table, extra={"shop": {"shop/api.py": "mine\n"}})
    assert contents(package_of(composition, "f").bundle)["shop/api.py"] == (b"mine\n", False)
    assert contents(package_of(composition, "l").bundle)["python/shop/api.py"] == (b"mine\n", False)
    assert "extra-paths" in names(composition, "f")


def test_extra_paths_at_the_root_of_a_layer() -> None:
    table = '[layers.l]\nextra-paths = [{path = "tool", to = "/bin/"}, "conf"]\n'
    extra = {"tool": {"bin/tool": ""}, "conf": {"conf/a": ""}}
    assert paths(composed([], table, extra=extra), "l") == {"bin/tool", "python/conf/a"}


def test_two_extra_paths_for_one_place() -> None:
    table = '[functions.f]\nextra-paths = [{path = "a", to = "c"}, {path = "b", to = "c"}]\n'
    with pytest.raises(SettingsError) as caught:
        composed([SHOP], table, extra={"a": {"c": "1"}, "b": {"c": "2"}})
    assert caught.value.message == "functions.f.extra-paths: two different files for `c`"
    assert caught.value.hint == 'set the path of each in the package: {path = "…", to = "…"}'


def test_extra_paths_are_in_the_function_whatever_a_layer_holds() -> None:
    """A file that is opened below /var/task has to be there."""
    table = '[functions.f]\nextra-paths = ["c"]\nlayers = ["l"]\n[layers.l]\nextra-paths = ["c"]\n'
    assert "c" in paths(composed([SHOP], table, extra={"c": {"c": "1"}}), "f")


# --- layers ---


def test_a_function_does_not_repeat_its_layers() -> None:
    composition = composed([SHOP, ALPHA, BETA], '[functions.f]\nlayers = ["l"]\n[layers.l]\n')
    assert paths(composition, "f") == {"shop/__init__.py", "shop/api.py"}
    assert paths(composition, "l") == {
        "python/alpha/__init__.py", "python/alpha/part.py", "python/alpha/data/x.json", "python/beta.py",
    }  # fmt: skip
    assert names(composition, "f") == ["shop"]
    assert names(composition, "l") == ["alpha", "beta"]


def test_the_projects_own_code_in_a_layer() -> None:
    table = '[functions.f]\nlayers = ["l"]\n[functions.g]\n[layers.l]\nproject = true\n'
    composition = composed([SHOP, ALPHA], table)
    assert paths(composition, "f") == set()
    assert {"python/shop/api.py", "python/alpha/part.py"} <= paths(composition, "l")
    assert "shop/api.py" in paths(composition, "g")


def test_taking_a_layer_takes_what_it_stands_on() -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:layer:x:3"
    table = (
        f'[functions.f]\nlayers = ["top", "{arn}"]\n'
        '[layers.top]\nlayers = ["base"]\n[layers.base]\ninclude = ["alpha"]\n'
    )
    composition = composed([SHOP, ALPHA, BETA], table)
    assert [package.name for package in composition.packages] == ["base", "top", "f"]
    assert package_of(composition, "f").layers == ("base", "top", arn)
    assert package_of(composition, "top").layers == ("base",)
    assert paths(composition, "top") == {"python/beta.py"}
    assert paths(composition, "f") == {"shop/__init__.py", "shop/api.py"}


def test_an_empty_layer_is_not_written_and_not_taken() -> None:
    table = (
        '[functions.f]\nlayers = ["l", "m"]\n[layers.l]\ninclude = []\n[layers.m]\nlayers = ["l"]\n'
    )
    composition = composed([SHOP, ALPHA], table)
    assert package_of(composition, "f").layers == ("m",)
    assert remarks(composition) == [
        "layer `l` is empty: it is not written, and no function takes it"
    ]


def test_a_layer_below_site_packages() -> None:
    table = '[functions.f]\nlayers = ["l"]\n[layers.l]\nlayout = "site-packages"\n'
    composition = composed([SHOP, BETA], table)
    assert paths(composition, "l") == {"python/lib/python3.13/site-packages/beta.py"}
    assert paths(composition, "f") == {"shop/__init__.py", "shop/api.py"}


# --- packages are imported from one place ---


def test_a_package_of_which_a_layer_holds_a_part_is_repeated() -> None:
    table = '[functions.f]\nlayers = ["l"]\n[layers.l]\nexclude-files = ["alpha/data/"]\n'
    composition = composed([SHOP, ALPHA, BETA], table)
    assert paths(composition, "f") == {
        "shop/__init__.py", "shop/api.py", "alpha/__init__.py", "alpha/part.py", "alpha/data/x.json",
    }  # fmt: skip
    assert remarks(composition) == [
        "function `f` repeats all of `alpha`, of which `l` holds another part or version"
    ]
    # Said of both, there is nothing to repeat.
    both = table.replace('["l"]\n[', '["l"]\nexclude-files = ["alpha/data/"]\n[')
    composition = composed([SHOP, ALPHA, BETA], both)
    assert paths(composition, "f") == {"shop/__init__.py", "shop/api.py"}
    assert remarks(composition) == []


def test_functions_that_repeat_the_same_are_named_in_one_warning() -> None:
    table = '[functions.f]\nlayers = ["l"]\n[functions.g]\nlayers = ["l"]\n[functions.h]\n'
    table += '[layers.l]\nexclude-files = ["alpha/data/"]\n'
    assert remarks(composed([SHOP, ALPHA, BETA], table)) == [
        "functions `f`, `g` repeat all of `alpha`, of which `l` holds another part or version"
    ]


def test_a_module_that_a_layers_package_hides() -> None:
    table = (
        '[functions.f]\nlayers = ["l"]\ninclude-regex = ["shop/api"]\n'
        '[layers.l]\nproject = true\nexclude-regex = ["shop/api"]\n'
    )
    assert remarks(composed([SHOP], table)) == [
        "function `f` holds `shop/api.py`, which cannot be imported: its package is in `l`"
    ]


def test_shared_libraries_stay_beside_what_was_compiled_against_them() -> None:
    files = {"num/__init__.py": "", "num/core.so": "ELF", "num/a.py": "", "num.libs/libx.so": "ELF"}
    table = '[functions.f]\nlayers = ["l"]\n[layers.l]\nexclude-files = ["num/a.py"]\n'
    assert paths(composed([distribution("num", files)], table), "f") == set(files)


def test_a_namespace_is_shared_file_by_file() -> None:
    one = distribution("ns-one", {"ns/one/__init__.py": "", "ns/one/a.py": ""})
    two = distribution("ns-two", {"ns/two/__init__.py": ""})
    table = '[functions.f]\nlayers = ["l"]\n[layers.l]\ninclude = ["ns-one"]\n'
    composition = composed([SHOP, one, two], table)
    assert paths(composition, "f") == {"shop/__init__.py", "shop/api.py", "ns/two/__init__.py"}
    assert remarks(composition) == []


def test_python_imports_a_function_and_its_layers_as_one_package(tmp_path: Path) -> None:
    """With a real interpreter: packages of each kind, resources, and metadata."""
    extends = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    supply = [
        SHOP,
        distribution("one", {"ns/one.py": "", "old/__init__.py": extends, "old/one.py": "", "tests/__init__.py": "", "tests/t1.py": ""}),
        distribution("two", {"ns/two.py": "", "old/__init__.py": extends, "old/two.py": "", "tests/__init__.py": "", "tests/t2.py": ""}),
        ALPHA,
    ]  # fmt: skip
    table = (
        '[functions.f]\nlayers = ["l", "s"]\n[layers.l]\ninclude = ["one", "alpha"]\n'
        'exclude-files = ["alpha/part.py"]\n[layers.s]\nlayout = "site-packages"\ninclude = ["two"]\n'
        '[functions.g]\n[functions.h]\nlayers = ["l"]\n'
    )
    composition = composed(supply, table)
    code = (
        "import alpha, alpha.part, ns.one, ns.two, old.one, old.two, tests.t1, tests.t2, shop.api\n"
        "from importlib import metadata, resources\n"
        "assert resources.files('alpha').joinpath('data/x.json').read_text() == '1'\n"
        "print(sorted(d.metadata['Name'] for d in metadata.distributions()))\n"
    )
    said = set()
    for function in ("f", "g", "h"):
        root = tmp_path / function
        for name in (*package_of(composition, function).layers, function):
            written = write_package(package_of(composition, name).bundle, tmp_path / f"{name}.zip")
            with zipfile.ZipFile(written.path) as archive:
                archive.extractall(root / ("task" if name == function else "opt"))
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        # The interpreter at hand stands for that of the target.
        site = root / "opt/python/lib/python3.13/site-packages"
        path = [root / "task", site, root / "opt/python"]
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", f"import sys\nsys.path[:0] = {[str(p) for p in path]}\n{code}"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (version, done.stderr)
        said.add(done.stdout)
    assert said == {"['alpha', 'one', 'two']\n"}


# --- what the runtime provides ---

SDK = [
    distribution("boto3", {"boto3.py": ""}, requires=["botocore", "s3transfer", "jmespath"]),
    distribution("botocore", {"botocore.py": ""}, requires=["urllib3", "jmespath"]),
    distribution("s3transfer", {"s3transfer.py": ""}, requires=["botocore"]),
    distribution("jmespath", {"jmespath.py": ""}),
    distribution("urllib3", {"urllib3.py": ""}),
]
REQUESTS = distribution(
    "requests", {"requests.py": ""}, requires=["urllib3", "PySocks; extra == 'socks'"]
)


def test_what_the_runtime_provides_is_left_out_with_all_it_needs() -> None:
    """B2"""
    composition = composed([SHOP, ALPHA, *SDK], 'provided = ["Boto3"]\n[functions.f]\n')
    assert names(composition, "f") == ["alpha", "shop"]
    assert {one.name for one in package_of(composition, "f").provided} == {one.name for one in SDK}


def test_a_half_shipped_sdk_is_an_error() -> None:
    with pytest.raises(SettingsError) as caught:
        composed([SHOP, REQUESTS, *SDK], '[functions.f]\nprovided = ["boto3"]\n')
    assert str(caught.value) == (
        "`f` would ship a part of what the runtime provides by its settings\n"
        "  ╰─▶ `requests` needs `urllib3`, and so does `botocore`, which the runtime provides\n"
        'hint: say that the runtime provides these too, provided = ["boto3", "urllib3"], or ship all: '
        "take `boto3` out of `provided`"
    )
    composition = composed(
        [SHOP, REQUESTS, *SDK], '[functions.f]\nprovided = ["boto3", "urllib3"]\n'
    )
    assert names(composition, "f") == ["requests", "shop"]
    with pytest.raises(SettingsError) as caught:
        composed([SHOP, *SDK], '[functions.f]\nprovided = ["botocore"]\n')
    assert str(caught.value) == (
        "`f` would ship a part of AWS's SDK and use the runtime's other part\n"
        "  ├─▶ shipped: `boto3`, `s3transfer`\n"
        "  ╰─▶ provided: `botocore`\n"
        'hint: provided = ["boto3"] takes the whole from the runtime'
    )


def test_what_is_not_shipped_is_not_half() -> None:
    table = '[functions.f]\nprovided = ["boto3"]\nexclude = ["requests"]\n'
    assert names(composed([SHOP, REQUESTS, *SDK], table), "f") == ["shop"]
    own = distribution("shop", {"shop.py": "", "shop-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: shop\nVersion: 1\nRequires-Dist: botocore\n"}, own=True)  # fmt: skip
    assert names(composed([own, *SDK], 'provided = ["boto3"]\n[functions.f]\n'), "f") == ["shop"]


def test_a_layer_that_holds_a_part_of_what_is_provided() -> None:
    table = '[functions.f]\nprovided = ["boto3"]\nlayers = ["l"]\n[layers.l]\ninclude = ["{}"]\n'
    with pytest.raises(SettingsError) as caught:
        composed([SHOP, *SDK], table.format("urllib3"))
    assert str(caught.value) == (
        "a layer of `f` holds a part of what the runtime should provide\n"
        "  ╰─▶ layer `l` holds `urllib3`\n"
        "hint: set `provided` for the whole project, in [tool.wherry]"
    )
    # One that holds all of it is as good as the runtime.
    assert names(composed([SHOP, *SDK], table.format("*")), "f") == ["shop"]


def test_provided_and_not_in_the_lock() -> None:
    composition = composed([SHOP, ALPHA], '[functions.f]\nprovided = ["boto3"]\n')
    assert remarks(composition) == [
        "the settings say that the runtime provides `boto3`, which is not in the lock"
    ]
    urllib3 = distribution("urllib3", {"urllib3.py": ""})
    composition = composed([SHOP, urllib3], '[functions.f]\nprovided = ["boto3"]\n')
    assert remarks(composition) == [
        "the settings say that the runtime provides `boto3`, which would run with the package's `urllib3`"
    ]


# --- several targets ---


def test_compiled_content_is_for_one_target() -> None:
    compiled = distribution(
        "fast", {"fast/core.cpython-313-x86_64-linux-gnu.so": "ELF", "fast/__init__.py": ""}
    )
    stable = distribution("slow", {"slow/core.abi3.so": "ELF", "slow/__init__.py": ""})
    both = '[layers.l]\narchitectures = ["x86_64", "arm64"]\n'
    newer = '[layers.l]\nruntimes = ["python3.12", "python3.13"]\n'
    composed([ALPHA], both)
    layer = package_of(composed([ALPHA, stable], newer), "l")
    assert layer.runtimes == ("python3.12", "python3.13")
    assert layer.architectures == ("x86_64",)
    for supply, table, named in (
        ([ALPHA, stable], both, ["slow"]),
        ([ALPHA, compiled, stable], both, ["fast", "slow"]),
        ([ALPHA, compiled, stable], newer, ["fast"]),
    ):
        with pytest.raises(SettingsError) as caught:
            composed(supply, table)
        assert [line.split("`")[1] for line in caught.value.where] == named


# --- the rest ---


def clashing(*files: str) -> list[Distribution]:
    """Two distributions with different files at these paths."""
    return [distribution(name, dict.fromkeys(files, name)) for name in ("alpha", "beta")]


def held(composition: Composition, path: str) -> bytes:
    return contents(package_of(composition, "f").bundle)[path][0]


@pytest.mark.parametrize(
    "settings",
    [
        'exclude-files = ["/tests/"]',
        'exclude-regex = ["tests/"]',
        'include-files = ["*.dist-info/"]',
        'include-regex = [".*dist-info"]',
    ],
)
def test_files_that_do_not_ship_are_no_conflict(settings: str) -> None:
    supply = clashing("tests/__init__.py", "tests/x/y.py")
    supply.append(distribution("gamma", {"tests/x": "a file where others have a folder"}))
    composition = composed([SHOP, *supply], f"[functions.f]\n{settings}\n")
    assert not [path for path in paths(composition, "f") if path.startswith("tests")]
    assert not remarks(composition)
    with pytest.raises(ConflictError):
        composed([SHOP, *supply], '[functions.f]\nexclude-files = ["/test/"]\n')


def test_all_conflicts_are_told_at_once() -> None:
    with pytest.raises(ConflictError) as caught:
        composed(clashing("a.py", "b/c.py"), "[functions.f]\n")
    assert str(caught.value) == (
        "2 paths have two different files each\n"
        "  ├─▶ `a.py`: `alpha` (5 bytes) and `beta` (4 bytes)\n"
        "  ╰─▶ `b/c.py`: `alpha` (5 bytes) and `beta` (4 bytes)\n"
        "hint: choose the winners by path or pattern in [tool.wherry.conflicts], "
        "or leave the files out with `exclude-files`"
    )
    with pytest.raises(ConflictError) as caught:
        composed(clashing(*(f"x/{n:03}.py" for n in range(200))), "[functions.f]\n")
    assert len(caught.value.where) == 31
    assert caught.value.where[-1] == "and 170 more"


def test_conflicts_take_patterns() -> None:
    supply = clashing("tests/a.py", "tests/b/c.py", "tests/b/d.md", "docs/e.md", "x[1].py")
    table = (
        '[functions.f]\n[conflicts]\n"tests/" = "alpha"\n"*.md" = "Beta"\n"/tests/*.py" = "beta"\n'
        '"x[1].py" = "beta"\n"**" = "gamma"\n'
    )
    composition = composed(supply, table)
    expected = {
        "tests/a.py": b"beta",
        "tests/b/c.py": b"alpha",
        "tests/b/d.md": b"beta",
        "docs/e.md": b"beta",
        "x[1].py": b"beta",
    }
    assert {path: held(composition, path) for path in expected} == expected
    with pytest.raises(ConflictError, match="two different files for `docs/e.md`"):
        composed(supply, table.replace('"*.md" = "Beta"\n', '"tests/*.md" = "beta"\n'))


def test_documents_at_the_top_are_settled_with_a_note() -> None:
    names = ["LICENSE", "README.md", "changelog.rst", "LICENCE-MIT.txt", "NOTICE"]
    supply = clashing(*names)
    composition = composed(supply, "[functions.f]\n")
    assert {held(composition, name) for name in names} == {b"alpha"}
    assert sorted(remarks(composition)) == sorted(
        f"`{name}` is that of `alpha`, and not that of `beta`" for name in names
    )
    own = distribution("shop", {"README.md": "mine", "app.py": ""}, own=True)
    assert held(composed([*supply, own], "[functions.f]\n"), "README.md") == b"mine"
    chosen = composed(supply, '[functions.f]\n[conflicts]\n"README.md" = "beta"\n')
    assert held(chosen, "README.md") == b"beta"
    for path in ("license.py", "docs/README.md", "readmes.md", "data.txt", "news.pyi"):
        with pytest.raises(ConflictError):
            composed(clashing(path), "[functions.f]\n")


def test_conflicts_are_settled_for_every_package() -> None:
    other = distribution("other", {"beta.py": "other\n"})
    with pytest.raises(ConflictError):
        composed([BETA, other], "[layers.l]\n")
    composition = composed([BETA, other], '[layers.l]\n[conflicts]\n"beta.py" = "other"\n')
    assert contents(package_of(composition, "l").bundle)["python/beta.py"] == (b"other\n", False)
    # Nobody else claims the path in these.
    apart = '[layers.l]\ninclude = ["beta"]\n[layers.m]\ninclude = ["other"]\n'
    assert len(composed([BETA, other], apart).packages) == 2


def test_a_function_with_another_version_than_its_layer() -> None:
    """/var/task comes first: the function holds all of its own version."""
    composition = composed([SHOP, ALPHA], '[functions.f]\nlayers = ["l"]\n[layers.l]\n')
    old = package_of(composition, "l")
    newer = distribution(
        "alpha", {"alpha/__init__.py": "A = 2\n", "alpha/part.py": ""}, version="2.0"
    )
    from support.composing import TARGET
    from wherry.compose.stack import Stack

    rest = Stack([old.bundle], TARGET).rest(newer.bundle)
    assert rest.whole == ("alpha",)
    assert set(contents(rest.bundle)) == {
        "alpha/__init__.py",
        "alpha/part.py",
        "alpha-2.0.dist-info/METADATA",
    }


def test_executable_bits_count() -> None:
    plain = distribution("run", {"bin/run": "#!"})
    composition = composed([plain], "[layers.l]\n")
    from support.composing import TARGET
    from wherry.compose.stack import Stack

    stack = Stack([package_of(composition, "l").bundle], TARGET)
    assert not len(stack.rest(plain.bundle).bundle)
    executable = distribution("run", {"bin/run": "#!"}, executable=["bin/run"])
    assert set(contents(stack.rest(executable.bundle).bundle)) == {"bin/run"}


def test_quotas_name_who_is_to_blame() -> None:
    from support.composing import settings_of
    from wherry.checks.quotas import check_quotas

    supply = [
        SHOP,
        *(distribution(f"big{n}", {f"big{n}.bin": b"x" * n * 2**20}) for n in range(1, 8)),
    ]
    table = '[quotas]\nunzipped = 20_000_000\nlayers = 1\n[functions.f]\nlayers = ["l"]\n[layers.l]\ninclude = ["big7"]\n'
    composition = composed(supply, table)
    with pytest.raises(QuotaError) as caught:
        check_quotas(composition, settings_of(table).quotas)
    assert str(caught.value) == (
        "`f` with its layers is 28.0 MiB unzipped, and AWS Lambda takes 19.1 MiB\n"
        "  ├─▶ `big7` is 7.0 MiB of it\n"
        "  ├─▶ `big6` is 6.0 MiB of it\n"
        "  ├─▶ `big5` is 5.0 MiB of it\n"
        "  ├─▶ `big4` is 4.0 MiB of it\n"
        "  ├─▶ `big3` is 3.0 MiB of it\n"
        "  ╰─▶ all others are 3.0 MiB\n"
        "hint: leave out what is not needed, with `exclude` or `exclude-files`, and what the runtime has, "
        "with `provided`; larger functions need a container image"
    )
    arn = "arn:aws:lambda:eu-west-1:123456789012:layer:x:3"
    table = f'[quotas]\nlayers = 1\n[functions.f]\nlayers = ["l", "{arn}"]\n[layers.l]\ninclude = ["big1"]\n'
    with pytest.raises(QuotaError) as caught:
        check_quotas(composed(supply, table), settings_of(table).quotas)
    assert caught.value.message == "`f` takes 2 layers, and AWS Lambda allows 1"


# --- what is chosen by name, and what it needs ---

CHAIN = [
    distribution("shop", {"shop.py": ""}, own=True),
    distribution("alpha", {"alpha.py": ""}, requires=["beta>=1", "gamma; extra == 'fast'"]),
    distribution("beta", {"beta.py": ""}, requires=["delta[wide]"]),
    distribution("gamma", {"gamma.py": ""}),
    distribution("delta", {"delta.py": ""}, requires=["epsilon; extra == 'wide'"]),
    distribution("epsilon", {"epsilon.py": ""}, requires=["alpha"]),
    distribution("zeta", {"zeta.py": ""}),
]


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ('include = []\nextra-distributions = ["beta"]', "alpha beta delta epsilon"),
        ('include = ["zeta"]\nextra-distributions = ["delta"]', "delta zeta"),
        (
            'include = []\nextra-distributions = ["alpha[fast] >= 1"]',
            "alpha beta delta epsilon gamma",
        ),
        (
            'include = []\nexclude = ["e*"]\nextra-distributions = ["delta[wide]"]',
            "alpha beta delta",
        ),
    ],
)
def test_what_is_added_comes_with_all_that_it_needs(table: str, names: str) -> None:
    composition = composed(CHAIN, f"[functions.f]\n{table}\n")
    shipped = {dist.name for dist in package_of(composition, "f").distributions} - {"shop"}
    assert shipped == set(names.split())


def test_a_requirement_whose_marker_cannot_be_compared_does_not_apply() -> None:
    """As for checks, which read the same metadata."""
    supply = [
        distribution("shop", {"shop.py": ""}, own=True),
        distribution(
            "alpha", {"alpha.py": ""}, requires=["beta", "gamma; sys_platform ~= 'linux'"]
        ),
        *(distribution(name, {f"{name}.py": ""}) for name in ("beta", "gamma")),
    ]
    composition = composed(supply, '[functions.f]\ninclude = []\nextra-distributions = ["alpha"]\n')
    names = {dist.name for dist in package_of(composition, "f").distributions}
    assert names == {"shop", "alpha", "beta"}


@pytest.mark.parametrize(
    ("table", "missing"),
    [
        ('include = ["alpha"]', ["alpha: beta"]),
        ('include = ["alpha", "beta"]', ["beta: delta"]),
        ('include = ["alpha"]\nexclude = ["bet*"]', []),
        ('include = ["alpha"]\nprovided = ["beta"]', []),
        ('include = ["alpha"]\nlayers = ["rest"]\n[layers.rest]\nexclude = ["alpha"]', []),
        ('include = ["alpha"]\nlayers = ["arn:aws:lambda:eu-west-1:123456789012:layer:x:3"]', []),
        ('include = ["zeta"]', []),
        ("", []),
    ],
)
def test_what_is_included_without_what_it_needs(table: str, missing: list[str]) -> None:
    composition = composed(CHAIN, f"[functions.f]\n{table}\n")
    warned = [remark.text for remark in composition.remarks if isinstance(remark, Warned)]
    assert warned == [
        f"functions.f.include: `{name}` needs `{needed}`, which neither the package nor a layer of it holds"
        for name, needed in (line.split(": ") for line in missing)
    ]


def test_lambdas_view_tells_what_is_missing() -> None:
    """The model of the tests itself."""
    torn = Lambda(
        {"alpha/extra.py": (b"", False)},
        {"python/alpha/__init__.py": (b"", False), "python/b.py": (b"", False)},
    )
    assert set(torn.seen()) == {"alpha/__init__.py", "b.py"}
