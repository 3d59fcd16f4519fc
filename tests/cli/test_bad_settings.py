"""Wrong settings of functions and layers: one clear error, exit 1, and nothing is written. (D10, S9)"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.projects import make_project, write_files
from support.wheels import make_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from support.command import Wherry
    from support.index import Index

ALPHA = make_wheel("alpha", "1.2")


@pytest.fixture
def project(index: Index, wherry: Wherry) -> Path:
    index.add(ALPHA)
    return make_project(wherry.cwd, index, [ALPHA])


def refused(wherry: Wherry, toml: str, *arguments: str) -> str:
    """The error's text; what an earlier build wrote is as it was."""
    write_files(wherry.cwd, {"wherry.toml": toml, "dist/lambda/api.zip": b"an older package"})
    done = wherry("build", *arguments)
    assert (done.code, done.out) == (1, ""), done.err
    assert "Traceback" not in done.err
    assert done.err.count("error: ") == 1
    left = sorted(path.name for path in (wherry.cwd / "dist/lambda").iterdir())
    assert left == ["api.zip"]
    assert (wherry.cwd / "dist/lambda/api.zip").read_bytes() == b"an older package"
    assert wherry.rubbish() == []
    return done.error.replace(str(wherry.cwd), "SHOP")


def test_unknown_keys_at_every_level(project: Path, wherry: Wherry) -> None:
    assert refused(
        wherry,
        '[function.api]\n[functions.api]\nlayer = ["x"]\ninclude_files = ["x"]\nextra-paths = [{path = "x", too = "y"}]\n'
        '[layers.deps]\nlayuot = "python"\nhandler = "x.y"\n[quotas]\nunziped = 1\nlayers = "5"\n',
    ) == (
        "error: the settings in wherry.toml are wrong\n"
        "  ├─▶ function: there is no such setting\n"
        "  ├─▶ quotas.unziped: there is no such setting\n"
        "  ├─▶ quotas.layers: expected a number of at least 0\n"
        "  ├─▶ layers.deps.layuot: there is no such setting\n"
        "  ├─▶ layers.deps.handler: there is no such setting\n"
        "  ├─▶ functions.api.layer: there is no such setting\n"
        "  ├─▶ functions.api.include_files: there is no such setting\n"
        '  ╰─▶ functions.api.extra-paths: there is no setting `too`: expected a list of paths, or of tables such as {path = "conf/prod.toml", to = "conf.toml"}\n'
        "hint: did you mean `functions`, `quotas.unzipped`, `layers.deps.layout`, `functions.api.layers`, "
        "`functions.api.include-files`?\n"
    )


def test_values_of_the_wrong_kind(project: Path, wherry: Wherry) -> None:
    assert refused(
        wherry,
        '[functions.api]\napp = ""\ninterface = "cgi"\ninclude = "*"\nexclude = ["a b"]\nproject = "no"\n'
        'include-regex = ["(", "ok"]\nexclude-files = ["[z"]\nextra-distributions = ["a b c"]\n'
        'rename = { "../x" = "y" }\nlayers = ["arn:aws:lambda:x", "deps"]\n'
        '[layers]\nlayout = "python"\ndeps = 3\n[layers."a b"]\n[layers.dups]\nlayers = ["deps", "deps"]\n',
    ) == (
        "error: the settings in wherry.toml are wrong\n"
        "  ├─▶ layers.layout: it belongs in a table with a name: [tool.wherry.layers.NAME]\n"
        "  ├─▶ layers.deps: expected a table: [tool.wherry.layers.deps]\n"
        "  ├─▶ layers.a b: a name consists of at most 140 letters, digits, `-` and `_`, as AWS requires\n"
        "  ├─▶ layers.dups.layers: a layer is listed twice\n"
        "  ├─▶ functions.api.app: expected a string\n"
        "  ├─▶ functions.api.interface: expected one of wsgi, asgi\n"
        "  ├─▶ functions.api.include: expected a list of strings\n"
        "  ├─▶ functions.api.exclude: `a b` is not the name of a distribution; the only wildcard is `*`\n"
        "  ├─▶ functions.api.project: expected true or false\n"
        "  ├─▶ functions.api.include-regex: `(` is not a regular expression: missing ), unterminated subpattern at position 0\n"
        "  ├─▶ functions.api.exclude-files: `[z` is not a gitignore pattern\n"
        "  ├─▶ functions.api.extra-distributions: `a b c` is not a requirement: Expected semicolon (after name with no version specifier) or end\n"
        "  ├─▶ functions.api.rename: `../x` is not a relative path in a package\n"
        "  ╰─▶ functions.api.layers: `arn:aws:lambda:x` is not the ARN of a layer version (arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION)\n"
    )


