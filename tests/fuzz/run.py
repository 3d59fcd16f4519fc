"""Feeds every reader with changed samples, for a bounded time: ``make fuzz``.

An input that gives another error than Wherry's, takes more than two seconds, or more than 200 MB, is written to
``tests/fuzz/found``, where the ordinary tests try it from then on.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import multiprocessing
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fuzz.answering import serve_bytes
from fuzz.readers import READERS, Surroundings
from wherry.errors import WherryError
from wherry.visible import visible

__all__ = ["FOUND", "Outcome", "run_reader", "surroundings", "try_input"]

FOUND = Path(__file__).parent / "found"
SECONDS = 2.0
MEMORY = 200 << 20


@dataclass(kw_only=True)
class Outcome:
    """How many inputs were tried, how many were read, and what was found."""

    inputs: int = 0
    read: int = 0
    slowest: float = 0.0
    memory: int = 0
    found: dict[str, tuple[bytes, str]] = field(default_factory=dict)


class _TooLongError(BaseException):
    pass


@contextlib.contextmanager
def surroundings(name: str) -> Iterator[Surroundings]:
    """A folder and the server for a reader."""
    import wherry.indexes.session

    # A broken connection is tried again at once.
    wherry.indexes.session.BACKOFF = 0
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "x")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "x")
    with tempfile.TemporaryDirectory() as folder, serve_bytes() as server:
        READERS[name].setup(Path(folder))
        yield Surroundings(folder=Path(folder), server=server)


def try_input(name: str, data: bytes, around: Surroundings, outcome: Outcome) -> str | None:
    """Give the input to the reader; what is wrong, in one line."""
    before, began = _peak(), _seconds()
    problem = None
    try:
        READERS[name].read(data, around)
        outcome.read += 1
    except WherryError as error:
        problem = _unprintable(error)
    except _TooLongError:
        problem = "it does not end"
    except Exception as error:  # noqa: BLE001
        frame = traceback.extract_tb(error.__traceback__)[-1]
        problem = f"{type(error).__name__} in {Path(frame.filename).name}:{frame.lineno} ({frame.name}): {error!s:.100}"
    seconds, memory = _seconds() - began, _peak() - before
    outcome.inputs += 1
    outcome.slowest, outcome.memory = max(outcome.slowest, seconds), max(outcome.memory, memory)
    if problem is None and seconds > SECONDS:
        problem = f"it takes {seconds:.1f} s"
    if problem is None and memory > MEMORY:
        problem = f"it takes {memory >> 20} MB"
    return problem


def _seconds() -> float:
    """The time of the processor for this process and its children: others may keep the machine busy."""
    return sum(os.times()[:4])


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def _unprintable(error: WherryError) -> str | None:
    """Why an error of Wherry's cannot be shown as it is."""
    lines = [visible(text) for text in (error.message, *error.where, error.hint or "")]
    if any(
        character < " " or character == "\x7f"
        for line in lines
        for character in line
        if character not in "\n\t"
    ):
        return f"control characters in {error.message!r:.100}"
    return None


def run_reader(
    name: str, *, seed: int, seconds: float | None = None, inputs: int | None = None
) -> Outcome:
    """Try inputs for a time, or a number of them. The same seed gives the same inputs."""
    reader, outcome = READERS[name], Outcome()
    rng = random.Random(f"{seed} {name}")
    end = time.monotonic() + seconds if seconds is not None else None
    with surroundings(name) as around, _limited():
        while (end is None or time.monotonic() < end) and (
            inputs is None or outcome.inputs < inputs
        ):
            if outcome.inputs < len(reader.samples):
                data = reader.samples[outcome.inputs]
            else:
                data = reader.change(rng.choice(reader.samples), reader.samples, rng)
            signal.alarm(60)
            try:
                problem = try_input(name, data, around, outcome)
            finally:
                signal.alarm(0)
            if problem is not None:
                # One input for each place that it shows at; the shortest.
                key = re.sub(r"(: .*)|[\d.]+ (?=s|MB)", "", problem)
                if key not in outcome.found or len(data) < len(outcome.found[key][0]):
                    outcome.found[key] = (data, problem)
    return outcome


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)


def _run(task: tuple[str, int, float | None, int | None]) -> tuple[str, Outcome]:
    name, seed, seconds, inputs = task
    return name, run_reader(name, seed=seed, seconds=seconds, inputs=inputs)


def main() -> int:
    parser = argparse.ArgumentParser(description="Feed every reader with changed samples.")
    parser.add_argument("--seconds", type=float, help="for each reader (20 unless --inputs)")
    parser.add_argument("--inputs", type=int, help="for each reader")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other inputs")
    parser.add_argument("--reader", action="append", choices=[*READERS], help="only this one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    seconds = options.seconds or (None if options.inputs else 20.0)
    tasks = [(name, options.seed, seconds, options.inputs) for name in options.reader or READERS]
    failed = False
    # A process for each, so that the memory is that of one reader.
    with multiprocessing.get_context("spawn").Pool(options.jobs, maxtasksperchild=1) as pool:
        for name, outcome in pool.imap(_run, tasks, chunksize=1):
            print(
                f"{name:20} {outcome.inputs:8} inputs, {outcome.read:8} read, slowest {outcome.slowest:6.3f} s, "
                f"most {outcome.memory >> 20:4} MB, {len(outcome.found)} found",
                flush=True,
            )
            for data, problem in outcome.found.values():
                failed = True
                FOUND.mkdir(exist_ok=True)
                path = FOUND / f"{name.replace(' ', '_')}@{hashlib.sha256(data).hexdigest()[:10]}"
                path.write_bytes(data)
                print(f"    {path.name}: {problem}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
