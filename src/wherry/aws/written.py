"""The packages that were written before, as if they had just been built."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from wherry.errors import DeployError, QuotaError
from wherry.report import BuildReport, PackageReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from wherry.bundle.archive import Member
    from wherry.compose.recipe import Recipe
    from wherry.project import Project
    from wherry.target import Target

__all__ = ["report_of_written"]


def report_of_written(
    project: Project, target: Target, output: Path, *, names: Sequence[str] = ()
) -> BuildReport:
    """What a build would tell of the packages that lie where the settings say, but for distributions.

    Args:
        project: with its settings.
        target: what they were built for.
        output: the folder they are in, or the one zip.
        names: of functions and layers, with the layers that they need; all when empty.

    Raises:
        DeployError: a function was not built. A layer that is not there came out empty.
        QuotaError: a function and its layers, or a layer, are too big unzipped.
    """
    from wherry.bundle.archive import read_archive
    from wherry.compose.recipe import recipes

    made = recipes(project.settings, name=project.name, names=names)
    paths = {
        one.name: output if output.suffix == ".zip" else output / f"{one.name}.zip" for one in made
    }
    if missing := [
        one.name for one in made if one.kind == "function" and not paths[one.name].is_file()
    ]:
        raise DeployError(
            "not everything was built",
            where=[f"there is no `{paths[name].as_posix()}`" for name in missing],
            hint="leave `--no-build` out, or run `wherry build`",
        )
    written = [one for one in made if paths[one.name].is_file()]
    members = {one.name: read_archive(paths[one.name]) for one in written}
    sizes = {name: sum(member.size for member in found) for name, found in members.items()}
    packages = []
    for one in written:
        package = _report(one, paths[one.name], members[one.name], target, sizes)
        _check_quota(package, sizes, project.settings.quotas.unzipped)
        packages.append(package)
    return BuildReport(target=target, packages=tuple(packages), seconds=0.0)


def _check_quota(package: PackageReport, sizes: Mapping[str, int], quota: int) -> None:
    """What a build refuses is not uploaded either."""
    # A function counts with its layers, a layer alone.
    taken = [one for one in package.layers if one in sizes and package.kind == "function"]
    of_all = sum(sizes[one] for one in (package.name, *taken))
    if of_all > quota:
        told = f"`{package.name}`" + (" with its layers" if taken else "")
        raise QuotaError(
            f"{told} is {_mib(of_all)} unzipped, and AWS Lambda takes {_mib(quota)}",
            where=[f"`{one}` is {_mib(sizes[one])} of it" for one in (package.name, *taken)],
            hint="leave out what is not needed; `wherry build` says what weighs how much",
        )


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"


def _report(
    recipe: Recipe,
    path: Path,
    members: Iterable[Member],
    target: Target,
    sizes: Mapping[str, int],
) -> PackageReport:
    from wherry.settings.model import FunctionSettings, LayerSettings

    data = path.read_bytes()
    digest = hashlib.sha256(data)
    files = {member.name for member in members}
    unzipped = sizes[recipe.name]
    layers = tuple(one for one in recipe.layers if one.startswith("arn:") or one in sizes)
    of_layers = sum(sizes[one] for one in layers if one in sizes)
    settings = recipe.settings
    layer = settings if isinstance(settings, LayerSettings) else LayerSettings()
    return PackageReport(
        name=recipe.name,
        kind=recipe.kind,
        path=path,
        handler=_handler(settings, files) if isinstance(settings, FunctionSettings) else None,
        sha256=digest.hexdigest(),
        code_sha256=base64.b64encode(digest.digest()).decode(),
        size=len(data),
        unzipped_size=unzipped,
        files=len(files),
        changed=False,
        layers=layers,
        runtimes=layer.runtimes or (target.runtime.name,),
        architectures=layer.architectures or (str(target.architecture),),
        unzipped_size_with_layers=unzipped + of_layers,
        provided=(),
        stripped_files=0,
        stripped_size=0,
        stripped_unzipped_size=0,
        distributions=(),
    )


def _handler(settings: object, paths: set[str]) -> str | None:
    from wherry.settings.model import FunctionSettings
    from wherry.shims import parse_handler
    from wherry.shims.shim import SHIM

    assert isinstance(settings, FunctionSettings)  # noqa: S101
    if settings.handler:
        reference = parse_handler(settings.handler)
        return f"{reference.module}.{reference.attribute}"
    if settings.app:
        # The shim of an app takes the first of its names that is free.
        name = SHIM
        while f"{name}_/__init__.py" in paths:
            name += "_"
        if f"{name}/__init__.py" in paths:
            return f"{name}.handler"
    return None
