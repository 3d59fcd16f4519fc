"""The contents of built packages, or of any zip archives, in one call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

from msgspec.structs import replace

from wherry.contents.parts import part_of_zip
from wherry.contents.read import Contents
from wherry.context import Context
from wherry.errors import SettingsError
from wherry.events import SILENT
from wherry.files import real_path
from wherry.indexes.network import Network
from wherry.inspect.difference import compare_packages
from wherry.inspect.measure import Measured
from wherry.inspect.profile import ImportProfile, ProfileNode, import_tree, read_profile
from wherry.inspect.why import find_reason, unknown_subject
from wherry.pipeline.options import InspectOptions, build_options
from wherry.pipeline.subjects import find_subjects
from wherry.problems import refuse_options
from wherry.store import Store
from wherry.store.temporary import temporary_folder
from wherry.structs import Struct
from wherry.tools.git import check_out, find_commit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from wherry.events import Reporter
    from wherry.inspect.difference import PackageDifference
    from wherry.inspect.model import Inspected, Loaded
    from wherry.inspect.why import Reason
    from wherry.pipeline.options import CheckOptions
    from wherry.pipeline.subjects import Subjects
    from wherry.target import Target

__all__ = ["InspectReport", "inspect_packages"]

SCHEMA = 1
"""Raised when a field changes its meaning or goes; new fields do not raise it."""

_ORDER: tuple[Loaded, ...] = ("init", "lazy", "unreached")


class InspectReport(Struct, frozen=True, kw_only=True):
    """The contents of packages.

    Attributes:
        target: that they are for.
        packages: functions, and the layers that they take.
        reason: why something is in them; None if that was not asked.
        differences: to what was before, of each package; None if nothing was to be compared with.
        over_budget: the names of the packages that are bigger than they may be.
        profile: of a function's initialization; None if none was given.
        imports: the tree of its imports.
    """

    target: Target
    packages: tuple[Inspected, ...]
    reason: Reason | None = None
    differences: tuple[PackageDifference, ...] | None = None
    over_budget: tuple[str, ...] = ()
    profile: ImportProfile | None = None
    imports: tuple[ProfileNode, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether any file is another than before."""
        return any(self.differences or ())

    def document(self) -> dict[str, Any]:
        """The JSON document."""
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "packages": [package.document() for package in self.packages],
        }
        if self.reason is not None:
            document["why"] = self.reason.document()
        if self.differences is not None:
            document["differences"] = [each.document() for each in self.differences]
        if self.profile is not None:
            times = self.import_times().items()
            document["import_ms"] = {owner: round(time / 1000, 3) for owner, time in times}
        return document

    def import_times(self) -> Mapping[str, int]:
        """The microseconds of imports by what the modules belong to, each without what it imports; the longest first.

        Of what is made at run time and lies in no file of the package, they are under ``(no file)``; what no import
        accounts for is under ``(no import)``.
        """
        found: dict[str, int] = {}
        for node in self.imports:
            owner = "(no import)" if node.parent < 0 else node.owner or "(no file)"
            if node.own:
                found[owner] = found.get(owner, 0) + node.own
        return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))

    def html(self) -> str:
        """A page with treemaps, and a flame graph of a profile: one document that needs no other, the same for the same packages."""
        from wherry.inspect.page import page

        differences = self.differences
        return page(
            self.packages,
            None if differences is None else {each.name: each for each in differences},
            None if self.profile is None else (self.profile, self.imports),
        )


def inspect_packages(
    project: Path | str = ".",
    *,
    store: Store | None = None,
    reporter: Reporter = SILENT,
    before: Callable[[Collection[str]], Mapping[str, Path]] | None = None,
    **options: Unpack[InspectOptions],
) -> InspectReport:
    """Show what is in a project's packages, which are built first, or in zip archives of any tool.

    Args:
        project: the project's folder; not read where ``files`` are given.
        store: where files are kept, and what was found out is remembered; by default the user's.
        reporter: told what happens.
        before: given the names of functions and layers, returns the zip archives to compare with by name; in place
            of ``against``.
        options: what is asked, as ``wherry.InspectOptions`` and ``wherry.BuildOptions`` describe it.

    Raises:
        WherryError: a package cannot be built, a file not be read, or what is asked about is not there.
    """
    refuse_options(options, InspectOptions)
    store = store or Store.default()
    profile = _profile(options.get("profile"))
    given = cast("CheckOptions", options)
    subjects = find_subjects(project, given, store, reporter, doing="inspecting")
    measured = _measured(subjects)
    packages = _packages(measured)
    if options.get("suggestions", True):
        context = Context(
            target=subjects.target,
            store=store,
            network=Network(offline=options.get("offline", False)),
            reporter=reporter,
        )
        packages = _suggested(packages, measured, subjects, context)
    for subject in subjects.subjects:
        subject.contents.remember()
    reason = None
    if why := options.get("why"):
        found = (find_reason(each, why) for each in measured)
        reason = next(filter(None, found), None)
        if reason is None:
            raise unknown_subject(why, measured)
    against, differences = options.get("against"), None
    if before is not None or against is not None:
        old = (
            _of_files(before([each.name for each in packages]), measured)
            if before is not None
            else _old_packages(Path(project), str(against), options, measured, store, reporter)
        )
        new = {package.name: package for package in packages}
        differences = tuple(
            compare_packages(old.get(name), new.get(name)) for name in dict.fromkeys([*new, *old])
        )
    budget = options.get("budget")
    return InspectReport(
        target=subjects.target,
        packages=packages,
        reason=reason,
        differences=differences,
        over_budget=tuple(
            package.name for package in packages if budget is not None and package.size > budget
        ),
        profile=profile,
        imports=() if profile is None else _import_tree(profile, measured),
    )


