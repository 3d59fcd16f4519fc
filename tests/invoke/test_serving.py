"""Builds that are served one after the other: real builds and real watching; the functions are callables that read
what was written.
"""

from __future__ import annotations

import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from support.functions import HERE
from support.projects import EMPTY_LOCK, write_files
from support.serving import CallableSession, ran, serve_build
from wherry.context import Context
from wherry.errors import InvokeError, WherryError
from wherry.events import SILENT
from wherry.invoke.debugging import Debuggers, Debugging
from wherry.invoke.outcome import FunctionError, Invocation
from wherry.invoke.reload import Reloader
from wherry.invoke.request import EventFormat
from wherry.invoke.runnable import Runnable, find_runnable
from wherry.invoke.serving import BuiltProject, Front, Maker, Serving
from wherry.pipeline.build import build_packages
from wherry.pipeline.request import BuildRequest, open_context, read_request
from wherry.store import Store

METADATA = '[project]\nname = "shop"\nversion = "1.0"\n'


@dataclass
class Project:
    root: Path
    store: Store
    front: Front = field(default_factory=Front)
    builds: int = 0
    failed: list[WherryError] = field(default_factory=list)
    reloaded: list[Sequence[str]] = field(default_factory=list)
    sessions: list[CallableSession] = field(default_factory=list)
    hold: dict[str, threading.Event] = field(default_factory=dict)
    # What a build waits for.
    gate: threading.Event = field(default_factory=threading.Event)

    def write(self, settings: str = "", **modules: str) -> None:
        files = {f"{name}.py": text for name, text in modules.items()}
        own = {"pyproject.toml": METADATA + settings, "pylock.toml": EMPTY_LOCK} if settings else {}
        write_files(self.root, {**own, **files})

    def read(self) -> tuple[BuildRequest, Context]:
        request = read_request(self.root, runtime=HERE, names=self.front.names)
        return request, open_context(request, store=self.store, reporter=SILENT)

    def build(self) -> BuiltProject:
        self.builds += 1
        assert self.gate.wait(30)
        request, context = self.read()
        report = build_packages(request, context)
        return BuiltProject(
            request=request, context=context, report=report, provided=lambda _: None
        )

    def session(
        self, runnable: Runnable, _: Context, __: Callable[[bytes], None]
    ) -> CallableSession:
        """Answers with the text of the module, as it was when the session was made."""
        module = runnable.handler.partition(".")[0]
        with zipfile.ZipFile(runnable.function) as archive:
            text = archive.read(f"{module}.py").decode()

        def answer(_: bytes) -> Invocation:
            if runnable.name in self.hold:
                assert self.hold[runnable.name].wait(30)
            return ran(json.dumps({"statusCode": 200, "body": text}).encode())

        error = FunctionError(type="E", message="m") if "raise" in text else None
        session = CallableSession(answer, error=error)
        self.sessions.append(session)
        return session

    def serving(self) -> Serving:
        self.gate.set()
        return Serving(
            self.front,
            Maker(
                root=self.root,
                read=self.read,
                build=self.build,
                runnable=lambda built, name, to: find_runnable(built.report, name, reporter=to),
                open_session=self.session,
                on_log=None,
                on_failed=self.failed.append,
                on_reloaded=self.reloaded.append,
                debuggers=Debuggers(Debugging(project=self.root), SILENT, concurrency=1),
            ),
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(root=tmp_path / "shop", store=Store(tmp_path / "store"))
    project.write('[tool.wherry.functions.a]\nhandler = "a.handler"\n', a=code(1))
    return project


def code(number: int) -> str:
    return f"def handler(event, context):\n    return {number}\n"


@contextmanager
def watching(project: Project) -> Iterator[str]:
    serving = project.serving()
    with serve_build(serving.builds) as server:
        reloader = Reloader(serving.reload, serving.watched(), project.failed.append)
        reloader.start(serving.load_or_tell)
        try:
            yield server.url
        finally:
            project.gate.set()
            reloader.close()
    assert not any(session.is_open for session in project.sessions)


def until(condition: Callable[[], object], seconds: float = 20.0) -> float:
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds
        time.sleep(0.005)
    return time.monotonic() - begin


def get(url: str) -> str:
    return requests.get(url, timeout=30).text


def test_an_edit_is_answered_by_the_new_code(project: Project) -> None:
    with watching(project) as url:
        assert get(url) == code(1)
        project.write(a=code(2))
        assert until(lambda: get(url) == code(2)) < 5
        until(lambda: project.reloaded == [["a"]])
        # The session of the old code has ended.
        assert [session.is_open for session in project.sessions] == [False, True]


def test_requests_wait_for_a_build_and_those_in_flight_end_with_the_old_code(
    project: Project,
) -> None:
    answers: list[str] = []
    with watching(project) as url:
        project.hold["a"] = threading.Event()
        old = threading.Thread(target=lambda: answers.append(get(url)))
        old.start()
        until(lambda: project.sessions[0].calls or project.hold["a"].is_set() or old.is_alive())
        time.sleep(0.1)
        project.gate.clear()
        builds = project.builds
        project.write(a=code(2))
        until(lambda: project.builds > builds)
        new = threading.Thread(target=lambda: answers.append(get(url)))
        new.start()
        time.sleep(0.1)
        assert answers == []
        project.hold.pop("a").set()
        old.join()
        assert answers == [code(1)]
        project.gate.set()
        new.join()
    assert answers == [code(1), code(2)]


def test_a_build_that_fails_is_shown_until_an_edit_mends_it(project: Project) -> None:
    with watching(project) as url:
        project.write("[tool.wherry.functions.a]\nhandler = 7\n")
        until(lambda: project.failed)
        answer = requests.get(url, timeout=30)
        assert answer.status_code == 502
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert "functions.a.handler" in answer.text
        project.write('[tool.wherry.functions.a]\nhandler = "a.handler"\n')
        until(lambda: requests.get(url, timeout=30).status_code == 200)
        assert get(url) == code(1)
        # Nothing was replaced: the environment has only been out of reach.
        assert len(project.sessions) == 1


def test_a_project_that_cannot_be_built_at_first(project: Project) -> None:
    project.write("[tool.wherry.functions.a]\nhandler = 7\n")
    with watching(project) as url:
        assert requests.get(url, timeout=30).status_code == 502
        project.write('[tool.wherry.functions.a]\nhandler = "a.handler"\n')
        until(lambda: requests.get(url, timeout=30).status_code == 200)


def test_a_function_that_cannot_be_loaded_is_told(project: Project) -> None:
    project.write(a="raise ValueError\n" + code(1))
    with watching(project):
        until(lambda: project.failed)
        assert project.failed[0].message == "`a` cannot be loaded"
        assert project.failed[0].where == ("E: m",)


def test_functions_that_did_not_change_keep_their_environment(project: Project) -> None:
    project.write(
        '[tool.wherry.functions.a]\nhandler = "a.handler"\ninclude-files = ["/a.py"]\n'
        '[tool.wherry.functions.b]\nhandler = "b.handler"\ninclude-files = ["/b.py"]\n',
        b=code(5),
    )
    with watching(project) as url:
        project.write(a=code(2))
        until(lambda: get(f"{url}a") == code(2))
        assert get(f"{url}b/x") == code(5)
        until(lambda: project.reloaded == [["a"]])
        assert len(project.sessions) == 3


@pytest.mark.real
def test_what_the_build_writes_is_no_edit(project: Project) -> None:
    """Neither its packages, nor what its commands write to the project each time."""
    project.write(
        '[tool.wherry.hooks]\nbefore = ["date +%s%N > made.txt"]\nalways = true\n'
        '[tool.wherry.functions.a]\nhandler = "a.handler"\n'
    )
    with watching(project) as url:
        until(lambda: project.builds == 4)
        time.sleep(0.6)
        assert project.builds == 4
        # An edit of the user still counts.
        project.write(a=code(2))
        until(lambda: get(url) == code(2))


def test_a_folder_that_is_new(project: Project) -> None:
    """What is written into it later is an edit, too."""
    with watching(project):
        write_files(project.root, {"more/x.py": "1"})
        until(lambda: project.reloaded == [["a"]])
        write_files(project.root, {"more/deep/y.py": "1"})
        until(lambda: len(project.reloaded) > 1)
        write_files(project.root, {"more/deep/y.py": "2"})
        until(lambda: len(project.reloaded) > 2)


def test_what_no_build_reads_is_no_edit(project: Project) -> None:
    with watching(project):
        builds = project.builds
        write_files(
            project.root,
            dict.fromkeys(
                (
                    "__pycache__/a.cpython-313.pyc",
                    ".git/index",
                    ".venv/lib/x.py",
                    "dist/lambda/x.zip",
                    ".a.py.swp",
                    "a.py~",
                ),
                "x",
            ),
        )
        time.sleep(0.5)
        assert project.builds == builds


def test_a_path_dependency_outside_of_the_project_is_watched(
    project: Project, tmp_path: Path
) -> None:
    write_files(project.root.parent, {"extra/data.txt": "1", "elsewhere.txt": "1"})
    settings = (
        '[tool.wherry.functions.a]\nhandler = "a.handler"\n'
        'extra-paths = [{path = "../extra/data.txt", to = "data.txt"}]\n'
    )
    project.write(settings)
    with watching(project):
        builds = project.builds
        write_files(tmp_path, {"elsewhere.txt": "2"})
        time.sleep(0.3)
        assert project.builds == builds
        write_files(tmp_path, {"extra/data.txt": "2"})
        until(lambda: project.reloaded == [["a"]])


def names_of(project: Project) -> list[str]:
    serving = project.serving()
    try:
        serving.load()
        build = serving.builds.current()
        return [f"{route.key} {route.function}" for route in build.api.routes]
    finally:
        serving.builds.close()


TWO = (
    '[tool.wherry.functions.hello]\nhandler = "a.handler"\n'
    '[tool.wherry.functions.b]\nhandler = "b.handler"\n{}'
)


def test_the_routes_of_the_settings(project: Project) -> None:
    project.write(TWO.format('routes = ["GET /x", "/{proxy+}"]\n'), b=code(1))
    assert names_of(project) == [
        "ANY /hello hello",
        "ANY /hello/{proxy+} hello",
        "GET /x b",
        "ANY /{proxy+} b",
    ]
    project.front = Front(names=("hello",))
    assert names_of(project) == ["$default hello"]


def test_the_routes_of_a_template(project: Project) -> None:
    """By the name of the function, or by its handler."""
    events = "Events: {{E: {{Type: {}, Properties: {{Path: {}, Method: get}}}}}}"
    function = (
        "    Type: AWS::Serverless::Function\n"
        "    Properties: {{Handler: {}, Runtime: python3.13, CodeUri: ., {}}}\n"
    )
    template = (
        "Resources:\n  Hello:\n" + function.format("x.handler", events.format("Api", "/a"))
        + "  Other:\n" + function.format("b.handler", events.format("Api", "/b"))
    )  # fmt: skip
    write_files(project.root, {"template.yaml": template})
    project.write(TWO.format(""), b=code(1))
    assert names_of(project) == ["GET /a hello", "GET /b b"]
    serving = project.serving()
    serving.load()
    assert serving.builds.current().api.form is EventFormat.REST
    serving.builds.close()


def test_a_function_that_is_described_without_routes(project: Project) -> None:
    """It does not get those of another one with the same code."""
    template = (
        "Resources:\n"
        "  Hello: {Type: AWS::Serverless::Function, Properties: {Handler: b.handler, CodeUri: ., Runtime: python3.13}}\n"
        "  B: {Type: AWS::Serverless::Function, Properties: {Handler: b.handler, CodeUri: ., Runtime: python3.13,"
        " Events: {E: {Type: HttpApi, Properties: {Path: /b, Method: get}}}}}\n"
    )
    write_files(project.root, {"template.yaml": template})
    project.write(TWO.format("").replace("a.handler", "b.handler"), b=code(1))
    assert names_of(project) == ["ANY /hello hello", "ANY /hello/{proxy+} hello", "GET /b b"]


def test_a_stage_is_of_api_gateway(project: Project) -> None:
    project.front = Front(stage="beta")
    with pytest.raises(InvokeError, match="a stage in the path") as caught:
        names_of(project)
    assert "--format http" in (caught.value.hint or "")


def test_functions_without_a_handler_are_passed_over(project: Project) -> None:
    project.write(
        '[tool.wherry.functions.a]\nhandler = "a.handler"\n[tool.wherry.functions.b]\n', b=code(1)
    )
    assert names_of(project) == ["$default a"]
    project.front = Front(names=("b",))
    with pytest.raises(InvokeError, match="`b` has no handler"):
        names_of(project)


def test_the_names_of_functions_on_aws(project: Project) -> None:
    project.write(
        '[tool.wherry.functions.a]\nhandler = "a.handler"\n'
        '[tool.wherry.stages.staging]\n[tool.wherry.stages.live.functions.a]\nname = "shop"\n'
    )
    serving = project.serving()
    serving.load()
    assert serving.builds.current().aliases == {"shop-a-staging": "a", "shop": "a"}
    serving.builds.close()
