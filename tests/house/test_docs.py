"""The documentation is true: what it shows is executed, what it names exists.

A comment before a block of code says what is done with it:

- ``<!-- run -->``: ``console`` and ``python`` blocks are executed, one after the other on a page, in a folder
  of its own. What a ``console`` block shows must come out, but for durations; ``…`` stands for anything, a line of
  ``…`` for any lines. A command may fail only where a line that begins with ``error:`` is shown.
- ``<!-- append: PATH -->``: the block is appended to that file before the next one is run.
- ``<!-- write: PATH -->``: the block is what that file holds from then on.
- ``<!-- project: NAME -->``, once on a page: the project of ``PROJECTS`` that the page is about.
- ``<!-- aws -->``, once on a page: there is an empty AWS account behind it (moto), but for a role and a bucket, both
  called as in ``account_of``.
- ``<!-- real -->``, once on a page: it is run in a copy of ``examples/`` with wheels from PyPI, by the slower
  tests. ``python3.13`` and ``x86_64`` stand for the interpreter and the processor at hand. With a folder,
  ``<!-- real: FOLDER -->``, the page begins there and is taken word for word.

- ``<!-- moving: TOOL -->``, once on a page: it begins with a project of another tool, and is run by
  ``tests/real/test_from_TOOL.py``.

All other blocks are checked without being executed.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import inspect
import os
import platform
import re
import shlex
import shutil
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
import tomli_w

import wherry
from support.extensions import extension_sdist, lock_of_sdists
from support.index import serve_index
from support.libraries import Library, Part
from support.moto import moto as serve_moto
from support.pages import (
    FENCE,
    Block,
    Shell,
    agrees,
    blocks,
    directive,
    follow,
    is_executed,
    sessions,
    text_of,
)
from support.projects import make_project, write_files
from support.wheels import make_wheel
from wherry import errors
from wherry.aws.prepare import DeployOptions, SwitchOptions
from wherry.aws.prune import find as prune
from wherry.aws.stage import StageOptions
from wherry.cli import main
from wherry.pipeline import report
from wherry.settings import model, project, read, stages
from wherry.settings.checks import CHECK_READERS
from wherry.settings.container import CONTAINER_READERS
from wherry.settings.function_readers import CONFIGURATION_READERS
from wherry.settings.indexes import INDEX_READERS
from wherry.target import Target, find_architecture, find_runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from support.aws_account import Account
    from support.index import Index
    from support.moto import Moto

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    {
        *DOCS.rglob("*.md"),
        *ROOT.glob("*.md"),
        *(path for path in (ROOT / "examples").rglob("*.md") if "dist" not in path.parts),
    }
)
REFERENCE = DOCS / "reference"


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


ALL = [(path, block) for path in PAGES for block in blocks(path)]


def some(*languages: str) -> pytest.MarkDecorator:
    chosen = [(path, block) for path, block in ALL if block.language in languages]
    assert chosen
    return pytest.mark.parametrize(
        ("path", "block"),
        chosen,
        ids=[f"{label(path)}:{block.line}" for path, block in chosen],
    )


def test_every_block_says_its_language() -> None:
    """And none is overlooked: fences come in pairs."""
    known = {"console", "dockerfile", "hcl", "make", "python", "text", "toml", "typescript", "yaml"}
    assert {block.language for _, block in ALL} <= known
    for path in PAGES:
        assert text_of(path).count("\n```") == 2 * len(blocks(path)), label(path)


# What is executed.

IDNA = make_wheel("idna", "3.11")
CERTIFI = make_wheel("certifi", "2026.10.1")


def orders(root: Path, index: Index) -> None:
    files = {
        "orders/__init__.py": "",
        "orders/api.py": "def handler(event, context):\n    return event\n",
        "tests/test_api.py": "def test(): ...\n",
        "README.md": "# Orders\n",
        ".env": "KEY=secret\n",
        ".gitignore": "__pycache__/\n",
        "orders/__pycache__/api.cpython-313.pyc": "",
    }
    make_project(root, index, [IDNA, CERTIFI], files=files)
    pyproject = '[project]\nname = "orders"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
    write_files(root, {"pyproject.toml": f"{pyproject}\n"})


def clash(root: Path, index: Index) -> None:
    made = [
        make_wheel(name, files={f"{name.replace('-', '_')}.py": b"", "acme/LICENSE": licence})
        for name, licence in (("acme-auth", b"MIT\n"), ("acme-billing", b"BSD-3-Clause"))
    ]
    index.add(*made)
    make_project(root, index, made)


def native(root: Path, index: Index) -> None:
    made = [
        make_wheel("numpy", "2.4.6", tag=tag)
        for tag in (
            "cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64",
            "cp312-cp312-manylinux_2_27_aarch64.manylinux_2_28_aarch64",
        )
    ]
    make_project(root, index, made)
    # One package with both wheels.
    lock = tomllib.loads(text_of(root / "pylock.toml"))
    first, second = lock["packages"]
    lock["packages"] = [{**first, "wheels": first["wheels"] + second["wheels"]}]
    (root / "pylock.toml").write_text(tomli_w.dumps(lock))


def unlocked(root: Path, index: Index) -> None:
    orders(root, index)
    (root / "pylock.toml").unlink()
    text = text_of(root / "pyproject.toml").rstrip() + '\ndependencies = ["idna"]\n\n'
    (root / "pyproject.toml").write_text(text)


def cloud(root: Path, index: Index) -> None:
    made = [
        make_wheel("boto3", requires=["botocore", "s3transfer"]),
        make_wheel("botocore", requires=["urllib3"]),
        make_wheel("s3transfer", requires=["botocore"]),
        make_wheel("urllib3"),
        make_wheel("requests", requires=["urllib3"]),
    ]
    index.add(*made)
    make_project(root, index, made, files={"app.py": "def handler(event, context): ...\n"})
    write_files(root, {"pyproject.toml": '[project]\nname = "cloud"\nversion = "1.0"\n\n'})


def compiled(root: Path, index: Index) -> None:
    names = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(2000))
    library = Library().with_parts(Part(name=".debug_str", data=names))
    made = [
        make_wheel(
            "fast", files={"fast.so": library.data()}, tag="cp313-cp313-manylinux_2_17_x86_64"
        )
    ]
    index.add(*made)
    make_project(root, index, made)
    write_files(root, {"pyproject.toml": '[project]\nname = "compiled"\nversion = "1.0"\n\n'})


def untagged(root: Path, index: Index) -> None:
    """One whose wheels are for others, and whose sdist would have to be compiled."""
    del index
    made = extension_sdist("fastcount")
    made.write(root)
    wheels = {made.filename: "fastcount-1.0-cp39-cp39-manylinux_2_17_x86_64.whl"}
    pyproject = '[project]\nname = "untagged"\nversion = "1.0"\nrequires-python = ">=3.9"\n\n'
    lock = lock_of_sdists([made], wheels=wheels)
    write_files(root, {"pyproject.toml": pyproject, "pylock.toml": lock, "app.py": ""})


def private(root: Path, index: Index) -> None:
    """Behind a password. What the page shows of settings stands there already, with the address on loopback."""
    index.auth = ("robot", "p@ss:w/o%rd 1")
    make_project(root, index, [IDNA])
    text = text_of(root / "pyproject.toml")
    declared = f'[[tool.wherry.indexes]]\nname = "acme"\nurl = "{index.simple}"\n'
    (root / "pyproject.toml").write_text(f"{text}\n{declared}")


def several(root: Path, index: Index) -> None:
    """Folders of functions that share code and a layer."""
    del index
    files = {
        "functions/orders/app.py": "import idna, shared\ndef handler(event, context): ...\n",
        "functions/orders/requirements.txt": "idna==3.11\n",
        "functions/users/app.py": "def handler(event, context): ...\n",
        "functions/users/requirements.txt": "certifi==2026.10.1\n",
        "layers/common/requirements.txt": "idna==3.11\n",
        "shared/__init__.py": "",
    }
    write_files(root, files)


PROJECTS: dict[str, Callable[[Path, Index], None]] = {
    "clash": clash,
    "cloud": cloud,
    "compiled": compiled,
    "native": native,
    "orders": orders,
    "private": private,
    "several": several,
    "unlocked": unlocked,
    "untagged": untagged,
}


HERMETIC = [
    path
    for path in PAGES
    if is_executed(path) and directive(path, "real") is None and directive(path, "moving") is None
]
REAL = [path for path in PAGES if is_executed(path) and directive(path, "real") is not None]


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with serve_moto() as served:
        yield served


def account_of(moto: Moto) -> Account:
    """An account with what a reader is taken to have: a role for functions and a bucket."""
    account = moto.account()
    account.client("iam").create_role(RoleName="orders", AssumeRolePolicyDocument="{}")
    account.bucket("deploy-bucket", versioned=True)
    return account


@pytest.mark.parametrize("path", HERMETIC, ids=label)
def test_a_page_is_followed(path: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    name = directive(path, "project")
    assert name is not None
    env: dict[str, str] = {}
    if directive(path, "aws"):
        env = account_of(request.getfixturevalue("moto")).environment()
    with serve_index([IDNA, CERTIFI]) as index:
        root = tmp_path / name
        root.mkdir()
        PROJECTS[name](root, index)
        follow(path, Shell(root, tmp_path / "scratch", UV_DEFAULT_INDEX=index.simple, **env))


@pytest.mark.real
@pytest.mark.skipif(sys.platform != "linux", reason="the package is invoked")
@pytest.mark.parametrize("path", REAL, ids=label)
def test_a_page_is_followed_with_real_wheels(path: Path, tmp_path: Path) -> None:
    junk = shutil.ignore_patterns("dist", "__pycache__")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=junk)
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())

    def here(text: str) -> str:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return text.replace("python3.13", version).replace("x86_64", machine)

    # Where PyPI is reached by way of a mirror, the environment says so.
    index = {name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_"))}
    folder = directive(path, "real")
    if folder == "real":
        follow(path, Shell(tmp_path, tmp_path / "scratch", **index), here)
    else:
        follow(path, Shell(tmp_path / str(folder), tmp_path / "scratch", **index))


def test_comparing_tells_differences() -> None:
    assert agrees("a … c\n…\nend in 2.3s\n", "a b c\nx\ny\nend in 14ms\n")
    assert agrees("…\nend\n", "end\n")
    assert not agrees("a\n", "a\nb\n")
    assert not agrees("a … c\n", "a\nb c\n")
    assert not agrees("3 files\n", "4 files\n")


def test_every_page_about_moving_in_has_its_test() -> None:
    for path in PAGES:
        if tool := directive(path, "moving"):
            assert path.name == f"from-{tool}.md"
            test = ROOT / "tests" / "real" / f"test_from_{tool}.py"
            assert f'"{path.name}"' in test.read_text(encoding="utf-8")


def test_something_is_executed() -> None:
    assert len(HERMETIC) >= 6
    assert REAL
    assert {directive(path, "project") for path in HERMETIC} == set(PROJECTS)


# What is checked.


def commands(text: str) -> Iterator[list[str]]:
    """The calls of wherry in a console block: the words that follow its name."""
    for command, _ in sessions(text):
        lexer = shlex.shlex(command, posix=True, punctuation_chars=";|&><()")
        lexer.whitespace_split = True
        words: list[str] | None = None
        for word in [*lexer, ";"]:
            if words is None:
                words = [] if word == "wherry" else None
            elif word[0] in ";|&><()":
                yield words
                words = None
            else:
                words.append(word)


def parse(words: Sequence[str]) -> None:
    """Parse a command line without running it.

    Raises:
        click.ClickException: there is no such command, option or value.
    """
    group: click.Command = main
    context: click.Context | None = None
    rest = list(words)
    while True:
        if {"--help", "-h", "--version"} & set(rest):
            rest = [word for word in rest if word not in {"--help", "-h", "--version"}]
            group.get_params(context or click.Context(group))
            if not rest:
                return
        if isinstance(group, click.Group) and not rest:
            return  # it shows its help
        context = group.make_context(group.name, list(rest), parent=context)
        if not isinstance(group, click.Group):
            return
        remaining = [*context._protected_args, *context.args]
        name, inner, rest = group.resolve_command(context, remaining)
        assert name
        assert inner is not None
        group = inner


@some("console")
def test_commands_are_known(path: Path, block: Block) -> None:
    shown = list(sessions(block.text))
    assert shown, "a console block has commands, each after `$ `"
    for words in commands(block.text):
        # A help text stands among the words, and is none of the options of the example.
        parse([word.replace("$", "x") for word in words])


def test_unknown_commands_and_options_are_noticed() -> None:
    assert list(commands("$ A=1 wherry build -q > x | wherry cache dir\n")) == [
        ["build", "-q"],
        ["cache", "dir"],
    ]
    for wrong in (["biuld"], ["build", "--arch", "arm64", "x"], ["cache", "prune", "--older", "x"]):
        with pytest.raises(click.ClickException):
            parse(wrong)


def test_commands_in_the_text_are_known() -> None:
    seen = 0
    for path in PAGES:
        without_blocks = FENCE.sub("", text_of(path))
        for call in re.findall(r"`wherry( [a-z][^`]*)`", without_blocks):
            words = [word for word in shlex.split(call) if word not in {"COMMAND", "DIR"}]
            # A sentence names a command without all that it wants.
            with contextlib.suppress(click.MissingParameter):
                parse(words)
            seen += 1
    assert seen > 10


@some("toml")
def test_settings_are_sound(path: Path, block: Block, tmp_path: Path) -> None:
    document = tomllib.loads(block.text)
    if block.remark == "wherry.toml":
        (tmp_path / "wherry.toml").write_text(block.text)
        assert project.read_project(tmp_path).settings != model.Settings()
        return
    (tmp_path / "pyproject.toml").write_text(block.text)
    found = project.read_project(tmp_path).settings
    assert (found != model.Settings()) == ("wherry" in document.get("tool", {}))


def imported(code: str) -> Iterator[tuple[str, str]]:
    """Module and name of everything that a piece of code takes from Wherry."""
    import ast

    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("wherry"):
            yield from ((node.module, alias.name) for alias in node.names)
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "wherry"
        ):
            yield "wherry", node.attr


@some("python")
def test_python_compiles_and_its_names_exist(path: Path, block: Block) -> None:
    compile(block.text, label(path), "exec")
    for module, name in imported(block.text):
        if module.startswith("wherry.cdk"):
            # It needs an extra.
            found = (
                (Path(wherry.__file__).parent / "cdk" / "__init__.py")
                .read_text()
                .partition("__all__ = ")[2]
            )
            assert f'"{name}"' in found
            continue
        assert name in importlib.import_module(module).__all__


def headings(path: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    anchors: dict[str, int] = {}
    result = set()
    for title in re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(path)), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
        count = anchors.get(plain, 0)
        anchors[plain] = count + 1
        result.add(f"{plain}-{count}" if count else plain)
    return result


@pytest.mark.parametrize("path", PAGES, ids=label)
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for link in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", FENCE.sub("", text_of(path))):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (path.parent / place).resolve() if place else path
        if not target.exists() or (anchor and anchor not in headings(target)):
            broken.append(link)
    assert not broken


def test_the_index_lists_every_page() -> None:
    listed = {
        (DOCS / link).resolve()
        for link in re.findall(r"\]\(([^)#\s]+)\)", text_of(DOCS / "README.md"))
    }
    assert listed == set(DOCS.rglob("*.md")) - {DOCS / "README.md"}


# What the reference says, compared with the code.


def generate() -> Any:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_up_to_date() -> None:
    """After a change of options or runtimes: python docs/generate.py"""
    made = generate()
    assert made.DESCRIPTIONS.read_text(encoding="utf-8") == made.descriptions(
        text_of(made.SETTINGS)
    )
    assert text_of(made.COMMAND_LINE) == made.command_line()
    page = text_of(made.TARGETS)
    assert page == made.targets(page)
    assert "| `python3.13` |" in page


def section(page: str, heading: str) -> str:
    """What stands below a heading, up to the next of the same depth or above."""
    text = text_of(REFERENCE / page)
    depth = heading.partition(" ")[0]
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"{page} has no {heading}"
    return re.split(rf"^#{{1,{len(depth)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in a text, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" |")] for line in lines]
    heads = {
        number - 1 for number, row in enumerate(cells) if set(row[0]) == {"-"} or "---" in row[0]
    }
    return [
        row for number, row in enumerate(cells) if number not in heads and number - 1 not in heads
    ]


def unquoted(cell: str) -> str:
    found = re.search(r"`([^`]+)`", cell)
    assert found, cell
    return found[1]


def test_every_setting_is_documented_and_no_other() -> None:
    keys = {*read.READERS, *read.TABLES}
    assert {key.replace("-", "_") for key in keys} == {*model.Settings.__struct_fields__}
    text = section("settings.md", "## Keys")
    table = [row for row in rows(text) if row[0].startswith("[")]
    assert [unquoted(row[0]) for row in table] == re.findall(
        r"^### `([\w-]+)`$", text, re.MULTILINE
    )
    assert {unquoted(row[0]) for row in table} == keys
    assert {unquoted(row[0]) for row in rows(section("settings.md", "### `runtimes`"))} == set(
        read.RUNTIME_READERS
    )


OF_TABLES = (
    (
        "## Functions and their keys",
        set(read.FUNCTION_READERS) - set(read.CONTENT_READERS),
        "functions.x",
    ),
    ("## Layers and their keys", set(read.LAYER_READERS) - set(read.CONTENT_READERS), "layers.x"),
    ("## Keys of content", set(read.CONTENT_READERS), "functions.x"),
    ("## Keys of content", set(read.CONTENT_READERS), "layers.x"),
    ("## Quotas of AWS Lambda", set(read.QUOTA_READERS), "quotas"),
    ("## Hooks and their keys", set(read.HOOK_READERS), "hooks"),
    ("## Containers and their keys", set(CONTAINER_READERS), "container"),
    ("## Checks and their keys", set(CHECK_READERS), "check"),
)


@pytest.mark.parametrize(("heading", "keys", "table"), OF_TABLES)
def test_every_key_of_a_table_is_documented_and_no_other(
    heading: str, keys: set[str], table: str
) -> None:
    """With a type, a default that is the model's, and an example that is sound."""
    found = [row for row in rows(section("settings.md", heading)) if len(row) == 4]
    assert [unquoted(row[0]) for row in found] == list(dict.fromkeys(unquoted(r[0]) for r in found))
    assert {unquoted(row[0]) for row in found} == keys
    others: dict[str, Any] = {"layers": {"dependencies": {}}}
    plain = read.read_settings(tomllib.loads(f"{tomli_w.dumps(others)}[{table}]\n"), "x")

    def value(settings: Any, key: str) -> Any:
        kind, _, name = table.partition(".")
        content = getattr(settings, kind)
        return getattr(content[name] if name else content, key.replace("-", "_"))

    for row in found:
        key, example, default = unquoted(row[0]), unquoted(row[3]), row[2]
        text = f"{tomli_w.dumps(others)}[{table}]\n{key} = {example}\n"
        if key in {"build-args", "build-secrets"}:
            text += 'dockerfile = "x"\n'
        if key in read.OF_APP:
            text += 'app = "x:y"\n'
        assert value(read.read_settings(tomllib.loads(text), "x"), key) != value(plain, key), key
        if default.startswith("`"):
            said = tomllib.loads(f"x = {unquoted(default)}")["x"]
            real = value(plain, key)
            assert (list(real) if isinstance(real, tuple) else real) == said, key


