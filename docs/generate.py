"""Write the generated parts of the documentation (run `python docs/generate.py`).

``docs/reference/command-line.md`` contains the help text of every command. The table of runtimes in
``docs/reference/targets.md`` is made from ``wherry.target.RUNTIMES``. ``docs/reference/settings.md`` is where the
descriptions in the JSON schema of the settings come from. A test compares all three with the committed files.
"""  # noqa: INP001

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wherry.cli import main
from wherry.target import FACTS_AS_OF, RUNTIMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DOCS = Path(__file__).resolve().parent
COMMAND_LINE = DOCS / "reference" / "command-line.md"
TARGETS = DOCS / "reference" / "targets.md"

SETTINGS = DOCS / "reference" / "settings.md"
DESCRIPTIONS = DOCS.parent / "src" / "wherry" / "settings" / "descriptions.json"

_TABLES: Mapping[str, tuple[str, ...]] = {
    "Functions": ("functions",),
    "Layers": ("layers",),
    "Keys of content": ("functions", "layers"),
    "Stages": ("stages",),
    "Containers": ("container",),
    "Checks": ("check",),
    "Hooks": ("hooks",),
    "Indexes": ("indexes",),
    "Quotas of AWS Lambda": ("quotas",),
}
"""The sections of the page about settings, and the keys of the tables that they describe."""

# As wide as the site shows without scrolling.
_WIDTH = 80
_RUNTIMES = re.compile(r"(?<=<!-- generated: runtimes -->\n).*?(?=<!-- end -->)", re.DOTALL)

_HEAD = """\
# Command line

<!-- Written by docs/generate.py: edit src/wherry/cli instead. -->

This page has the `--help` text of every command. Results go to stdout: paths, or JSON with `--json`
([the fields](json.md)). Everything else goes to stderr. [Errors](errors.md#exit-codes) lists the exit codes,
[Settings](settings.md#environment-variables) the environment variables.
"""


def command_line() -> str:
    """Return the page about the command line."""
    return "\n".join([_HEAD, *_sections(main, "wherry", None)])


def _sections(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(
        command, parent=parent, info_name=name, terminal_width=_WIDTH, **command.context_settings
    )
    text = command.get_help(context)
    yield f"## `{context.command_path}`\n\n```text\n{text}\n```\n"
    if isinstance(command, click.Group):
        for inner_name in command.list_commands(context):
            inner = command.get_command(context, inner_name)
            if inner is not None:
                yield from _sections(inner, inner_name, context)


def targets(page: str) -> str:
    """Return the page about targets, with the current table of runtimes."""
    rows = [
        f"| `{runtime.name}` | {runtime.system} | {'.'.join(map(str, runtime.glibc))} "
        f"| `{runtime.python_full_version}` | {runtime.deprecation or 'unknown'} |"
        for runtime in RUNTIMES.values()
    ]
    table = "\n".join(
        [
            "| Runtime | System | glibc | Python that markers see | Deprecation |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"As AWS's documentation had it on {FACTS_AS_OF}.",
            "",
        ]
    )
    return _RUNTIMES.sub(lambda _: f"\n{table}\n", page)


def descriptions(page: str) -> str:
    """Return the descriptions of all settings, as JSON, from the page about them."""
    sections = re.split(r"^## (.*)\n", page, flags=re.MULTILINE)[1:]
    texts: dict[str, Any] = {}
    for heading, section in zip(sections[::2], sections[1::2], strict=True):
        for key, text in re.findall(r"^### `(.*)`\n\n((?:.+\n)+)", section, re.MULTILINE):
            texts[key] = {"": _plain(text)}
        for key in _TABLES.get(heading.removesuffix(" and their keys"), ()):
            # Of a stage, its functions and layers have tables of their own.
            first, *inner = re.split(r"^`(\w+)\.NAME` has keys.*\n", section, flags=re.MULTILINE)
            texts[key].update(_of_keys(first))
            for name, part in zip(inner[::2], inner[1::2], strict=True):
                texts[key][name] = {"": texts[key][name], **_of_keys(part)}
    lean = {key: text if len(text) > 1 else text[""] for key, text in texts.items()}
    return json.dumps(lean, indent=1, ensure_ascii=False) + "\n"


def _of_keys(section: str) -> dict[str, str]:
    """Return the descriptions of the keys in a section: its sentences about each, and what its table says."""
    about: dict[str, list[str]] = {}
    prose = re.sub(r"^(\||```|<!--).*\n", "", section, flags=re.MULTILINE)
    for paragraph in re.split(r"\n\n|^- ", prose, flags=re.MULTILINE):
        keys: list[str] = []
        for sentence in re.split(r"(?<=[.!?])\s+(?=[`A-Z])", _plain(paragraph)):
            if named := re.match(r"(?:(?:, | and | or )?`[a-z0-9-]+`)+", sentence):
                keys = re.findall(r"`([^`]+)`", named[0])
            for key in keys:
                about.setdefault(key, []).append(sentence)
    texts = {}
    for key, kind, default, example in re.findall(
        r"^\| `([a-z0-9-]+)` \| (.*?) \| (.*?) \| (.*?) \|$", section, re.MULTILINE
    ):
        facts = f"{kind[:1].upper()}{kind[1:]}. Default: {default}. Example: {example}."
        texts[key] = " ".join([*about.get(key, ()), _plain(facts)])
    return texts


def _plain(markdown: str) -> str:
    """Return a paragraph on one line, with links replaced by their text."""
    return re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", " ".join(markdown.split()))


if __name__ == "__main__":
    COMMAND_LINE.write_text(command_line(), encoding="utf-8")
    TARGETS.write_text(targets(TARGETS.read_text(encoding="utf-8")), encoding="utf-8")
    DESCRIPTIONS.write_text(descriptions(SETTINGS.read_text(encoding="utf-8")), encoding="utf-8")
