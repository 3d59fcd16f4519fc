"""The tests of a deployment: those of the stage's settings, and those of the command."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from wherry.errors import InvokeError, SettingsError
from wherry.problems import did_you_mean
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.settings.model import StageSettings
    from wherry.settings.project import Project
    from wherry.settings.stage_test import StageTest

__all__ = ["TestCase", "read_cases"]


class TestCase(Struct, frozen=True, kw_only=True):
    """An event that is read, and the answer that is expected.

    Attributes:
        expect: the only item is what the answer must contain; empty if any answer will do.
        error: whether the function must fail; a string is the type of the error.
    """

    # Pytest takes a class of this name for tests.
    __test__ = False

    name: str
    payload: bytes
    expect: tuple[Any, ...] = ()
    error: bool | str = False


def read_cases(
    project: Project, stage: StageSettings, functions: Sequence[str], asked: Sequence[str]
) -> Mapping[str, tuple[TestCase, ...]]:
    """The tests of each function that has some, of these that are deployed and have an alias.

    ``asked`` are files of events, which may follow a name: ``api=events/order.json``.

    Raises:
        SettingsError: a test is of a function that the settings do not have.
        InvokeError: an event cannot be read.
    """
    known = [*project.settings.functions] or [project.name]
    cases: dict[str, list[TestCase]] = {}
    for test in stage.test:
        for name in _functions(test.function, functions, known):
            cases.setdefault(name, []).append(_case(test, project))
    for name in functions:
        cases.setdefault(name, []).extend(
            _case(test, project) for test in stage.function(name).test
        )
    for text in asked:
        match = re.fullmatch(r"([^=/\\]+)=(.+)", text)
        named = match if match is not None and match[1] in known else None
        path = named[2] if named else text
        for name in _functions(named[1] if named else None, functions, known):
            cases.setdefault(name, []).append(TestCase(name=path, payload=_read(path)))
    return {name: tuple(own) for name, own in cases.items() if own}


def _functions(name: str | None, functions: Sequence[str], known: Sequence[str]) -> Sequence[str]:
    if name is None:
        return functions
    if name not in known:
        raise SettingsError(
            f"a test is of function `{name}`, which the project does not have",
            hint=did_you_mean(name, known=known),
        )
    return [name] if name in functions else []


def _case(test: StageTest, project: Project) -> TestCase:
    payload = (
        _read(str(project.root / test.event))
        if isinstance(test.event, str)
        else json.dumps(test.event).encode()
    )
    return TestCase(name=test.name, payload=payload, expect=test.expect, error=test.error)


def _read(path: str) -> bytes:
    from wherry.invoke.event import read_event

    if path == "-":
        raise InvokeError("a test is a file", hint="write the event into one: --test event.json")
    return read_event(path)