# A key that means nothing without another one.
NEEDS = {
    "bucket-region": 'bucket = "b-b"',
    "encryption": 'bucket = "b-b"',
    "keep": 'bucket = "b-b"',
    "signing-profile": 'bucket = "b-b"',
    "kms-key": 'bucket = "b-b"\nencryption = "aws:kms"',
    # Of a function.
    **dict.fromkeys(CONFIGURATION_READERS, f"manage = {[*model.MANAGEABLE]}"),
}
OF_STAGES = (
    ("", {*stages.STAGE_READERS, "functions", "layers"}),
    ("functions.a.", set(stages.FUNCTION_STAGE_READERS)),
    ("layers.b.", set(stages.LAYER_STAGE_READERS)),
)


@pytest.mark.parametrize("number", range(len(OF_STAGES)))
def test_every_key_of_a_stage_is_documented_and_no_other(number: int) -> None:
    """With a default that is the model's, and an example that is sound."""
    prefix, keys = OF_STAGES[number]
    part = section("settings.md", "## Stages and their keys").split("|---|---|---|---|")[number + 1]
    found = [
        [cell.strip() for cell in line.strip("|").split(" |")]
        for line in part.strip().partition("\n\n")[0].splitlines()
    ]
    assert {unquoted(row[0]) for row in found} == keys
    assert len(found) == len(keys)

    def stage(text: str) -> Any:
        read_ = read.read_settings(tomllib.loads(f"[stages.s]\n{text}\n"), "x").stages["s"]
        inner = prefix.split(".")
        return getattr(read_, inner[0]).get(inner[1]) if prefix else read_

    for row in found:
        key, example, default = unquoted(row[0]), unquoted(row[3]), row[2]
        name, text = key.replace("-", "_"), f"{prefix}{key} = {example}"
        said = stage(f"{NEEDS.get(key, '')}\n{text}")
        plain = stage(NEEDS.get(key, "")) or type(said)()
        assert getattr(said, name) != getattr(plain, name), key
        if default.startswith("`"):
            real = getattr(plain, name)
            assert (list(real) if isinstance(real, tuple) else real) == tomllib.loads(
                f"x = {unquoted(default)}"
            )["x"], key
    if not prefix:
        policy = {unquoted(row[0]): row[2] for row in found}
        assert policy["keep-versions"] == str(prune.KEEP_VERSIONS)
        assert policy["keep-days"] == str(prune.KEEP_DAYS)


