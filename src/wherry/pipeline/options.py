"""The options of packages, builds, checks and inspections, as Python and the command line take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from wherry.inspect.profile import ImportProfile

__all__ = ["BuildOptions", "CheckOptions", "InspectOptions", "PackageOptions", "build_options"]


class PackageOptions(TypedDict, total=False):
    """The options of packages; None, or left out, means the settings or the default.

    Attributes:
        names: the functions and layers to build, with the layers that they need; all when empty.
        name: the name of the package, if the settings have no function.
        app: the web application, as ``module:object`` or ``from module import object``.
        handler: the function to call, as ``module.function`` or ``from module import function``.
        interface: ``wsgi`` or ``asgi``, if the interface of the app cannot be detected.
        runtime: such as ``python3.13``; by default the newest AWS offers that the project's ``requires-python``,
            the files that name a version and the lock's wheels admit.
        architecture: ``x86_64``, which is the default, or ``arm64``.
        groups: dependency groups in addition to the default ones.
        extras: extras of the project.
        package: the member of a workspace.
        lock: the lock file; by default Wherry looks for it.
        install_path: a folder made by ``pip install --target``, to package instead of the distributions in a lock.
        config: a file with the settings: TOML, ``drover.yml`` or ``settings.spindrift``.
        output: a folder, or a path that ends in ``.zip``; by default ``dist/lambda`` in the project.
        container: when to build in a container: ``auto`` for what cannot be compiled on this machine, ``always``
            for all that has no wheel and the project itself, or ``never``.
        container_engine: the command of the container engine: ``docker``, ``podman``, ``finch`` or a path.
        container_image: the image to build in, instead of AWS's.
        offline: use no network.
        refresh: resolve requirements files without hashes again, instead of using a result of the last day.
        frozen: build what the lock says, whether or not it is as new as the project.
    """

    names: Sequence[str]
    name: str | None
    app: str | None
    handler: str | None
    interface: str | None
    runtime: str | None
    architecture: str | None
    groups: Sequence[str]
    extras: Sequence[str]
    package: str | None
    lock: Path | str | None
    install_path: Path | str | None
    config: Path | str | None
    output: Path | str | None
    container: str | None
    container_engine: str | None
    container_image: str | None
    offline: bool
    refresh: bool
    frozen: bool


class BuildOptions(PackageOptions, total=False):
    """The options of a build.

    Attributes:
        stage: of ``drover.yml``, whose stages build different packages.
        unpacked: a folder for the files of the one package that is named, instead of ``output``.
    """

    stage: str | None
    unpacked: Path | str | None


class CheckOptions(BuildOptions, total=False):
    """The options of a check, besides those of the build before it.

    Attributes:
        files: zip archives to check, of whatever tool, in place of a project's packages.
        layer_files: zip archives or ARNs of the layers of each of ``files``, in the order in which Lambda unpacks them; in
            a project, ARNs that functions name. What has an ARN is fetched once from AWS.
        select: codes, or beginnings of codes, to look for; all by default.
        ignore: codes, or beginnings of codes, to leave out.
        strict: also tell what may be meant, or may never be used.
        advisories: ask for known vulnerabilities, by the network.
        no_build: check what is written, without building first.
    """

    files: Sequence[Path | str]
    layer_files: Sequence[Path | str]
    select: Sequence[str]
    ignore: Sequence[str]
    strict: bool
    advisories: bool
    no_build: bool


class InspectOptions(BuildOptions, total=False):
    """The options of ``inspect``, besides those of the build before it.

    Attributes:
        files: zip archives to look into, of whatever tool, in place of a project's packages.
        layer_files: zip archives of the layers of each of ``files``, in the order in which Lambda unpacks them.
        why: the name of a distribution or module, or a path, whose reasons are asked for.
        against: a zip archive, a stage, or a revision of the project's git repository, to compare with.
        budget: the most bytes that the zip file of a package may have.
        suggestions: look for what would make packages smaller; true by default.
        no_build: look into what is written, without building first.
        profile: the import times of a function's initialization: a file with the document of ``wherry invoke --cold N
            --profile --json`` or with what ``python -X importtime`` writes; or ``ColdStarts.profile``.
    """

    files: Sequence[Path | str]
    layer_files: Sequence[Path | str]
    why: str | None
    against: Path | str | None
    budget: int | None
    suggestions: bool
    no_build: bool
    profile: Path | str | ImportProfile | None


def build_options(options: Mapping[str, object]) -> BuildOptions:
    """The options of the build among those of a command that builds first."""
    known = BuildOptions.__optional_keys__
    return cast("BuildOptions", {key: value for key, value in options.items() if key in known})
