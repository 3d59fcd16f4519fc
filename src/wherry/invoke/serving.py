"""Serving what a project's builds give, one build after the other."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.errors import InvokeError, WherryError
from wherry.events import SILENT, Reporter, Warned
from wherry.files import real_path
from wherry.invoke.api import find_api, function_settings
from wherry.invoke.builds import Builds, ServedBuild
from wherry.invoke.request import EventFormat
from wherry.invoke.runnable import Runnable, choose_function
from wherry.invoke.served import EventSession, ServedFunction, prepare_all
from wherry.pipeline.watched import Watched, watched_by
from wherry.settings.local import ORIGIN
from wherry.settings.model import CorsSettings
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from wherry.bundle.bundle import Bundle
    from wherry.context import Context
    from wherry.invoke.debugging import Debuggers
    from wherry.pipeline.report import BuildReport, PackageReport
    from wherry.pipeline.request import BuildRequest

__all__ = ["BuiltProject", "Front", "Maker", "Serving"]

_PREPARED = 10
"""Functions whose environments are started before there is an event, at most."""
_AT_ONCE = 4
_API_FORMS = frozenset({EventFormat.HTTP, EventFormat.HTTP_1, EventFormat.REST})


class BuiltProject(Struct, frozen=True, kw_only=True):
    """A build, and what it was made of.

    Attributes:
        provided: gives the distributions that the runtime has and a function's package has not, by its name; None for
            the only one.
    """

    request: BuildRequest
    context: Context
    report: BuildReport
    provided: Callable[[str | None], Bundle | None]


class Front(Struct, frozen=True, kw_only=True):
    """The services in front of the functions.

    Attributes:
        names: the functions; all when empty.
        form: the service; None for the one that routes are of.
        stage: that paths begin with.
        cors_origins: origins whose pages may call every function, whatever the settings say.

    Raises:
        InvokeError: the stage or an origin is none.
    """

    names: tuple[str, ...] = ()
    form: EventFormat | None = None
    stage: str | None = None
    cors_origins: tuple[str, ...] = ()
    concurrency: int = 1

    def __post_init__(self) -> None:
        """Check them."""
        if self.stage is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", self.stage):
            raise InvokeError(
                f"`{self.stage}` is not the name of a stage",
                where=["it consists of letters, digits, `-` and `_`"],
            )
        for origin in self.cors_origins:
            if not re.fullmatch(ORIGIN, origin):
                raise InvokeError(
                    f"`{origin}` is not an origin",
                    hint="an origin is a scheme and a host, such as https://example.com; * stands for all",
                )


class Maker(Struct, frozen=True, kw_only=True):
    """The functions that make a build and its parts, and those that are told.

    Attributes:
        read: reads what is asked for, without building.
        runnable: a function of a build, by its name; what there is to say goes to the reporter.
        open_session: a session of a function, in a context, that passes its output on.
        on_log: told whole lines of what functions write.
        on_failed: told why the project cannot be built, or a function not be loaded.
        on_reloaded: told the names of the functions that were replaced.
    """

    root: Path
    read: Callable[[], tuple[BuildRequest, Context]]
    build: Callable[[], BuiltProject]
    runnable: Callable[[BuiltProject, str, Reporter], Runnable]
    open_session: Callable[[Runnable, Context, Callable[[bytes], None]], EventSession]
    on_log: Callable[[bytes], None] | None
    on_failed: Callable[[WherryError], None]
    on_reloaded: Callable[[Sequence[str]], None]
    debuggers: Debuggers


class Serving:
    """Makes builds and hands them to ``builds``."""

    def __init__(self, front: Front, maker: Maker) -> None:
        self.builds = Builds()
        self._front, self._maker = front, maker

    def load(self) -> None:
        """Build and serve, for the first time.

        Raises:
            WherryError: the project cannot be built, or has no function to serve.
        """
        self._serve(self._maker.build())

    def load_or_tell(self) -> Watched:
        """Build and serve; an error is told, and answers requests. Returns what decides the next build."""
        self.builds.begin()
        try:
            built = self._maker.build()
            self._serve(built)
        except WherryError as error:
            self.builds.fail(error)
            self._maker.on_failed(error)
            return self.watched()
        except BaseException:
            self.builds.keep()
            raise
        return watched_by(built.request, built.context, target=built.report.target)

    def reload(self) -> Watched:
        """As ``load_or_tell``, and tell which functions were replaced."""
        before = set(self.builds.functions.values())
        watched = self.load_or_tell()
        after = self.builds.functions.values()
        if replaced := [each.name for each in after if each not in before]:
            self._maker.on_reloaded(replaced)
        return watched

    def watched(self) -> Watched:
        """The files that decide the result of a build, as far as is known without one."""
        try:
            return watched_by(*self._maker.read())
        except WherryError:
            return Watched(folders=(real_path(self._maker.root),))

    def _serve(self, built: BuiltProject) -> None:
        names = self._names(built)
        api = find_api(
            built.request,
            names,
            form=self._front.form,
            stage=self._front.stage,
            reporter=built.context.reporter,
        )
        if self._front.stage is not None and api.form not in _API_FORMS:
            raise InvokeError(
                "a stage in the path is one of API Gateway",
                where=[f"the functions are served as behind {api.form}"],
                hint="choose an HTTP or REST API: --format http or --format rest",
            )
        digests = {name: self._digest(name, built) for name in names}
        functions = {
            name: each
            for name, each in self.builds.functions.items()
            if each.digest == digests.get(name) and not each.is_closed
        }
        self._maker.debuggers.assign(names)
        new = self._open_all([name for name in names if name not in functions], digests, built)
        functions = {name: functions.get(name) or new[name] for name in names}
        self.builds.put(
            ServedBuild(functions=functions, api=api, aliases=_names_on_aws(built.request))
        )
        if self._maker.debuggers.are_awaited:
            # Each waits for an editor, and none for another.
            prepare_all([*new.values()], self._maker.on_failed, at_once=len(new))
        else:
            prepare_all([*new.values()][:_PREPARED], self._maker.on_failed)

    def _open_all(
        self, names: Sequence[str], digests: Mapping[str, str], built: BuiltProject
    ) -> dict[str, ServedFunction]:
        """New environments for functions, laid out at the same time, as most of that is waiting."""
        from concurrent.futures import ThreadPoolExecutor

        # What there is to say about the machine is said once.
        silent = replace(built.context, reporter=SILENT)
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            futures = {
                name: pool.submit(
                    self._open, name, digests[name], built, silent if number else built.context
                )
                for number, name in enumerate(names)
            }
        if error := next(filter(None, (each.exception() for each in futures.values())), None):
            for each in futures.values():
                if each.exception() is None:
                    each.result().close()
            raise error
        return {name: each.result() for name, each in futures.items()}

    def _open(
        self, name: str, digest: str, built: BuiltProject, context: Context
    ) -> ServedFunction:
        runnable = self._maker.runnable(built, name, context.reporter)

        def open_session(number: int, write: Callable[[bytes], None]) -> EventSession:
            reporting = context if number == 0 else replace(context, reporter=SILENT)
            return self._maker.open_session(runnable, reporting, write)

        settings = function_settings(built.request).get(name)
        cors = settings.cors if settings is not None else None
        if self._front.cors_origins:
            cors = CorsSettings(
                allow_origins=self._front.cors_origins,
                allow_methods=("*",),
                allow_headers=("*",),
            )
        return ServedFunction(
            runnable,
            open_session,
            digest=digest,
            concurrency=self._front.concurrency,
            on_log=self._maker.on_log,
            cors=cors,
        )

    def _names(self, built: BuiltProject) -> Sequence[str]:
        """The names of the functions to serve; of all those without a handler are left out."""
        functions = [each for each in built.report.packages if each.kind == "function"]
        known = [each.name for each in functions]
        if self._front.names:
            return [choose_function(known, name) for name in dict.fromkeys(self._front.names)]
        callable_ = [each.name for each in functions if each.handler is not None]
        if not callable_:
            return [choose_function(known, None)]
        for name in known:
            if name not in callable_:
                built.context.reporter.emit(
                    Warned(text=f"`{name}` is not served: it has no handler")
                )
        return callable_

    def _digest(self, name: str, built: BuiltProject) -> str:
        """A digest of all that decides how a function runs."""
        packages = {each.name: each for each in built.report.packages}
        function = packages[name]
        code: list[PackageReport] = [function]
        code += [packages[layer] for layer in function.layers if layer in packages]
        locks = [built.request.lock_request(key).lock for key in built.request.supplies]
        parts = (
            [(each.name, each.sha256) for each in code],
            function.handler,
            function.layers,
            # What the runtime provides is in the lock, and in no package.
            [built.context.files.digest(lock) for lock in locks if lock] * bool(function.provided),
            function.provided,
            str(built.report.target),
            function_settings(built.request).get(name),
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def _names_on_aws(request: BuildRequest) -> Mapping[str, str]:
    """The names that functions have on AWS by the stages of the settings, and those that they have here."""
    names: dict[str, str] = {}
    for stage, settings in request.settings.stages.items():
        for recipe in request.recipes:
            if recipe.kind == "function":
                name = settings.function_on_aws(
                    recipe.name, project=request.project.name, stage=stage
                )
                names.setdefault(name.rpartition(":")[2], recipe.name)
    return names
