"""The lines that ``wherry inspect`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.inspect.difference import ChangedDistribution, PackageDifference, fold_changes
from wherry.inspect.groups import group_files
from wherry.sizes import count, format_change, format_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wherry.inspect.model import Inspected, Suggestion
    from wherry.inspect.why import Reason
    from wherry.pipeline.inspect import InspectReport

__all__ = ["report_lines"]

_LOADED = {"init": "at init", "lazy": "lazily", "unreached": "not reached"}
_MOST_FILES = 20


def report_lines(report: InspectReport, *, by: str, top: int | None) -> Iterator[str]:
    """The lines of a report: the answer to what was asked, else a table of each package."""
    if report.reason is not None:
        yield from _reason_lines(report.reason)
    if report.differences is not None:
        packages = {package.name: package for package in report.packages}
        for difference in report.differences:
            yield from _difference_lines(difference, packages.get(difference.name), top)
    if report.reason is None and report.differences is None:
        for number, package in enumerate(report.packages):
            if number:
                yield ""
            yield from _package_lines(package, by, top)
        if report.profile is not None:
            yield ""
            yield from _time_lines(report.import_times(), top)


def _package_lines(package: Inspected, by: str, top: int | None) -> Iterator[str]:
    what = "layer " if package.kind == "layer" else ""
    yield (
        f"{what}{package.name}: {format_size(package.size)} zipped, "
        f"{format_size(package.unzipped_size)} unzipped, {count(len(package.files), 'file')}"
    )
    heading = [by, "zipped", "share", "unzipped", "files"]
    rows = [
        [each.name, *_sizes(each.size, package), format_size(each.unzipped_size), f"{each.files:,}"]
        for each in group_files(package, by)
    ]
    if by == "distribution":
        known = {each.name: each for each in package.distributions}
        heading += ["retained", "loaded"]
        for row in rows:
            each = known[row[0]]
            row[0] = f"{each.name} {each.version}".rstrip()
            row += [format_size(each.retained_size), _LOADED[each.loaded]]
    shown = rows[:top]
    if len(shown) < len(rows):
        rest = group_files(package, by)[len(shown) :]
        more = [f"({len(rest)} more)", *_sizes(sum(each.size for each in rest), package)]
        more += [
            format_size(sum(each.unzipped_size for each in rest)),
            f"{sum(each.files for each in rest):,}",
        ]
        shown = [*shown, more]
    shown.append(["(zip headers)", *_sizes(package.overhead, package)])
    yield from _table(heading, shown)
    if not package.certain and by == "distribution":
        yield "  the handler is not known, so every module that may be one is taken for it; `--handler` names it"
    if by == "distribution":
        smaller = [each for each in package.suggestions if each.size > 0]
        yield from _suggestion_lines("Smaller", smaller)
        faster = [each for each in package.suggestions if each.size <= 0]
        yield from _suggestion_lines("Faster to start", faster)


def _suggestion_lines(heading: str, suggestions: Sequence[Suggestion]) -> Iterator[str]:
    """The suggestions of a package: for each its bytes, and the line of settings that does it."""
    if not suggestions:
        return
    table = suggestions[0].table
    yield f"  {heading}, in [{table}]:" if table else f"  {heading}:"
    for each in suggestions:
        more = " more" if each.size <= 0 else ""
        zipped, unzipped = format_size(abs(each.size)), format_size(abs(each.unzipped_size))
        yield f"    {zipped}{more} zipped, {unzipped}{more} unzipped: {each.text}"
        if each.setting:
            yield f"      {each.setting}"


def _time_lines(times: Mapping[str, int], top: int | None) -> Iterator[str]:
    """The time of the modules of each owner, in microseconds; without what they import of others."""
    whole = sum(times.values())
    yield f"import time: {whole / 1000:.1f} ms"
    rows = [
        [owner, f"{time / 1000:.1f} ms", f"{time / whole:.1%}"] for owner, time in times.items()
    ]
    shown = rows[:top]
    if rest := list(times.values())[len(shown) :]:
        shown.append(
            [f"({len(rest)} more)", f"{sum(rest) / 1000:.1f} ms", f"{sum(rest) / whole:.1%}"]
        )
    yield from _table(["modules of", "itself", "share"], shown)


def _sizes(size: int, package: Inspected) -> list[str]:
    return [format_size(size), f"{size / package.size:.1%}" if package.size else ""]


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines with columns; all but the first and ``loaded`` are at the right."""
    every = [heading, *rows]
    widths = [
        max(len(row[column]) for row in every if column < len(row))
        for column in range(len(heading))
    ]
    for row in every:
        cells = [
            cell.ljust(width) if name in {heading[0], "loaded"} else cell.rjust(width)
            for name, cell, width in zip(heading, row, widths, strict=False)
        ]
        yield f"  {'  '.join(cells)}".rstrip()


def _reason_lines(reason: Reason) -> Iterator[str]:
    if reason.subject != reason.owner:
        kind = "folder" if reason.subject.endswith("/") else "file"
        yield f"{reason.subject} is a {kind} of {reason.owner}, in {reason.package}"
    else:
        yield f"{reason.owner} is in {reason.package}"
    if reason.requirements:
        for chain in reason.requirements:
            yield f"  required: {' → '.join(chain)}"
    else:
        yield "  nothing that is in the package requires it"
    if reason.imports:
        yield f"  imported: {' → '.join(reason.imports)}"
    else:
        yield "  no import from the handler on is known to reach it"


def _difference_lines(
    difference: PackageDifference, package: Inspected | None, top: int | None
) -> Iterator[str]:
    if not difference:
        yield f"{difference.name}: no difference"
        return
    yield (
        f"{difference.name}: {format_size(difference.size_before)} → {format_size(difference.size_after)} zipped, "
        f"{format_change(difference.size_after - difference.size_before)}"
    )
    for each in difference.distributions[:top]:
        yield f"  {_changed(each)}"
    if (more := len(difference.distributions) - len(difference.distributions[:top])) > 0:
        yield f"  {count(more, 'more distribution')}"
    # The lines of distributions that came, went or have another version stand for their files.
    told = {each.name for each in difference.distributions if each.before != each.after}
    files = [file for file in difference.files if file.owner not in told]
    folded = fold_changes(files, () if package is None else package.files)
    shown = folded[: top or _MOST_FILES]
    for change in shown:
        files_of = f", {count(change.files, 'file')}" if change.path.endswith(("/", "/*")) else ""
        yield f"    {change.path} {change.change}{files_of}, {format_change(change.size)}"
    if rest := sum(each.files for each in folded[len(shown) :]):
        yield f"    {count(rest, 'more file')}"


def _changed(each: ChangedDistribution) -> str:
    change = format_change(each.size_after - each.size_before)
    if each.before is None:
        return f"{each.name} {each.after} new, {change}".replace("  ", " ")
    if each.after is None:
        return f"{each.name} {each.before} gone, {change}".replace("  ", " ")
    if each.before != each.after:
        return f"{each.name} {each.before} → {each.after}, {change}"
    return f"{each.name} {each.after} changed, {change}".replace("  ", " ")
