"""The page for the browser: one file without any other, the same bytes for the same packages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry.inspect.difference import PackageDifference, fold_changes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.inspect.model import Inspected, InspectedDistribution
    from wherry.inspect.profile import ImportProfile, ProfileNode

__all__ = ["page"]

_HERE = Path(__file__).parent
_LOADED = ("init", "lazy", "unreached", None)

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<noscript>This page draws with JavaScript, which is switched off.</noscript>
<script type="application/json" id="data">{data}</script>
<script>
{script}</script>
</body>
</html>
"""


def page(
    packages: Sequence[Inspected],
    differences: Mapping[str, PackageDifference] | None = None,
    profile: tuple[ImportProfile, Sequence[ProfileNode]] | None = None,
) -> str:
    """The HTML document that shows packages as treemaps, and import times as a flame graph.

    ``differences`` to what was before are by the names of packages; ``profile`` has the tree of its imports.
    """
    data = {
        "packages": [
            _package(each, None if differences is None else differences.get(each.name))
            for each in packages
        ],
        "compared": differences is not None,
    }
    if profile is not None:
        data["profile"] = _profile(*profile)
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    for sign, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(sign, escaped)
    return _PAGE.format(
        title="Packages by size" if len(packages) != 1 else "Package by size",
        style="".join(map(_text, ("page.css", "flame.css"))),
        script="".join(map(_text, ("flame.js", "page.js"))),
        data=text,
    )


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _profile(profile: ImportProfile, nodes: Sequence[ProfileNode]) -> dict[str, Any]:
    """A profile; of owners, the nodes have the index."""
    owners = sorted({node.owner for node in nodes})
    return {
        "function": profile.function,
        "measured": profile.seconds is not None,
        "cold": [round(each * 1e6) for each in sorted(profile.cold_seconds)],
        "owners": owners,
        "nodes": [
            [node.module, node.parent, node.own, owners.index(node.owner), int(node.is_choice)]
            for node in nodes
        ],
    }


def _package(package: Inspected, difference: PackageDifference | None) -> dict[str, Any]:
    files: dict[str, list[list[object]]] = {}
    before = {each.path: each.size_before for each in difference.files} if difference else {}
    for file in package.files:
        row: list[object] = [
            file.path, file.size, file.unzipped_size, _LOADED.index(file.loaded),
        ]  # fmt: skip
        if file.path in before:
            row.append(before[file.path])
        files.setdefault(file.owner, []).append(row)
    document = {
        "name": package.name,
        "size": package.size,
        "unzipped": package.unzipped_size,
        "overhead": package.overhead,
        "certain": package.certain,
        "distributions": [_distribution(each, files[each.name]) for each in package.distributions],
        "suggestions": [each.document() for each in package.suggestions],
    }
    if difference is not None:
        document["was"] = difference.size_before
        document["gone"] = [
            [each.path, each.size_before, each.owner]
            for each in difference.files
            if each.change == "gone"
        ]
        document["went"] = [
            [each.path, each.files, -each.size]
            for each in fold_changes(difference.files, package.files)
            if each.change == "gone"
        ]
    return document


def _distribution(each: InspectedDistribution, files: list[list[object]]) -> dict[str, Any]:
    return {
        "name": each.name,
        "version": each.version,
        "size": each.size,
        "unzipped": each.unzipped_size,
        "retained": each.retained_size,
        "loaded": _LOADED.index(each.loaded),
        "files": files,
    }
