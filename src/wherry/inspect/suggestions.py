"""Suggestions that would make a package smaller, each with the bytes that it is about and the line of settings that does it.

Only what is measured in the package is told: what no import from the handler on reaches, as far as that is known.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import TYPE_CHECKING

from wherry.contents.model import is_compiled_name
from wherry.elf.strip import strip_elf
from wherry.errors import WherryError
from wherry.inspect.model import Suggestion
from wherry.target.provided import provided_distributions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from wherry.contents.distributions import Installed
    from wherry.inspect.measure import Measured
    from wherry.inspect.model import FileSize, Inspected

__all__ = ["find_suggestions"]

_SMALLEST = 20_000
"""Bytes zipped below which a suggestion is not worth reading."""
_MOST_NAMED = 8
_SERVICE = re.compile(
    rb"""\b(?:client|resource)\(\s*(?:service_name\s*=\s*)?(?:(["'])([a-z0-9-]+)\1|[^)"'\s])"""
)
# Those that botocore asks for credentials.
_ALWAYS = frozenset({"sts", "sso", "sso-oidc"})
_LARGEST_SOURCE = 1 << 20
_LARGEST_STRIPPED = 1 << 27
_HEADLESS = {
    "opencv-python": "opencv-python-headless",
    "opencv-contrib-python": "opencv-contrib-python-headless",
}
_SCREEN = re.compile(r"(?:^|/)(?:libQt\d|libX|libxcb|libxkb)[^/]*$|(?:^|/)cv2/qt/")


def find_suggestions(measured: Measured, package: Inspected) -> tuple[Suggestion, ...]:
    """The suggestions for one of the measured packages, those first that save most."""
    finders: tuple[Callable[[Measured, Inspected], Iterable[Suggestion]], ...] = (
        _tests, _provided, _services, _unreached, _duplicates, _headless, _debugging,
    )  # fmt: skip
    found = [each for finder in finders for each in finder(measured, package)]
    return tuple(
        sorted(
            (each for each in found if each.size >= _SMALLEST),
            key=lambda each: (-each.size, each.text),
        )
    )


def _of(text: str, files: Iterable[FileSize], setting: str) -> Suggestion:
    counted = list(files)
    return Suggestion(
        text=text,
        size=sum(file.size for file in counted),
        unzipped_size=sum(file.unzipped_size for file in counted),
        setting=setting,
    )


def _list(key: str, values: Iterable[str]) -> str:
    """A line of TOML; its strings are written as JSON's are."""
    return f"{key} = {json.dumps(list(values), ensure_ascii=False)}"


def _seen(package: Inspected, file: FileSize) -> str:
    """The path that patterns of settings match: in layers that which Python sees."""
    if package.kind != "layer":
        return file.path
    return re.sub(r"^python/(?:lib/python3\.\d+/site-packages/)?", "", file.path)


def _tests(measured: Measured, package: Inspected) -> Iterator[Suggestion]:
    """Folders with the tests of distributions, where nothing imports any of them."""
    found: dict[str, list[FileSize]] = {}
    for file in package.files:
        path = _seen(package, file)
        top, _, rest = path.partition("/")
        if file.owner != measured.own_name and "/tests/" in f"/{rest}":
            found.setdefault(top, []).append(file)
    sizes = {
        top: sum(file.size for file in files)
        for top, files in found.items()
        if all(file.loaded in {None, "unreached"} for file in files)
    }
    tops = sorted(sizes, key=lambda top: (-sizes[top], top))[:_MOST_NAMED]
    if tops:
        yield _of(
            "tests of distributions, which nothing imports",
            (file for top in tops for file in found[top]),
            _list("exclude-files", (f"/{top}/**/tests/" for top in tops)),
        )


def _provided(measured: Measured, package: Inspected) -> Iterator[Suggestion]:
    """boto3 with all that it needs, if the runtime has that: all or nothing, as the setting wants it."""
    runtime = measured.contents.target.runtime
    names = {each.name for each in package.distributions}
    if "boto3" not in names:
        return
    goes = ["boto3"]
    for name in goes:  # grows meanwhile
        goes += [each for each in measured.requirements.get(name, ()) if each not in goes]
    shared = {
        target
        for name, targets in measured.requirements.items()
        if name not in goes
        for target in targets
        if target in goes
    }
    if {*goes} <= provided_distributions(runtime):
        yield _of(
            f"boto3 and what it needs: {runtime.name} has its own, in versions that AWS chooses",
            (file for file in package.files if file.owner in goes),
            _list("provided", ["boto3", *sorted(shared - {"boto3"})]),
        )


def _services(measured: Measured, package: Inspected) -> Iterator[Suggestion]:
    """Descriptions of AWS's services that no code asks for by name; none where that cannot be told."""
    data: dict[str, list[FileSize]] = {}
    for file in package.files:
        parts = _seen(package, file).split("/")
        if parts[:2] == ["botocore", "data"] and len(parts) > 3:
            data.setdefault(parts[2], []).append(file)
    used = _used_services(measured) if data and measured.contents.is_certain else None
    if not used:
        return
    kept = sorted((used | _ALWAYS) & set(data))
    yield _of(
        f"descriptions of AWS services other than {', '.join(kept)}, which no code asks for by name",
        (file for name, files in data.items() if name not in kept for file in files),
        _list("botocore-services", sorted(used & set(data))),
    )


def _used_services(measured: Measured) -> set[str] | None:
    """The services that sources ask for: own ones, and those of distributions that need botocore. None if unknown."""
    needing = {
        name
        for name, targets in measured.requirements.items()
        if {"boto3", "botocore"} & set(targets)
    } - {"boto3", "botocore", "s3transfer"}
    used: set[str] = set()
    for file in measured.contents.files.values():
        owner = measured.owner(file)
        if not file.path.endswith(".py") or owner not in {*needing, measured.own_name}:
            continue
        try:
            source = file.read(most=_LARGEST_SOURCE)
        except WherryError:
            return None
        for match in _SERVICE.finditer(source):
            if match[2] is None and owner == measured.own_name:
                return None
            used.add((match[2] or b"").decode())
    return used - {""}


def _unreached(measured: Measured, package: Inspected) -> Iterator[Suggestion]:
    """Distributions that nothing imports, and that nothing requires which is imported."""
    contents = measured.contents
    if not contents.is_certain or package.kind != "function":
        return
    names = [
        each.name
        for each in package.distributions
        if each.loaded == "unreached"
        and each.name != measured.own_name
        and not _has_plugins(contents.distribution(each.name))
    ]
    if names:
        yield _of(
            "distributions that neither the handler nor anything that it imports needs",
            (file for file in package.files if file.owner in names),
            _list("exclude", sorted(names)),
        )


def _has_plugins(distribution: Installed | None) -> bool:
    """Whether others may find a distribution by its entry points; or whether that is not known."""
    if distribution is None:
        return True
    file = distribution.info.get("entry_points.txt")
    if file is None:
        return False
    try:
        text = file.read(most=1 << 16).decode(errors="replace")
    except WherryError:
        return True
    groups = set(re.findall(r"^\s*\[([^\]\n]*)\]", text, re.MULTILINE))
    return not groups <= {"console_scripts", "gui_scripts"}


def _duplicates(measured: Measured, package: Inspected) -> Iterator[Suggestion]:  # noqa: ARG001
    """Files of the same content."""
    same: dict[tuple[int, int], list[FileSize]] = {}
    for file in package.files:
        # Licences stay, wherever they are.
        if file.unzipped_size >= _SMALLEST and "-info/" not in file.path:
            same.setdefault((file.crc, file.unzipped_size), []).append(file)
    for files in same.values():
        if len(files) > 1:
            yield _of(f"the same content {len(files)} times: {_named(files)}", files[1:], "")


def _named(files: Sequence[FileSize]) -> str:
    paths = [f"`{file.path}`" for file in files[:3]]
    return ", ".join([*paths, "…"] if len(files) > len(paths) else paths)


def _headless(measured: Measured, package: Inspected) -> Iterator[Suggestion]:  # noqa: ARG001
    """Windows and screens, which Lambda does not have."""
    for name, headless in _HEADLESS.items():
        if any(each.name == name for each in package.distributions):
            yield _of(
                f"windows of `{name}`: require `{headless}` in its place",
                (
                    file
                    for file in package.files
                    if file.owner == name and _SCREEN.search(file.path)
                ),
                "",
            )


def _debugging(measured: Measured, package: Inspected) -> Iterator[Suggestion]:
    """The parts of compiled files that only debuggers read. Their zipped bytes are those of what is cut off, zipped by itself."""
    count = size = unzipped = 0
    for file in measured.contents.files.values():
        if file.part != package.name or not is_compiled_name(file.name):
            continue
        try:
            data = file.read(most=_LARGEST_STRIPPED)
            stripped = strip_elf(data)
        except (WherryError, ValueError):
            continue
        count += 1
        unzipped += len(data) - len(stripped.data)
        zipped = len(zlib.compress(data[stripped.kept :], 6)) - len(stripped.data[stripped.kept :])
        size += max(zipped, 0)
    if count:
        yield Suggestion(
            text=f"what only debuggers read in {count:,} compiled {'file' if count == 1 else 'files'}",
            size=size,
            unzipped_size=unzipped,
            setting="strip = true",
        )
