"""Terraform's protocol for external programs: a JSON object of strings in, and another one out.

https://registry.terraform.io/providers/hashicorp/external/latest/docs/data-sources/external
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.errors import SettingsError
from wherry.events import SILENT
from wherry.pipeline.digest import digest
from wherry.problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.events import Reporter
    from wherry.pipeline.digest import DigestReport, PackageDigest
    from wherry.pipeline.options import BuildOptions
    from wherry.store import Store

__all__ = ["answer_terraform"]

_OPTIONS = ("runtime", "architecture", "lock", "config", "package", "output")
_KEYS = ("project", "name", *_OPTIONS)


def answer_terraform(
    query: str,
    *,
    project: Path | str = ".",
    store: Store | None = None,
    reporter: Reporter = SILENT,
    **options: str,
) -> dict[str, str]:
    """Answer the query of a data source of Terraform with the digest of a package.

    Args:
        query: the JSON object that Terraform writes: ``project`` (its folder), ``name`` (of the function or layer,
            where there are several), and options of ``wherry build`` by their names. Empty values count as absent.
        project: the folder where the query names none.
        store: where files are kept; by default the user's.
        reporter: told what happens.
        options: those that the query does not give.

    Returns:
        ``inputs_sha256``, ``code_sha256`` (empty where it is not known), ``path``, ``handler``, ``runtime``,
        ``architecture``, ``name`` and ``kind``. Where a project has several packages and the query has no name,
        the keys of each begin with its name and a full stop.

    Raises:
        SettingsError: the query is not a JSON object of strings, or has an unknown key.
        WherryError: as ``digest``.
    """
    asked = {**options, **_read(query)}
    folder = Path(asked.pop("project", project))
    name = asked.pop("name", None)
    given: BuildOptions = {"names": [name] if name else []}
    for key in _OPTIONS:
        if key in asked:
            given[key] = asked[key]  # type: ignore[literal-required]
    report = digest(folder, store=store, reporter=reporter, **given)
    if name or len(report.packages) == 1:
        # A project without settings has one package, whatever it is called.
        package = next((one for one in report.packages if one.name == name), report.packages[-1])
        return _answer(package, report)
    return {
        f"{package.name}.{key}": value
        for package in report.packages
        for key, value in _answer(package, report).items()
    }


def _read(query: str) -> Mapping[str, str]:
    try:
        values = json.loads(query) if query.strip() else {}
    except (ValueError, RecursionError) as error:
        raise SettingsError("the query is not JSON", where=[str(error)]) from error
    if not isinstance(values, dict) or not all(isinstance(each, str) for each in values.values()):
        raise SettingsError("the query is not a JSON object of strings")
    for key in values:
        if key not in _KEYS:
            raise SettingsError(
                f"the query has an unknown key `{key}`",
                where=[f"the keys are {', '.join(_KEYS)}"],
                hint=did_you_mean(key, known=_KEYS),
            )
    return {key: value for key, value in values.items() if value}


def _answer(package: PackageDigest, report: DigestReport) -> dict[str, str]:
    return {
        "name": package.name,
        "kind": package.kind,
        "path": package.path.as_posix(),
        "handler": package.handler or "",
        **report.target.document(),
        "inputs_sha256": package.inputs_sha256,
        "code_sha256": package.code_sha256 or "",
    }