@pytest.mark.parametrize(
    ("toml", "error"),
    [
        (
            '[functions.api]\nlayers = ["dependncies"]\n[layers.dependencies]\n',
            (
                "  ╰─▶ functions.api.layers: there is no layer `dependncies`\n"
                "hint: did you mean `dependencies`?\n"
            ),
        ),
        (
            '[layers.a]\nlayers = ["b"]\n[layers.b]\nlayers = ["c"]\n[layers.c]\nlayers = ["a"]\n',
            "  ╰─▶ layers.a.layers: layers depend on each other: a → b → c → a\n",
        ),
        (
            '[layers.a]\nlayers = ["a"]\n',
            "  ╰─▶ layers.a.layers: layers depend on each other: a → a\n",
        ),
        (
            "[functions.api]\n[layers.api]\n",
            "  ╰─▶ layers.api: it would be written to the same file as `functions.api`\n",
        ),
        (
            "[functions.api]\n[functions.API]\n",
            "  ╰─▶ functions.API: it would be written to the same file as `functions.api`\n",
        ),
        (
            '[functions.api]\napp = "a:b"\nhandler = "a.b"\n',
            "  ╰─▶ functions.api: `app` and `handler` exclude each other\n",
        ),
        (
            '[functions.api]\ninterface = "wsgi"\n',
            "  ╰─▶ functions.api.interface: it belongs to an `app`, and none is set\n",
        ),
        (
            '[layers.a]\nruntimes = ["python3.12", "pyhton3.13"]\narchitectures = ["arm"]\n',
            (
                "  ├─▶ layers.a.architectures: there is no architecture `arm`\n"
                "  ╰─▶ layers.a.runtimes: there is no runtime `pyhton3.13`\n"
                "hint: did you mean `arm64`, `python3.13`?\n"
            ),
        ),
        (
            '[layers.a]\nlayout = "site-packages"\nruntimes = ["python3.12", "python3.13"]\n',
            "  ╰─▶ layers.a.layout: `site-packages` is for one runtime; use `python` for several\n",
        ),
        (
            '[layers.a]\nlayout = "site-packages"\n[layers.b]\nlayers = ["a"]\n',
            "  ╰─▶ layers.b.layers: `a` has another layout, and Python would look into one before the other\n",
        ),
        (
            '[layers.a]\nlayers = ["arn:aws:lambda:eu-west-1:123456789012:layer:x:3"]\n',
            "  ╰─▶ layers.a.layers: a function takes `arn:aws:lambda:eu-west-1:123456789012:layer:x:3`; a layer cannot\n",
        ),
    ],
)
def test_what_does_not_go_together(project: Path, wherry: Wherry, toml: str, error: str) -> None:
    assert refused(wherry, toml) == f"error: the settings in wherry.toml are wrong\n{error}"


@pytest.mark.parametrize(
    ("toml", "error"),
    [
        (
            '[functions.api]\ninclude = ["alhpa"]\n',
            ("functions.api.include names what the lock does not have\n"
            "  ╰─▶ there is no distribution `alhpa`\nhint: did you mean `alpha`?"),
        ),
        (
            '[functions.api]\nextra-paths = ["instnce"]\n',
            ("there is no `instnce` to add to the package\n"
            "  ╰─▶ `extra-paths` names it, and it was looked for at `SHOP/instnce`\n"
            "hint: relative paths start at the project's folder"),
        ),
        (
            '[functions.api]\nrename = { "shop/apu.py" = "x.py" }\n',
            ("functions.api.rename names what is not in the package\n"
            "  ╰─▶ there is no file or folder `shop/apu.py`\n"
            "hint: paths are those in the package, such as `shop/api.py`"),
        ),
        (
            '[functions.api]\nhandler = "shop.apy.handler"\n',
            ("functions.api: the handler's module `shop.apy` is not in the package\n"
            '  ╰─▶ handler = "shop.apy.handler"\nhint: did you mean `shop.api`?'),
        ),
        (
            '[functions.api]\nhandler = "shop.api.handle"\n',
            ("functions.api: the module `shop.api` has no `handle`\n"
            '  ├─▶ handler = "shop.api.handle"\n  ╰─▶ it has `handler`\nhint: did you mean `handler`?'),
        ),
        (
            '[functions.api]\napp = "shop.web:app"\n',
            ("functions.api: the app's module `shop.web` is not in the package\n"
            '  ╰─▶ app = "shop.web:app"\nhint: did you mean `shop`?'),
        ),
        (
            '[functions.api]\nexclude-files = ["/shop/"]\nhandler = "shop.api.handler"\n',
            ("functions.api: the handler's module `shop.api` is not in the package\n"
            '  ╰─▶ handler = "shop.api.handler"\n'
            "hint: the handler names a module as it is imported on Lambda"),
        ),
    ],
)  # fmt: skip
def test_settings_name_what_is_not_there(
    project: Path, wherry: Wherry, toml: str, error: str
) -> None:
    assert refused(wherry, toml) == f"error: {error}\n"


def test_a_name_on_the_command_line_that_is_not_there(project: Path, wherry: Wherry) -> None:
    assert refused(wherry, "[functions.api]\n[layers.deps]\n", "dep") == (
        "error: there is no function or layer `dep`\n"
        "  ╰─▶ there are `api`, `deps`\n"
        "hint: did you mean `deps`?\n"
    )


def test_one_file_for_several_packages(project: Path, wherry: Wherry) -> None:
    assert refused(wherry, "[functions.api]\n[layers.deps]\n", "--output", "x.zip") == (
        "error: `x.zip` has room for one package, and there are 2\n"
        "  ├─▶ layer `deps`\n"
        "  ╰─▶ function `api`\n"
        "hint: name a folder: --output DIR\n"
    )


def test_warnings_where_nothing_is_missing(project: Path, wherry: Wherry) -> None:
    """What a pattern was to keep out, and was not there, is no error."""
    write_files(
        project,
        {
            "wherry.toml": (
                '[functions.api]\nexclude = ["alhpa", "b*"]\nexclude-files = ["*.txt"]\n'
                'exclude-regex = ["api"]\nprovided = ["boto3"]\n'
            )
        },
    )
    done = wherry.succeed("build")
    said = [line for line in done.err.splitlines() if line.startswith(("warning:", "hint:"))]
    assert said == [
        "warning: functions.api.exclude: `alhpa` matches no distribution",
        "hint: did you mean `alpha`?",
        "warning: functions.api.exclude: `b*` matches no distribution",
        "warning: functions.api.exclude-files: `*.txt` matches no file",
        "warning: functions.api.exclude-regex: `api` matches no file",
        "hint: it is matched at the start of the path: begin it with `.*` to match anywhere",
    ]
    assert (
        "note: the settings say that the runtime provides `boto3`, which is not in the lock\n"
        in done.err
    )
