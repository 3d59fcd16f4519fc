"""The settings: frozen, checked, and without defaults filled in.

Of two tables with the same key the more specific has precedence: ``[tool.wherry.functions.NAME]`` before
``[tool.wherry]``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from wherry.settings.container_options import ContainerOptions
from wherry.target.quotas import DIRECT_UPLOAD, LAYERS, UNZIPPED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.indexes.declared import DeclaredIndex
    from wherry.settings.stages import StageSettings
    from wherry.target import Runtime

__all__ = [
    "Command",
    "ContentSettings",
    "ExtraPath",
    "FunctionSettings",
    "HookSettings",
    "LayerSettings",
    "QuotaSettings",
    "Settings",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtraPath:
    """A file or folder beside the code that a package includes.

    Attributes:
        path: where it is, relative to the project's folder.
        to: its path in the package; None for the same relative path.
    """

    path: str
    to: str | None = None


Command: TypeAlias = str | tuple[str, ...]
"""A line for the shell, or a program and its arguments."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HookSettings:
    """Commands that run before and after packages are bundled.

    Attributes:
        before: run before anything else.
        after: run when the content of a package is known, and not yet written.
        where: ``host`` or ``container``; None for that of ``[tool.wherry.hooks]``, or else the host.
        inputs: gitignore patterns of the project's files that the commands read; None for all of its files.
            Only in ``[tool.wherry.hooks]``.
        always: whether they run even if nothing has changed. Only in ``[tool.wherry.hooks]``.
    """

    before: tuple[Command, ...] = ()
    after: tuple[Command, ...] = ()
    where: str | None = None
    inputs: tuple[str, ...] | None = None
    always: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there are no commands."""
        return not self.before and not self.after


@dataclass(frozen=True, kw_only=True, slots=True)
class ContentSettings:
    """The content of a function or a layer.

    Attributes:
        include: patterns of the names of distributions to include.
        exclude: patterns of the names of distributions to exclude.
        include_files: gitignore patterns of paths in the package; if there are any, nothing else is included.
        exclude_files: gitignore patterns of paths in the package to exclude.
        include_regex: regular expressions for the start of a path; if there are any, nothing else is included.
        exclude_regex: regular expressions for the start of paths to exclude.
        provided: distributions that the runtime provides.
        project: whether to include the project's own code; None for the default of its kind.
        rename: paths of files and folders in the package, and their new names.
        extra_paths: additional files and folders.
        extra_distributions: requirements (PEP 508) in addition to the lock.
        layers: names of layers, or ARNs, in the order in which Lambda unpacks them.
        groups: dependency groups; None for those of ``[tool.wherry]``.
        extras: extras of the project; None for those of ``[tool.wherry]``.
        package: the member of the workspace.
        strip: gitignore patterns of paths in the package: compiled files to strip of debugging information.
            None for those of ``[tool.wherry]``.
        hooks: commands for this package only.
    """

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    include_files: tuple[str, ...] = ()
    exclude_files: tuple[str, ...] = ()
    include_regex: tuple[str, ...] = ()
    exclude_regex: tuple[str, ...] = ()
    provided: tuple[str, ...] = ()
    project: bool | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    extra_paths: tuple[ExtraPath, ...] = ()
    extra_distributions: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    groups: tuple[str, ...] | None = None
    extras: tuple[str, ...] | None = None
    package: str | None = None
    strip: tuple[str, ...] | None = None
    hooks: HookSettings = HookSettings()


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionSettings(ContentSettings):
    """``[tool.wherry.functions.NAME]``.

    Attributes:
        app: a web application, as ``module:object``.
        interface: ``wsgi`` or ``asgi``; None to detect it.
        handler: a plain function, as ``module.function``.
    """

    app: str | None = None
    interface: str | None = None
    handler: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerSettings(ContentSettings):
    """``[tool.wherry.layers.NAME]``.

    Attributes:
        layout: ``python`` or ``site-packages``: the folder in which Python finds the content.
        runtimes: the runtimes that the layer is for; empty for the target's.
        architectures: the architectures that the layer is for; empty for the target's.
    """

    layout: str = "python"
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotaSettings:
    """AWS Lambda's quotas in bytes and layers, for accounts with other quotas than the default."""

    direct_upload: int = DIRECT_UPLOAD
    unzipped: int = UNZIPPED
    layers: int = LAYERS


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """``[tool.wherry]``, checked. What is None or empty was not set."""

    runtime: str | None = None
    architecture: str | None = None
    name: str | None = None
    lock: str | None = None
    install_path: str | None = None
    output: str | None = None
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    provided: tuple[str, ...] = ()
    strip: tuple[str, ...] = ()
    conflicts: Mapping[str, str] = field(default_factory=dict)
    runtimes: Mapping[str, Runtime] = field(default_factory=dict)
    quotas: QuotaSettings = QuotaSettings()
    hooks: HookSettings = HookSettings()
    container: ContainerOptions = field(default_factory=ContainerOptions)
    functions: Mapping[str, FunctionSettings] = field(default_factory=dict)
    layers: Mapping[str, LayerSettings] = field(default_factory=dict)
    stages: Mapping[str, StageSettings] = field(default_factory=dict)
    indexes: tuple[DeclaredIndex, ...] = ()
