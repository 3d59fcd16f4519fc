"""The packages that were written before, as if they had just been built."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from wherry.errors import OutputError, QuotaError
from wherry.files import read_regular
from wherry.pipeline.report import BuildReport, PackageReport
from wherry.sizes import format_size

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from wherry.bundle.archive import Member
    from wherry.compose.recipe import Recipe
    from wherry.pipeline.request import BuildRequest
    from wherry.store import Store

__all__ = ["report_written", "written_target"]


def report_written(request: BuildRequest) -> BuildReport:
    """The report that a build would give of the packages at the request's output, but for distributions.

    Raises:
        OutputError: a function was not built. A layer that is not there came out empty.
        QuotaError: a function and its layers, or a layer, are too big unzipped.
    """
    from wherry.bundle.archive import read_archive

    paths = {recipe.name: request.output.path(recipe.name) for recipe in request.recipes}
    missing = [
        recipe.name
        for recipe in request.recipes
        if recipe.kind == "function" and not paths[recipe.name].is_file()
    ]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise OutputError(
            f"{names} {'were' if len(missing) > 1 else 'was'} not built",
            where=[f"there is no `{paths[name].as_posix()}`" for name in missing],
            hint="leave `--no-build` out, or run `wherry build`",
        )
    members = {
        recipe.name: read_archive(paths[recipe.name])
        for recipe in request.recipes
        if paths[recipe.name].is_file()
    }
    sizes = {name: sum(member.size for member in files) for name, files in members.items()}
    packages = []
    for recipe in request.recipes:
        if recipe.name in members:
            package = _report(recipe, request, members[recipe.name], sizes)
            _check_quota(package, sizes, request.settings.quotas.unzipped)
            packages.append(package)
    return BuildReport(target=request.target, packages=tuple(packages), seconds=0.0)


def written_target(request: BuildRequest, store: Store | None) -> BuildRequest:
    """The request for the runtime that its packages were written for, if nobody asked for one."""
    if request.default_runtime is None:
        return request
    from wherry.pipeline.memory import Memory
    from wherry.pipeline.request import open_context

    context = open_context(request, store=store)
    return Memory(request, context).recall_target(context.files) or request


def _check_quota(package: PackageReport, sizes: Mapping[str, int], quota: int) -> None:
    """Refuse what a build would have refused."""
    # A function counts with its layers, a layer alone.
    layers = [name for name in package.layers if name in sizes and package.kind == "function"]
    total = sum(sizes[name] for name in (package.name, *layers))
    if total > quota:
        counted = f"`{package.name}`" + (" with its layers" if layers else "")
        raise QuotaError(
            f"{counted} is {format_size(total)} unzipped, and AWS Lambda takes {format_size(quota)}",
            where=[
                f"`{name}` is {format_size(sizes[name])} of it" for name in (package.name, *layers)
            ],
            hint="leave out what is not needed; `wherry build` shows the biggest distributions",
        )


def _report(
    recipe: Recipe,
    request: BuildRequest,
    members: Collection[Member],
    sizes: Mapping[str, int],
) -> PackageReport:
    from wherry.settings.model import LayerSettings
    from wherry.shims.shim import written_handler

    path, target, settings = request.output.path(recipe.name), request.target, recipe.settings
    data = read_regular(path)
    digest = hashlib.sha256(data)
    paths = {member.name for member in members}
    layers = [name for name in recipe.layers if name.startswith("arn:") or name in sizes]
    layer = settings if isinstance(settings, LayerSettings) else LayerSettings()
    return PackageReport(
        name=recipe.name,
        kind=recipe.kind,
        path=path,
        handler=written_handler(settings, paths),
        sha256=digest.hexdigest(),
        code_sha256=base64.b64encode(digest.digest()).decode(),
        size=len(data),
        unzipped_size=sizes[recipe.name],
        files=len(paths),
        changed=False,
        layers=tuple(layers),
        runtimes=layer.runtimes or (target.runtime.name,),
        architectures=layer.architectures or (str(target.architecture),),
        unzipped_size_with_layers=sum(sizes.get(name, 0) for name in (recipe.name, *layers)),
        provided=(),
        distributions=(),
    )
