"""Several stages in parallel: one build, and a report for each, also if another one fails."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec.structs import replace

from wherry.aws.stage import find_stage, legacy_stage, regions_of
from wherry.errors import SettingsError, WherryError
from wherry.events import SILENT, Event, OfStage, Reporter, UploadStarted
from wherry.problems import nearest
from wherry.settings.model import plain_stage
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from wherry.settings.project import Project

__all__ = ["StageResult", "each_stage", "for_stages", "split_names"]

Result = TypeVar("Result")

_AT_ONCE = 8


class StageResult(Struct, Generic[Result], frozen=True, kw_only=True):
    """The result of one of several stages.

    Attributes:
        stage: its name, with its region where it has several: ``production@eu-west-1``.
        value: what the work returned; None if it failed.
        error: the reason why it failed; else None.
    """

    stage: str
    value: Result | None
    error: WherryError | None

    def document(self) -> dict[str, Any]:
        """The JSON document of the stage, which tells of a failure in ``error``."""
        document: dict[str, Any] = {"schema": 1, "stage": self.stage}
        if self.value is not None:
            document |= self.value.document()  # type: ignore[attr-defined]
        error = self.error
        document["error"] = error and {
            "message": error.message,
            "where": list(error.where),
            "hint": error.hint,
        }
        return document


def split_names(
    project: Path | str,
    words: Sequence[str],
    *,
    config: Path | str | None = None,
    name: str | None = None,
    all_regions: bool = False,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The stages among the words after a command, and the functions and layers.

    The first word is a stage. Another one is a function or layer if the project has one of that name, or else a stage.
    ``all_regions`` lets each stage stand for all of its regions.

    Raises:
        SettingsError: the settings are wrong, or a stage has no regions.
    """
    first, *others = words
    if not others and not all_regions:
        return (first,), ()
    read, known = _read(project, first, config, name)
    packages = {*read.settings.functions, *read.settings.layers} or {read.name}
    stages, names = [first], list[str]()
    for word in others:
        is_stage = word not in packages and plain_stage(word) in known
        (stages if is_stage else names).append(word)
        if word not in packages and not is_stage and nearest(word, packages) is None:
            _refuse_misspelt(word, known)
    if all_regions:
        stages = [place for stage in stages for place in _in_regions(read, stage)]
    return tuple(dict.fromkeys(stages)), tuple(names)


def _refuse_misspelt(word: str, stages: Collection[str]) -> None:
    """Refuse a word that is nearly the name of a stage."""
    if (near := nearest(plain_stage(word), stages)) is not None:
        raise SettingsError(
            f"there is no stage, function or layer `{word}`", hint=f"did you mean `{near}`?"
        )


def _read(
    project: Path | str, stage: str, config: Path | str | None, name: str | None
) -> tuple[Project, Collection[str]]:
    """The project, and the names of its stages."""
    from wherry.settings.legacy.read import read_stages
    from wherry.settings.project import read_project

    path, legacy = None if config is None else Path(config), legacy_stage(config, stage)
    read = read_project(Path(project), config=path, stage=legacy, name=name)
    if path is not None and legacy is not None:
        return read, read_stages(path if path.exists() else Path(project) / path)
    return read, read.settings.stages


def _in_regions(project: Project, stage: str) -> list[str]:
    """A stage in each of its regions."""
    if "@" in stage:
        return [stage]
    find_stage(project, stage)
    regions = regions_of(project.settings.stages[stage])
    if not regions:
        raise SettingsError(
            f"stage `{stage}` has no regions",
            hint=f'write them: [tool.wherry.stages.{stage}] regions = ["eu-west-1", "us-east-1"]',
        )
    return [f"{stage}@{region}" for region in regions] if len(regions) > 1 else [stage]


