"""Suggestions to ship something else: another distribution, or compiled files without what only debuggers read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.bundle.compressor import STRIPPING
from wherry.bundle.entry import Slice
from wherry.bundle.stripped import strip_file
from wherry.contents.model import File, is_compiled_name
from wherry.errors import ArchiveError, ToolError
from wherry.inspect.model import Inspected, Suggestion
from wherry.inspect.saving import Present, remembered, suggestion
from wherry.sizes import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wherry.inspect.measure import Measured

__all__ = ["find_debugging", "find_replacements"]

_LARGEST_STRIPPED = 1 << 27
_HEADLESS: Mapping[str, str] = {
    "opencv-python": "opencv-python-headless",
    "opencv-contrib-python": "opencv-contrib-python-headless",
}
# What the headless variants lack: Qt, X11, the recording of screens, and what these bring along.
_SCREEN = re.compile(
    r"(?:^|/)(?:libQt\d|libX|libxcb|libxkb|libSM|libICE|libGL|libEGL|libpcre2|libavdevice|libavfilter)[^/]*$|(?:^|/)cv2/qt/"
)
_GRAPHICS = re.compile(r"nvidia-.+")
_WITHOUT_GRAPHICS: Mapping[str, str] = {
    "xgboost": "xgboost-cpu",
    "tensorflow": "tensorflow-cpu",
    "onnxruntime-gpu": "onnxruntime",
}
"""The distributions that run without a graphics processor in place of those that need one."""


def find_replacements(
    measured: Sequence[Measured],
    package: Inspected,
    present: Present,  # noqa: ARG001
) -> Iterator[Suggestion]:
    """Distributions for screens and graphics processors, which Lambda does not have."""
    names = {each.name for each in package.distributions}
    for name, headless in _HEADLESS.items():
        if name in names:
            yield suggestion(
                f"windows of `{name}`, for which Lambda has no screen: require `{headless}` in its place",
                (
                    file
                    for file in package.files
                    if file.owner == name and _SCREEN.search(file.path)
                ),
                "",
            )
    graphics = {name for name in names if _GRAPHICS.fullmatch(name)}
    users = {
        name
        for name, targets in measured[0].requirements.items()
        if graphics & set(targets) and name not in graphics
    }
    if graphics:
        instead = [
            f"require `{_WITHOUT_GRAPHICS[name]}` in place of `{name}`"
            for name in sorted(users & set(_WITHOUT_GRAPHICS))
        ]
        yield suggestion(
            ": ".join(["libraries of graphics processors, which Lambda does not have", *instead[:1]]),
            (file for file in package.files if file.owner in graphics),
            "",
        )  # fmt: skip


def find_debugging(
    measured: Sequence[Measured], package: Inspected, present: Present
) -> Iterator[Suggestion]:
    """The parts of compiled files that only debuggers read: what the setting ``strip`` leaves out."""
    if present.of("strip"):
        return
    contents = measured[0].contents
    files = [
        file
        for file in contents.files.values()
        if file.part == package.name and (file.executable or is_compiled_name(file.name))
    ]
    try:
        changed, size, unzipped = remembered(
            f"strip {STRIPPING}", files, contents.options.store, lambda: _measure(files)
        )
    except ToolError:
        # Without the compressor of the zip rules there is no figure, and none is remembered.
        return
    if changed:
        yield Suggestion(
            text=f"what only debuggers read in {count(changed, 'compiled file')}",
            size=size,
            unzipped_size=unzipped,
            setting="strip = true",
        )


def _measure(files: Sequence[File]) -> tuple[int, int, int]:
    """The number of files that are changed, and the bytes that go, zipped and unzipped."""
    changed = size = unzipped = 0
    for file in files:
        saving = _saving(file)
        if saving is not None:
            changed, size, unzipped = changed + 1, size + saving[0], unzipped + saving[1]
    return changed, size, unzipped


def _saving(file: File) -> tuple[int, int] | None:
    payload = file.payload
    if file.size > _LARGEST_STRIPPED or not isinstance(payload, Slice):
        return None
    try:
        stripped = strip_file(payload)
    except ArchiveError:
        return None
    if stripped is None:
        return None
    return payload.compressed_size - len(stripped.data), file.size - stripped.size
