"""First settings in one call, with settings that make packages smaller, if that can be measured without fetching."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from msgspec.structs import replace

from wherry.bundle.archive import read_archive
from wherry.contents.services import CREDENTIALS, data_of, service_uses
from wherry.contents.unneeded import HEADERS, STUBS, paths_of_tests
from wherry.errors import WherryError
from wherry.events import SILENT, Note
from wherry.lock.find import choose_lock
from wherry.pipeline.acquired import Kind
from wherry.pipeline.locked import read_locked
from wherry.pipeline.memory import Memory
from wherry.pipeline.request import open_context, read_request
from wherry.pipeline.supply import settle_target
from wherry.settings.init.modules import read_modules
from wherry.settings.init.write import InitOptions
from wherry.settings.init.write import init as init_settings
from wherry.sizes import format_size
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from wherry.events import Reporter
    from wherry.settings.init.proposal import Proposal
    from wherry.settings.init.write import FirstSettings

__all__ = ["init"]

_SMALLEST = 100_000
"""Bytes zipped below which a line of settings is not worth proposing."""


def init(
    project: Path | str = ".",
    *,
    write: bool = True,
    store: Store | None = None,
    reporter: Reporter = SILENT,
    **options: Unpack[InitOptions],
) -> FirstSettings:
    """Propose settings for a project, and write them to its ``pyproject.toml``, or else ``wherry.toml``.

    Settings that would make packages smaller are proposed as comments, with the bytes that they save in the wheels of
    the lock. These are measured in the store: nothing is fetched, built or run.

    Args:
        project: the project's folder.
        write: whether to write them; else they are only proposed.
        store: where wheels may be from earlier builds; by default the user's.
        reporter: told where they come from, and what to check.
        options: what is asked, as ``InitOptions`` describes it.

    Raises:
        WherryError: the project has settings, or those of an older tool are wrong; nothing was written.
    """
    kept = store or Store.default()

    def remarks(root: Path, table: Mapping[str, Any]) -> Sequence[str]:
        try:
            found = _remarks(root, table, kept)
        except WherryError:
            # A build tells what is wrong.
            return ()
        if found is None:
            text = "after the first build, `wherry inspect` tells what makes packages smaller and faster to start"
            reporter.emit(Note(text=text))
        return found or ()

    def settle(proposal: Proposal) -> Proposal:
        if any(options.get(key) for key in ("runtime", "config", "install_path")):
            return proposal
        try:
            return _for_locks(proposal, project, options.get("architecture"), kept)
        except WherryError:
            return proposal

    return init_settings(
        project, write=write, reporter=reporter, remarks=remarks, settle=settle, **options
    )


def _for_locks(
    proposal: Proposal, project: Path | str, architecture: str | None, store: Store
) -> Proposal:
    """The proposal for the runtime that a build without settings would choose: one that the project's lock admits."""
    request = replace(read_request(project, architecture=architecture), offline=True)
    newest = request.target.runtime.name
    choices = [
        choose_lock(request.lock_request(key), request.project.files) for key in request.supplies
    ]
    if proposal.table.get("runtime") != newest or not all(
        choice is not None and choice.format.value.tool_made for choice in choices
    ):
        return proposal
    settled = settle_target(request, open_context(request, store=store), by_hash=True)
    runtime = settled.target.runtime.name
    if runtime == newest:
        return proposal
    notes = [note for note in proposal.notes if not note.startswith(f"{newest}: ")]
    return replace(
        proposal,
        table={**proposal.table, "runtime": runtime},
        comments={**proposal.comments, "runtime": "the newest that the lock admits"},
        notes=(f"{runtime}: {settled.target_reason}", *notes),
    )


class _File(NamedTuple):
    distribution: str
    path: str
    size: int


def _remarks(root: Path, table: Mapping[str, Any], store: Store) -> list[str] | None:
    """The lines of comments; None if wheels are not in the store."""
    files = _files(root, table, store)
    if files is None:
        return None
    services = _services(root, {service for file in files if (service := data_of(file.path))})
    lines: list[str] = []
    if services:
        kept = {*services, *CREDENTIALS}
        others = [
            file
            for file in files
            if file.distribution == "botocore" and (data_of(file.path) or "s3") not in kept
        ]
        # What functions use that take a layer is not known when it is built alone.
        value = json.dumps(sorted(services)) if table.get("layers") else '"detect"'
        lines += _line(f"botocore-services = {value}", others)
    tests = paths_of_tests((file.path for file in files), (), "function")
    kinds = {
        "tests": [file for file in files if file.path in tests],
        "stubs": [file for file in files if file.path.endswith(STUBS) and file.path not in tests],
        "headers": [file for file in files if file.path.endswith(HEADERS) and file.path not in tests],
    }  # fmt: skip
    named = [kind for kind, its in kinds.items() if sum(file.size for file in its) >= _SMALLEST]
    values = ", ".join(f'"{kind}"' for kind in named)
    lines += _line(f"slim = [{values}]", [file for kind in named for file in kinds[kind]])
    if lines:
        whole = format_size(sum(file.size for file in files))
        lines = [
            f"# Smaller, as measured in the dependencies, which have {whole} zipped:",
            *lines,
            "# `wherry inspect` tells more, and what makes a function faster to start.",
        ]
    return lines


def _line(setting: str, files: Sequence[_File]) -> Iterator[str]:
    size = sum(file.size for file in files)
    if size >= _SMALLEST:
        yield f"# {setting}  # {format_size(size)} less"


def _files(root: Path, table: Mapping[str, Any], store: Store) -> list[_File] | None:
    """The files of all locked wheels; None if any of them is not in the store."""
    runtime = table.get("runtime")
    if not isinstance(runtime, str) or not store.root.is_dir() or "install-path" in table:
        return None
    request = read_request(
        root, runtime=runtime, architecture=table.get("architecture"), offline=True
    )
    context = open_context(request, store=store, reporter=SILENT)
    locked = read_locked(request, Memory(request, context), context)
    files = []
    for each in {each for acquired in locked.acquired.values() for each in acquired}:
        if each.kind is not Kind.WHEEL:
            continue
        path = store.find(each.sha256) if len(each.sha256) == 64 else None
        if path is None:
            return None
        files += [
            _File(each.name, member.name, member.compressed_size) for member in read_archive(path)
        ]
    return files


def _services(root: Path, known: set[str]) -> set[str]:
    """The services that own code names; none where a call does not tell its own."""
    if not known:
        return set()
    uses = [use for module in read_modules(root)[1] for use in service_uses(module.source)]
    if any(use.service is None for use in uses):
        return set()
    return {use.service for use in uses if use.service is not None} & known