def for_stages(
    work: Callable[..., Result],
    project: Path | str = ".",
    stages: Sequence[str] = (),
    *,
    build: bool = True,
    **options: Any,
) -> tuple[StageResult[Result], ...]:
    """Plan or deploy several stages side by side, with one build.

    >>> results = wherry.for_stages(wherry.deploy, ".", ["staging", "production"])

    The stages of a ``drover.yml`` build different packages, and so follow each other.

    Args:
        work: ``plan`` or ``deploy``.
        project: the project's folder.
        stages: their names; ``STAGE@REGION`` for one region of several.
        build: whether to build first; else the packages are taken as they were written.
        options: those of ``work``. Its ``reporter`` receives each event of a stage as ``OfStage``.

    Returns:
        The results in the order of the stages, those that failed with their error.

    Raises:
        WherryError: the input is wrong, or the packages cannot be built; nothing was changed.
    """
    from wherry.pipeline.build import build_packages
    from wherry.pipeline.options import PackageOptions
    from wherry.pipeline.request import open_context, read_request

    reporter: Reporter = options.pop("reporter", SILENT)
    if stages and legacy_stage(options.get("config"), stages[0]) is not None:
        return each_stage(
            lambda stage, own: work(project, stage, build=build, reporter=own, **options),
            [[stage] for stage in stages],
            reporter=reporter,
            at_once=1,
        )
    asked = {key: options.pop(key) for key in [*options] if key in PackageOptions.__annotations__}
    request, store = read_request(project, **asked), options.get("store")
    for stage in stages:
        find_stage(request.project, stage)
    if build:
        report = build_packages(request, open_context(request, store=store, reporter=reporter))
        request = replace(request, target=report.target, default_runtime=None)
    results = each_stage(
        lambda stage, own: work(request, stage, build=False, reporter=own, **options),
        _lanes(request.project, stages),
        reporter=reporter,
    )
    return tuple(sorted(results, key=lambda result: stages.index(result.stage)))


def each_stage(
    work: Callable[[str, Reporter], Result],
    lanes: Sequence[Sequence[str]],
    *,
    reporter: Reporter = SILENT,
    at_once: int = _AT_ONCE,
) -> tuple[StageResult[Result], ...]:
    """Do the work for each stage: lanes side by side, the stages of a lane one after another.

    The reporter receives the events as ``OfStage``.
    """
    interrupted = threading.Event()

    def result(stage: str) -> StageResult[Result]:
        own = _StageReporter(stage, reporter, interrupted)
        try:
            return StageResult(stage=stage, value=work(stage, own), error=None)
        except WherryError as error:
            return StageResult(stage=stage, value=None, error=error)

    with ThreadPoolExecutor(at_once, thread_name_prefix="stage") as pool:
        try:
            futures = [pool.submit(lambda lane: [*map(result, lane)], lane) for lane in lanes]
            return tuple(found for future in futures for found in future.result())
        except BaseException:
            interrupted.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _InterruptedError(BaseException):
    """The command was interrupted, in another thread."""


class _StageReporter(Struct, frozen=True):
    """Passes on the events of a stage. After an interruption it lets no further package be sent."""

    stage: str
    reporter: Reporter
    interrupted: threading.Event

    def emit(self, event: Event) -> None:
        if isinstance(event, UploadStarted) and self.interrupted.is_set():
            raise _InterruptedError
        self.reporter.emit(OfStage(stage=self.stage, event=event))


def _lanes(project: Project, stages: Sequence[str]) -> list[list[str]]:
    """The stages, those together that share a function or layer on AWS: two aliases of one function, for instance."""
    lanes: list[tuple[set[tuple[str, ...]], list[str]]] = []
    for stage in stages:
        keys = {*_keys(project, stage)}
        shared = [lane for lane in lanes if lane[0] & keys]
        rest = [lane for lane in lanes if not lane[0] & keys]
        merged = keys.union(*(lane[0] for lane in shared))
        lanes = [*rest, (merged, [*(name for lane in shared for name in lane[1]), stage])]
    return [names for _, names in lanes]


def _keys(project: Project, stage: str) -> Iterator[tuple[str, ...]]:
    """The names that tell the functions and layers of a stage from those of others."""
    settings = find_stage(project, stage)
    for name in [*project.settings.functions] or [project.name]:
        aws_name = settings.function_on_aws(name, project=project.name, stage=stage)
        yield "function", settings.region or "", aws_name.rpartition(":")[2]
    for name in project.settings.layers:
        aws_name = settings.layer_on_aws(name, project=project.name, stage=stage)
        yield "layer", settings.region or "", aws_name
