"""The block of a tool for a project's functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import SettingsError
from wherry.problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wherry.pipeline.blocks.facts import Facts

__all__ = ["TOOLS", "block"]

TOOLS = ("cdk", "terraform", "sam", "serverless", "github")
"""The tools that there are blocks for."""


def block(
    tool: str,
    project: Path | str = ".",
    *,
    runtime: str | None = None,
    architecture: str | None = None,
) -> str:
    """The text with which another tool takes the packages of a project.

    Nothing is built or written.

    Args:
        tool: ``cdk``, ``terraform``, ``sam``, ``serverless`` or ``github``.
        project: the project's folder.
        runtime: in place of that of the settings.
        architecture: likewise.

    Raises:
        SettingsError: there is no such tool, or the project has no function.
        WherryError: there is no project, or its settings are wrong.
    """
    write = _writers().get(tool)
    if write is None:
        raise SettingsError(
            f"there is no block for `{tool}`",
            where=[f"there are blocks for {', '.join(TOOLS)}"],
            hint=did_you_mean(tool, known=TOOLS),
        )
    from wherry.pipeline.blocks.facts import read_facts

    facts = read_facts(project, runtime=runtime, architecture=architecture)
    for function in facts.functions:
        if function.handler is None and tool != "github":
            raise SettingsError(
                f"the function `{function.name}` has no handler",
                hint="set `handler` or `app`; `wherry init` looks for them",
            )
    return write(facts)


def _writers() -> dict[str, Callable[[Facts], str]]:
    from wherry.pipeline.blocks import programs, templates

    return {
        "cdk": programs.cdk,
        "terraform": programs.terraform,
        "sam": templates.sam,
        "serverless": templates.serverless,
        "github": templates.github,
    }
