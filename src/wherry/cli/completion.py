"""``wherry completion``: print a script for a shell; and the answers to the questions of that script.

The script asks ``wherry`` itself, with click's protocol: the variable ``_WHERRY_COMPLETE`` says what is asked.
"""

from __future__ import annotations

import os
from contextlib import redirect_stderr, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wherry.settings.names import ProjectNames

__all__ = ["VARIABLE", "answer", "command"]

VARIABLE = "_WHERRY_COMPLETE"


class _Completion(ShellComplete):
    """Additions to click's completion: values after ``=``, with the option before them in shells that replace the whole word."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        # Bash treats an equals sign as a separate word.
        args = [word for word in args if word != "="]
        incomplete = "" if incomplete == "=" else incomplete
        items = super().get_completions(args, incomplete)
        option, equals, _ = incomplete.partition("=")
        if not equals or not option.startswith("-"):
            return items
        return [
            item
            if item.type != "plain"
            else CompletionItem(f"{option}={item.value}", help=item.help)
            for item in items
        ]


class _Bash(_Completion, BashComplete):
    pass


class _Zsh(_Completion, ZshComplete):
    pass


class _Fish(_Completion, FishComplete):
    pass


_SHELLS: Mapping[str, type[ShellComplete]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}


class _Name(click.types.StringParamType):
    """A value that is completed by its parameter's name; each command's parameters get this type by ``answer``.

    ``before`` are the parameters of the line as far as the option that waits for its value, where one does.
    """

    def __init__(self, before: Mapping[str, Any]) -> None:
        self._before = before

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        parameters = self._before or ctx.params
        given = parameters.get(param.name or "")
        given = given if isinstance(given, tuple) else ()
        items = [
            CompletionItem(name, help=kind)
            for name, kind in _values(param, parameters)
            if name.startswith(incomplete) and name not in given
        ]
        if param.name in {"against", "packages"} and not items:
            return [CompletionItem(incomplete, type="file")]
        return items


_OF_PROJECT = frozenset(
    {"against", "extras", "function", "functions", "groups", "names", "packages", "stage", "stages"}
)
_OF_WHERRY = frozenset({"architecture", "ignore", "kind", "runtime", "select", "type", "via"})


def _is_completed(parameter: click.Parameter) -> bool:
    """Whether ``_values`` knows the values of a parameter."""
    known = parameter.name in _OF_PROJECT | _OF_WHERRY or parameter.metavar == "STAGE"
    return known and (parameter.type is click.STRING or isinstance(parameter.type, _Name))


def _values(parameter: click.Parameter, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The values of a parameter, and what they are; ``given`` is the rest of the line."""
    if parameter.name in _OF_WHERRY:
        yield from _wherry_names(str(parameter.name), given)
        return
    noun, shown = str(parameter.name), parameter.metavar or ""
    known = _project_names(given)
    if noun in {"extras", "groups"}:
        yield from ((name, noun[:-1]) for name in getattr(known, noun))
        return
    if noun.startswith("stage") or "STAGE" in shown:
        # The first stage is a parameter of its own, where there can be several.
        others = (name for name in known.stages if name != given.get("stage"))
        yield from ((name, "stage") for name in others)
    if noun in {"against", "source"} or noun.startswith("stage"):
        return
    yield from ((name, "function") for name in known.functions)
    if not noun.startswith("function"):
        yield from ((name, "layer") for name in known.layers)


def _wherry_names(noun: str, parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names that are the same in every project, and what they are."""
    if noun in {"select", "ignore"}:
        from wherry.checks.registry import rules

        yield from ((rule.code, rule.title) for rule in rules().values())
    elif noun in {"runtime", "architecture"}:
        from wherry.target import RUNTIMES, Architecture

        names = [*RUNTIMES][::-1] if noun == "runtime" else [*map(str, Architecture)]
        yield from ((name, noun) for name in names)
    else:
        from wherry.sample_events.carriers import CARRIERS
        from wherry.sample_events.kinds import KINDS

        kind = KINDS.get(str(parameters.get("kind")))
        if noun == "kind":
            yield from ((each.name, each.summary) for each in KINDS.values())
        elif noun == "via":
            yield from ((name, "service") for name in CARRIERS)
        elif kind is not None:
            yield from ((name, "type") for name in kind.types)


def _project_names(parameters: Mapping[str, Any]) -> ProjectNames:
    from wherry.settings.names import project_names

    root, config = parameters.get("project"), parameters.get("config")
    # The shell leaves it to us to find the home folder in what is not yet run.
    return project_names(
        Path(root or ".").expanduser(), config=Path(config).expanduser() if config else None
    )


def _parameters_before(chosen: click.Command, words: list[str]) -> Mapping[str, Any]:
    """The parameters in front of an option that waits for its value: click drops all arguments then."""
    if not words or not words[-1].startswith("-"):
        return {}
    return chosen.make_context(chosen.name, words[:-1], resilient_parsing=True).params


def answer(main: click.Group, asked: str) -> int:
    """Print the completions that a shell asks for. Errors print nothing: they would appear in the command line."""
    shell = asked.partition("_")[0]
    with (
        suppress(Exception),
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stderr(nowhere),
    ):
        completion = _SHELLS[shell](main, {}, "wherry", VARIABLE)
        words, _ = completion.get_completion_args()
        context = click.Context(main, info_name="wherry", resilient_parsing=True)
        chosen = main.get_command(context, words[0]) if words else None
        if chosen is not None:
            name = _Name(_parameters_before(chosen, [word for word in words[1:] if word != "="]))
            for parameter in filter(_is_completed, chosen.params):
                parameter.type = name
        click.echo(completion.complete().encode())
    return 0


@click.command("completion")
@click.argument("shell", type=click.Choice([*_SHELLS]), metavar="[bash | zsh | fish]")
def command(*, shell: str) -> None:
    """Print the script that completes commands, options and names in a shell.

    Names of functions, layers and stages are those of the settings in the current folder, or of --project and
    --config if they are given. Groups and extras, kinds of events, codes of checks and runtimes are completed,
    too.

    \b
    How to install the script:
      bash  eval "$(wherry completion bash)" in ~/.bashrc; bash 4.4 or newer
      zsh   eval "$(wherry completion zsh)" in ~/.zshrc, after compinit
      fish  wherry completion fish > ~/.config/fish/completions/wherry.fish
    """  # noqa: D301  the backspace is click's mark
    main = click.get_current_context().find_root().command
    click.echo(_SHELLS[shell](main, {}, "wherry", VARIABLE).source())
