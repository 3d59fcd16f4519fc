"""``wherry lock``: write ``pylock.toml`` for a project that has no lock."""

from __future__ import annotations

from pathlib import Path

import click

from wherry.cli.options import in_project, of_target, quiet
from wherry.cli.render import Talk

__all__ = ["command"]


@click.command("lock")
@in_project
@of_target
@click.option(
    "--group", "groups", multiple=True, metavar="NAME", help="Include a dependency group."
)
@click.option("--extra", "extras", multiple=True, metavar="NAME", help="Include an extra.")
@click.option("--offline", is_flag=True, help="Use no network: resolve from uv's cache alone.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The file to write. [default: pylock.toml in the project]",
)
@quiet
def command(
    *,
    project: Path,
    runtime: str | None,
    architecture: str | None,
    groups: tuple[str, ...],
    extras: tuple[str, ...],
    offline: bool,
    output: Path | None,
    quiet: bool,
) -> None:
    """Resolve a project that has no lock, and write pylock.toml (PEP 751).

    What pyproject.toml, requirements.in, Pipfile or setup.py declare is resolved by uv for the target alone.
    A project that is locked by uv, Poetry or Pipenv keeps its lock: run their own command.
    """
    from wherry.indexes.access import Access
    from wherry.lock import LockRequest, write_lock
    from wherry.project import choose_target, read_project

    found = read_project(project)
    target, why = choose_target(found, runtime=runtime, architecture=architecture)
    with Talk(quiet=quiet) as talk:
        talk.note(f"locking for {target}: {why}")
        request = LockRequest(
            root=found.root,
            target=target,
            groups=(*found.settings.groups, *groups),
            extras=(*found.settings.extras, *extras),
            offline=offline,
            access=Access(found.settings.indexes, folders=[found.root], offline=offline),
        )
        path = write_lock(request, output=output or project / "pylock.toml", reporter=talk)
    click.echo(path.as_posix())