def _profile(given: Path | str | ImportProfile | None) -> ImportProfile | None:
    return read_profile(Path(given)) if isinstance(given, Path | str) else given


def _import_tree(profile: ImportProfile, measured: Sequence[Measured]) -> tuple[ProfileNode, ...]:
    """The imports of a profile, as they belong to the packages of its function."""
    functions = {each.contents.parts[0].name: each for each in measured}
    chosen = functions.get(profile.function)
    if chosen is None and len(functions) > 1:
        of = f" of `{profile.function}`" if profile.function else ""
        raise SettingsError(
            f"the import times{of} are of none of the packages by their name",
            hint=f"name the function that they are of: {', '.join(functions)}",
        )
    return import_tree(profile, (chosen or measured[0]).module_owner)


def _measured(subjects: Subjects) -> list[Measured]:
    from packaging.utils import canonicalize_name

    name = subjects.project_name
    own = str(canonicalize_name(name)) if name else ""
    return [Measured(subject.contents, own) for subject in subjects.subjects]


def _packages(measured: Sequence[Measured]) -> tuple[Inspected, ...]:
    """The packages by name, functions first; of a layer with several functions, what any of them loads is loaded."""
    found: dict[str, Inspected] = {}
    for each in measured:
        for package in each.packages():
            other = found.get(package.name)
            found[package.name] = package if other is None else _merged(other, package)
    return tuple(sorted(found.values(), key=lambda package: package.kind))


def _suggested(
    packages: Sequence[Inspected],
    measured: Sequence[Measured],
    subjects: Subjects,
    context: Context,
) -> tuple[Inspected, ...]:
    """The same packages with suggestions."""
    from wherry.inspect.saving import Present
    from wherry.inspect.suggestions import find_suggestions
    from wherry.pipeline.bytecode.measure import suggest_bytecode

    found = []
    for package in packages:
        with_it = [
            each
            for each in measured
            if any(part.name == package.name for part in each.contents.parts)
        ]
        present = subjects.present.get(package.name, Present())
        suggestions = find_suggestions(with_it, package, present)
        if not present.of("bytecode"):
            suggestions += suggest_bytecode(with_it[0], package, context)
        suggestions = tuple(replace(each, table=present.table) for each in suggestions)
        found.append(replace(package, suggestions=suggestions))
    return tuple(found)


def _merged(first: Inspected, second: Inspected) -> Inspected:
    """A layer as two functions see it."""
    loaded = {each.name: each.loaded for each in second.distributions}
    times = {file.path: file.loaded for file in second.files}
    return replace(
        first,
        distributions=tuple(
            replace(each, loaded=min(each.loaded, loaded[each.name], key=_ORDER.index))
            for each in first.distributions
        ),
        files=tuple(
            replace(file, loaded=min(file.loaded, times[file.path] or file.loaded, key=_ORDER.index))
            if file.loaded is not None
            else file
            for file in first.files
        ),
    )  # fmt: skip


def _old_packages(
    project: Path,
    against: str,
    options: InspectOptions,
    measured: Sequence[Measured],
    store: Store,
    reporter: Reporter,
) -> Mapping[str, Inspected]:
    """The packages to compare with, by the names of those that they are compared with."""
    if Path(against).is_file():
        return _of_file(Path(against), measured)
    commit = find_commit(project, against) if not options.get("files") else None
    if commit is None:
        raise SettingsError(
            f"there is nothing to compare with at `{against}`",
            where=["it is no file, no stage, and no revision of the project's git repository"],
            hint="name a zip archive, a stage of the settings, or a branch, tag or commit",
        )
    return _of_commit(project, commit, options, store, reporter)


def _of_file(path: Path, measured: Sequence[Measured]) -> Mapping[str, Inspected]:
    parts = {part.name: (each, part) for each in measured for part in each.contents.parts}
    chosen = parts.get(path.stem)
    if chosen is None:
        functions = [pair for pair in parts.values() if pair[1].kind == "function"]
        candidates = functions or list(parts.values())
        if len(candidates) > 1:
            raise SettingsError(
                f"`{path.name}` is no package of the project by its name",
                hint=f"name the package that it is compared with: {', '.join(parts)}",
            )
        chosen = candidates[0]
    name = chosen[1].name
    # What has no counterpart is compared with itself.
    same = {package.name: package for each in measured for package in each.packages()}
    return {**same, **_of_files({name: path}, measured)}


def _of_files(before: Mapping[str, Path], measured: Sequence[Measured]) -> Mapping[str, Inspected]:
    """The packages in zip archives, each beside the same layers as the one that it is compared with."""
    found: dict[str, Inspected] = {}
    for known in measured:
        for part in known.contents.parts:
            if part.name in before and part.name not in found:
                options = replace(known.contents.options, store=None)
                old = part_of_zip(before[part.name], name=part.name, kind=part.kind)
                parts = [old if each is part else each for each in known.contents.parts]
                contents = Contents(parts, known.contents.target, options)
                packages = Measured(contents, known.own_name).packages()
                found |= {each.name: each for each in packages if each.name == part.name}
    return found


def _of_commit(
    project: Path,
    commit: tuple[str, str],
    options: InspectOptions,
    store: Store,
    reporter: Reporter,
) -> Mapping[str, Inspected]:
    """The packages of a commit, built in a temporary folder."""
    top, digest = commit
    below = real_path(project).relative_to(real_path(top))
    with temporary_folder("inspect") as folder:
        tree, output = folder / "tree", folder / "packages"
        check_out(top, digest, tree, label=str(project), offline=options.get("offline", False))
        of_build = cast("CheckOptions", {**build_options(options), "output": output})
        subjects = find_subjects(tree / below, of_build, store, reporter, doing="inspecting")
        return {package.name: package for package in _packages(_measured(subjects))}
