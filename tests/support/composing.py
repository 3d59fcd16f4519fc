"""Composing in memory: distributions of a few bytes, settings from TOML, and Lambda's view of what came out."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.bundle.bundle import Bundle
from wherry.bundle.content import read_all
from wherry.bundle.entry import inline
from wherry.compose.composer import compose
from wherry.compose.model import EXTRA_PATHS, Composition, Distribution, Package, Supplies
from wherry.compose.recipe import recipes
from wherry.settings.read import read_settings
from wherry.target import Target, find_architecture, find_runtime

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wherry.compose.model import Adapters
    from wherry.settings.model import Settings

__all__ = [
    "TARGET",
    "Lambda",
    "composed",
    "contents",
    "distribution",
    "extra_bundle",
    "package_of",
    "settings_of",
]

TARGET = Target(runtime=find_runtime("python3.13"), architecture=find_architecture("x86_64"))


def distribution(
    name: str,
    files: Mapping[str, bytes | str],
    *,
    own: bool = False,
    executable: Iterable[str] = (),
    requires: Sequence[str] = (),
    version: str = "1.0",
) -> Distribution:
    """A distribution with these files, and metadata when it is not the project."""
    every = dict(files)
    if not own:
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {requirement}" for requirement in requires]
        every[f"{name.replace('-', '_')}-{version}.dist-info/METADATA"] = "\n".join(lines) + "\n"
    entries = [
        inline(
            path,
            content.encode() if isinstance(content, str) else content,
            owner=name,
            executable=path in executable,
        )
        for path, content in every.items()
    ]
    return Distribution(
        name=name, version=None if own else version, bundle=Bundle.of(entries), own=own
    )


def settings_of(toml: str) -> Settings:
    """The settings that ``wherry.toml`` with this text has."""
    return read_settings(tomllib.loads(toml), "wherry.toml")


def extra_bundle(files: Mapping[str, str]) -> Bundle:
    """What an extra path holds."""
    return Bundle.of(
        [inline(path, text.encode(), owner=EXTRA_PATHS) for path, text in files.items()]
    )


def composed(
    distributions: Sequence[Distribution],
    settings: Settings | str,
    *,
    target: Target = TARGET,
    names: Sequence[str] = (),
    extra: Mapping[str, Mapping[str, str]] | None = None,
    adapters: Adapters | None = None,
) -> Composition:
    """The packages of a project that has these distributions; ``extra`` are extra paths' files, by path."""
    said = settings_of(settings) if isinstance(settings, str) else settings
    wanted = recipes(said, name="shop", names=names)
    return compose(
        wanted,
        Supplies(
            distributions={recipe.supply: distributions for recipe in wanted},
            extra_paths={
                each: extra_bundle((extra or {})[each.path])
                for recipe in wanted
                for each in recipe.settings.extra_paths
            },
            adapters=adapters,
        ),
        target,
        settings=said,
    )


def package_of(composition: Composition, name: str) -> Package:
    (found,) = [package for package in composition.packages if package.name == name]
    return found


def contents(bundle: Bundle) -> dict[str, tuple[bytes, bool]]:
    """Bytes and executable bit of each file."""
    return {entry.path: (read_all(entry.payload), entry.executable) for entry in bundle}


@dataclass(frozen=True)
class Lambda:
    """A function as Lambda unpacks it: its layers over one another in ``/opt``, itself in ``/var/task``."""

    task: Mapping[str, tuple[bytes, bool]]
    opt: Mapping[str, tuple[bytes, bool]]

    @classmethod
    def of(cls, composition: Composition, name: str) -> Lambda:
        function = package_of(composition, name)
        opt: dict[str, tuple[bytes, bool]] = {}
        for layer in function.layers:
            if not layer.startswith("arn:"):
                opt.update(contents(package_of(composition, layer).bundle))
        return cls(contents(function.bundle), opt)

    @property
    def places(self) -> list[dict[str, tuple[bytes, bool]]]:
        """What lies in each folder of the interpreter's search path, in its order."""
        site, plain = f"python/lib/{TARGET.runtime.name}/site-packages/", "python/"
        return [
            dict(self.task),
            {
                path.removeprefix(site): is_
                for path, is_ in self.opt.items()
                if path.startswith(site)
            },
            {
                path.removeprefix(plain): is_
                for path, is_ in self.opt.items()
                if path.startswith(plain) and not path.startswith(site)
            },
        ]

    def seen(self) -> dict[str, tuple[bytes, bool]]:
        """Each file where the search path has it first; of a regular package only what lies where it is found."""
        found: dict[str, tuple[bytes, bool]] = {}
        places = self.places
        for number, place in enumerate(places):
            for path, content in place.items():
                home = next(
                    (
                        first
                        for folder in _folders(path)
                        for first, other in enumerate(places)
                        if b"extend_path" not in other.get(f"{folder}/__init__.py", _NOTHING)[0]
                    ),
                    number,
                )
                if home == number:
                    found.setdefault(path, content)
        return found


# As if it were one that looks for the other parts of its package: there is none.
_NOTHING = (b"extend_path", False)


def _folders(path: str) -> list[str]:
    """The folders above a file, outermost first."""
    segments = path.split("/")[:-1]
    return ["/".join(segments[: number + 1]) for number in range(len(segments))]
