"""The settings as they are once read: frozen, checked, and without any default filled in.

Of two tables that say the same thing the nearer counts: ``[tool.wherry.functions.NAME]`` before
``[tool.wherry]``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from wherry.containers.options import ContainerOptions
from wherry.quotas import DIRECT_UPLOAD, LAYERS, UNZIPPED

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
    """A file or folder beside the code that is to be part of a package.

    Attributes:
        path: where it is, relative to the project's folder.
        to: where it comes to lie in the package; None is the same relative path.
    """

    path: str
    to: str | None = None


Command: TypeAlias = str | tuple[str, ...]
"""A line for the shell, or a program and its arguments."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HookSettings:
    """Commands that run before and after packages are bundled.

    Attributes:
        before: run before anything else is done.
        after: run when the content of a package is known, and not yet written.
        where: ``host`` or ``container``; None is what ``[tool.wherry.hooks]`` says, or else the host.
        inputs: gitignore patterns of the project's files that the commands read; None is all of its files.
            Of ``[tool.wherry.hooks]`` alone.
        always: whether they run although nothing has changed. Of ``[tool.wherry.hooks]`` alone.
    """

    before: tuple[Command, ...] = ()
    after: tuple[Command, ...] = ()
    where: str | None = None
    inputs: tuple[str, ...] | None = None
    always: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to run."""
        return not self.before and not self.after


@dataclass(frozen=True, kw_only=True, slots=True)
class ContentSettings:
    """What goes into a function or a layer.

    Attributes:
        include: patterns of distributions' names that go in.
        exclude: patterns of distributions' names that do not.
        include_files: gitignore patterns of paths in the package; where there are any, nothing else goes in.
        exclude_files: gitignore patterns of paths in the package that do not go in.
        include_regex: regular expressions for the start of a path; where there are any, nothing else goes in.
        exclude_regex: regular expressions for the start of paths that do not go in.
        provided: distributions that the runtime provides.
        project: whether the project's own code goes in; None for the kind's default.
        rename: files and folders of the package, and what they are called instead.
        extra_paths: files and folders that go in besides.
        extra_distributions: requirements (PEP 508) that go in besides what the lock gives.
        layers: names of layers, or ARNs, in the order in which Lambda unpacks them.
        groups: dependency groups; None for those of ``[tool.wherry]``.
        extras: extras of the project; None for those of ``[tool.wherry]``.
        package: the member of the workspace.
        strip: gitignore patterns of paths in the package: of those files that are compiled, what only
            debuggers read is left out. None for those of ``[tool.wherry]``.
        hooks: commands of this package alone.
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
        interface: ``wsgi`` or ``asgi``, where it is not to be detected.
        handler: a plain function, as ``module.function``.
    """

    app: str | None = None
    interface: str | None = None
    handler: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerSettings(ContentSettings):
    """``[tool.wherry.layers.NAME]``.

    Attributes:
        layout: ``python`` or ``site-packages``: below which folder Python finds the content.
        runtimes: the runtimes that the layer is for; empty for the target's.
        architectures: the architectures that the layer is for; empty for the target's.
    """

    layout: str = "python"
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotaSettings:
    """AWS Lambda's quotas, in bytes and layers, where an account has others."""

    direct_upload: int = DIRECT_UPLOAD
    unzipped: int = UNZIPPED
    layers: int = LAYERS


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """``[tool.wherry]``, checked. What is None or empty was not said."""

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
