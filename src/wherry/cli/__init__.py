"""The command line: one module per command, loaded when the command is called.

stdout is data (paths, or one JSON document), stderr is progress, notes and errors. Exit codes: 0 done, 1 the user's input or the
environment is wrong, 2 usage, 3 differences if a flag asked for that status, 130 interrupted, 143 and 129 ended by
SIGTERM and SIGHUP.
"""

from __future__ import annotations

import os
import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from wherry.errors import WherryError
from wherry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "main", "run"]

SECTIONS = {
    "Build": {
        "init": "Write settings for a project, or from those of another tool.",
        "lock": "Resolve a project that has no lock, and write pylock.toml.",
        "build": "Build deployment packages and layers from the project's lock.",
        "digest": "Print a digest of what packages are made of, without building them.",
        "check": "Check packages, or any zip file, for what fails on Lambda.",
        "inspect": "Show what is in packages, or any zip file, and why.",
    },
    "Run": {
        "invoke": "Run a function from its package, as AWS Lambda would.",
        "serve": "Serve a project's functions over HTTP on this machine.",
        "event": "Print a sample event of an AWS service.",
    },
    "Deploy": {
        "plan": "Show what a deployment would change on AWS.",
        "deploy": "Deploy functions and layers to a stage on AWS.",
        "upload": "Upload built packages to the bucket of a stage.",
        "publish": "Publish layers that were built, and versions of functions.",
        "logs": "Show the logs of the functions of a stage.",
        "history": "Show which versions the aliases of a stage pointed to.",
        "rollback": "Go back to the previous versions of functions.",
        "prune": "Remove old versions of functions and layers of a stage.",
    },
    "Tools": {
        "cache": "Show, verify or prune the store of fetched and built files.",
        "schema": "Print the JSON schema of the settings, for editors.",
        "completion": "Print the script that completes commands and names in a shell.",
        "asset": "Build a package for constructs in other languages.",
    },
}
"""Commands and their first lines, so that `wherry --help` loads none of them."""

COMMANDS = [command for section in SECTIONS.values() for command in section]


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return COMMANDS

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"wherry.cli.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for section, commands in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl(list(commands.items()))


def _version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"wherry {__version__}")
        ctx.exit()


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with `wherry build` in a project that has a lock. `wherry COMMAND --help` describes a command.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Carry a locked Python project to AWS Lambda.

    Wherry reads the lock file that the project already has, and composes the deployment package directly from
    wheels: the same bytes on every machine, for either architecture, without Docker.
    """


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; every error is rendered here and nowhere else."""
    if asked := os.environ.get("_WHERRY_COMPLETE"):
        from wherry.cli.completion import answer

        return answer(main, asked)
    from wherry.cli.process import ended_by
    from wherry.cli.render import print_error

    try:
        code = main.main(args=list(arguments), prog_name="wherry", standalone_mode=False)
    except WherryError as error:
        print_error(error)
        return 1
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        print_error(_usage(error))
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return 128 + ended_by()
    except BrokenPipeError:
        # The reader of the output has gone: there is nowhere to report this.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        from wherry.files import reason_of

        what = f"cannot use `{error.filename}`" if error.filename else "the system refused"
        print_error(WherryError(what, where=[reason_of(error)]))
        return 1
    return code if isinstance(code, int) else 0


def _usage(error: click.ClickException) -> WherryError:
    """Click's own errors in the form of ours."""
    # Click writes lists one item a line, indented with tabs.
    message = " ".join(error.format_message().split()).rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context is not None else "wherry"
    hint = f"{path} --help"
    if isinstance(error, click.NoSuchOption) and error.possibilities:
        from wherry.problems import suggestion

        message, hint = error.message.rstrip("."), suggestion(error.possibilities) or hint
    if match := re.fullmatch(r"No such command '(.*)'", message):
        from wherry.problems import nearest

        message = f"there is no command `{match[1]}`"
        if near := nearest(match[1], COMMANDS):
            hint = f"did you mean `wherry {near}`?"
    return WherryError(message[:1].lower() + message[1:], hint=hint)