def test_every_key_of_an_index_is_documented_and_no_other() -> None:
    """With an example that is sound."""
    found = rows(section("settings.md", "## Indexes and their keys"))
    assert [unquoted(row[0]) for row in found] == list(INDEX_READERS)
    for row in found:
        INDEX_READERS[unquoted(row[0])](tomllib.loads(f"x = {unquoted(row[3])}")["x"])


def test_the_examples_of_settings_are_sound(tmp_path: Path) -> None:
    for row in rows(section("settings.md", "## Keys")):
        if not row[0].startswith("["):
            continue
        key, example = unquoted(row[0]), unquoted(row[3])
        (tmp_path / "wherry.toml").write_text(f"{key} = {example}\n")
        name = key.replace("-", "_")
        assert getattr(project.read_project(tmp_path).settings, name) != getattr(
            model.Settings(), name
        )


def test_the_environment_variables_are_those_of_the_code() -> None:
    documented = set(
        re.findall(r"`([A-Z_]{4,})`", section("settings.md", "## Environment variables"))
    )
    source = "\n".join(text_of(path) for path in Path(wherry.__file__).parent.rglob("*.py"))
    assert set(re.findall(r"_?WHERRY_[A-Z_]+", source)) <= documented
    # What requests heeds is not in our code.
    others = {"NETRC", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
    for name in documented - others:
        lead, named, rest = name.partition("_NAME_")
        if named:
            assert f'"{lead}"' in source
            assert f"_{{environment_name(name)}}_{rest}" in source
        else:
            assert name in source


def test_the_marker_environment() -> None:
    target = Target(runtime=find_runtime("python3.13"), architecture=find_architecture("arm64"))
    documented = {
        unquoted(row[0]): "" if row[1] == "empty" else unquoted(row[1])
        for row in rows(section("targets.md", "## Marker environment"))
    }
    assert documented == dict(target.environment)


def test_the_architectures() -> None:
    documented = {
        unquoted(row[0]): unquoted(row[1])
        for row in rows(section("targets.md", "## Architectures"))
    }
    assert documented == {str(each): each.machine for each in wherry.Architecture}


def test_the_tree_of_errors() -> None:
    documented = {
        (unquoted(row[0]), unquoted(row[1])) for row in rows(section("errors.md", "## The tree"))
    }
    assert documented == {
        (name, getattr(errors, name).__base__.__name__) for name in errors.__all__
    }


def test_the_public_names() -> None:
    text = text_of(REFERENCE / "python.md").partition("\n## ")[0]
    assert {unquoted(row[0]) for row in rows(text)} == set(wherry.__all__)


def test_the_parameters_of_build() -> None:
    documented = {
        unquoted(row[0]): row[1] for row in rows(section("python.md", "## `wherry.build`"))
    }
    parameters = inspect.signature(wherry.build).parameters
    assert list(documented) == list(parameters)
    for name, parameter in parameters.items():
        if documented[name].startswith("`"):
            assert unquoted(documented[name]).replace('"', "'") == repr(parameter.default)


def test_the_options_of_the_library() -> None:
    tables = (
        ("## Options of a build", wherry.BuildOptions, ()),
        ("## `wherry.inspect`", wherry.InspectOptions, wherry.BuildOptions.__annotations__),
        ("## `wherry.invoke`", wherry.InvokeOptions, wherry.BuildOptions.__annotations__),
        ("## `wherry.serve`", wherry.ServeOptions, wherry.InvokeOptions.__annotations__),
    )
    for heading, options, inherited in tables:
        documented = {unquoted(row[0]) for row in rows(section("python.md", heading))}
        assert documented == set(options.__annotations__) - set(inherited), heading
    attributes = {unquoted(row[0]) for row in rows(section("python.md", "## `Invocation`"))}
    assert attributes == {*wherry.Invocation.__struct_fields__}


def test_the_parameters_of_deploying() -> None:
    """Everything that the text above the table does not say of all of them."""
    common = {"project", "stage", "options"}
    documented: dict[str, dict[str, str]] = {}
    functions: list[str] = []
    for row in rows(section("python.md", "## Deploying")):
        functions = re.findall(r"`(\w+)`", row[0]) or functions
        for function in functions:
            for name in re.findall(r"`(\w+)`", row[1]):
                documented.setdefault(function, {})[name] = unquoted(row[2])
    assert set(DeployOptions.__annotations__) == {
        *set(wherry.BuildOptions.__annotations__) - {"stage", "unpacked"},
        "store",
        "reporter",
    }
    assert set(StageOptions.__annotations__) == {"names", "reporter", "name", "config"}
    more = set(SwitchOptions.__annotations__) - set(DeployOptions.__annotations__)
    assert more == {"source", "tests", "traffic"}
    assert all(f"`{name}`" in section("python.md", "## Deploying") for name in more)
    options = {
        **dict.fromkeys(("upload", "publish"), "DeployOptions"),
        **dict.fromkeys(
            ("promote", "prune", "history", "invoke_remote", "read_logs"), "StageOptions"
        ),
        "rollback": "RollbackOptions",
        "plan": "PlanOptions",
        "deploy": "SwitchOptions",
    }
    assert documented["rollback"].pop("delete") == "False"
    for function, kind in options.items():
        parameters = inspect.signature(getattr(wherry, function)).parameters
        own = {name: repr(one.default) for name, one in parameters.items() if name not in common}
        assert own == documented.get(function, {}), function
        assert {"project", "stage"} <= set(parameters)
        assert parameters["options"].annotation == f"Unpack[{kind}]"


def test_the_attributes_of_reports() -> None:
    documented = {unquoted(row[0]) for row in rows(section("python.md", "## `BuildReport`"))}
    assert documented == {*report.BuildReport.__struct_fields__}
    text = section("python.md", "## `PackageReport`")
    names = set(re.findall(r"`([a-z_0-9]+)`", text))
    assert names == {
        *report.PackageReport.__struct_fields__,
        *report.DistributionReport.__struct_fields__,
    }


def paths_of(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every field of a document, by a path such as ``packages[].name``."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths_of(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        yield path, value
        for inner in value:
            yield from paths_of(inner, f"{path}[]")
    else:
        yield path, value


TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "number or null": (int, type(None)),
    "number": (int,),
    "number from 0 to 1": (int, float),
    "object": (dict,),
    "string or null": (str, type(None)),
    "string": (str,),
}


@pytest.fixture
def built(tmp_path: Path) -> Iterator[Shell]:
    with serve_index([IDNA, CERTIFI]) as index:
        root = tmp_path / "orders"
        root.mkdir()
        orders(root, index)
        yield Shell(root, tmp_path / "scratch")


def test_the_json_document_has_the_documented_fields(built: Shell) -> None:
    """S10: a stable document for other tools."""
    import json

    code, out = built("wherry build --json --quiet")
    assert code == 0
    found = list(paths_of(json.loads(out)))
    documented = {
        unquoted(row[0]): TYPES[row[1]]
        for row in rows(section("json.md", "## `wherry build --json`"))
    }
    plain = {path for path, _ in found if not path.endswith("[]")}
    assert plain == set(documented)
    for path, value in found:
        # A list that is none of tables holds texts.
        assert isinstance(value, str if path.endswith("[]") else documented[path]), path
    code, out = built("wherry cache size --json")
    heading = "## `wherry cache size --json`, `wherry cache prune --json`"
    of_store = {unquoted(row[0]) for row in rows(section("json.md", heading))}
    assert set(json.loads(out)) == of_store
    code, out = built("wherry cache verify --json")
    of_verify = {
        unquoted(row[0]) for row in rows(section("json.md", "## `wherry cache verify --json`"))
    }
    assert set(json.loads(out)) == of_verify


DEPLOYABLE = """\
[tool.wherry]
runtime = "python3.13"
[tool.wherry.functions.api]
handler = "orders.api.handler"
layers = ["dependencies"]
[tool.wherry.layers.dependencies]
[tool.wherry.stages.staging]
region = "eu-west-1"
bucket = "s3://deploy-bucket/wherry"
alias = "live"
functions.api = { role = "arn:aws:iam::123456789012:role/orders" }
"""


def test_the_documents_of_deployments_have_the_documented_fields(
    tmp_path: Path, moto: Moto
) -> None:
    """A11, N6."""
    import json

    root = tmp_path / "orders"
    root.mkdir()
    with serve_index([IDNA, CERTIFI]) as index:
        orders(root, index)
        with (root / "pyproject.toml").open("a") as file:
            file.write(DEPLOYABLE)
        shell = Shell(root, tmp_path / "scratch", **account_of(moto).environment())
        for number in range(3):
            code, out = shell(
                f"echo 'N = {number}' >> orders/api.py; wherry deploy staging --quiet"
            )
            assert code == 0, out
        shell("wherry rollback staging api --to 1 --yes")
        for words in (
            "wherry upload --json",
            "wherry publish --json",
            "wherry rollback --json",
            "wherry history --json",
            "wherry prune --json",
        ):
            more = {
                "rollback": "--to 3 --dry-run",
                "prune": "--keep-days 0 --keep-versions 1",
            }.get(words.split()[1], "")
            code, out = shell(f"{words} --quiet staging {more}")
            assert code == 0, out
            found = list(paths_of(json.loads(out)))
            documented = {
                unquoted(row[0]): row[1] for row in rows(section("json.md", f"## `{words}`"))
            }
            # What is spared is told in a sentence, and an empty table has no fields.
            plain = {path for path, _ in found if not path.endswith("[]")}
            assert {path for path in plain if not path.startswith("spared[]")} == set(
                documented
            ) - {"functions[].ends"}
            for path, value in found:
                if path in documented:
                    assert isinstance(value, TYPES[documented[path]]), path


def test_the_buckets_of_the_store() -> None:
    """Each kind of content that the code names has its line, and no other has."""
    source = Path(wherry.__file__).parent
    documented = set(re.findall(r"`([a-z-]+)-v1(?:/[^`]*)?`", section("store.md", "## Layout")))
    used = {"files"}
    for path in source.rglob("*.py"):
        text = text_of(path)
        constants = dict(re.findall(r'^(_[A-Z_]+) = "([a-z-]+)"$', text, re.MULTILINE))
        used |= set(re.findall(r'\b(?:Memo|Facts)(?:\[.*\])?\(\s*"([a-z-]+)"', text))
        for argument in re.findall(r"\b(?:recall|remember|folder|wheel_memo)\(\s*([^,()]+),", text):
            if argument in constants:
                used.add(constants[argument])
            elif found := re.fullmatch(r'"([a-z-]+)"', argument):
                used.add(found[1])
    assert documented == used


def test_the_differences_from_an_installer_are_those_that_the_oracle_admits() -> None:
    """docs/reference/zip-rules.md and tests/real/test_oracle.py name the same files."""
    text = section("zip-rules.md", "## Differences from an installer")
    oracle = text_of(ROOT / "tests" / "real" / "test_oracle.py")
    admitted = oracle[oracle.index("def is_installers_own") : oracle.index("def digests_of_tree")]
    for name in ("INSTALLER", "REQUESTED", "RECORD", "uv_cache.json", "bin/", ".lock"):
        assert f'"{name}"' in admitted
    documented = set()
    for row in rows(text):
        documented |= {
            name.removeprefix("*.dist-info/") for name in re.findall(r"`([^`]+)`", row[0])
        }
    assert documented == set(re.findall(r'"([^"]*[A-Za-z/][^"]*)"', admitted.split('"""')[2])) - {
        ".dist-info"
    }
