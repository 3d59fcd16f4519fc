"""How a package of a construct is made: the options of the alpha constructs, and Wherry's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from wherry.errors import SettingsError
from wherry.problems import Problems, did_you_mean
from wherry.settings.container import read_container
from wherry.settings.model import ContainerOptions, HookSettings
from wherry.structs import Struct

__all__ = ["Bundling", "CommandHooks", "read_bundling"]

# What the alpha constructs give to `docker run`; no command is run for a whole package here.
_NOT_TAKEN = ("command", "entrypoint", "working_directory")


class CommandHooks(Protocol):
    """Gives commands to run before and after bundling, as ``ICommandHooks`` of the alpha constructs does."""

    def before_bundling(self, input_dir: str, output_dir: str) -> list[str]:
        """Commands to run before."""

    def after_bundling(self, input_dir: str, output_dir: str) -> list[str]:
        """Commands to run after."""


class Bundling(Struct, frozen=True, kw_only=True, dict=True):
    """The options of a package; what is None is as the project's settings have it.

    Those up to ``poetry_without_urls`` have the names and meanings of ``BundlingOptions`` of the alpha constructs,
    whose objects, and dictionaries, are taken wherever a ``Bundling`` is.

    Attributes:
        asset_excludes: gitignore patterns of the project's files that do not ship.
        asset_hash: the hash of the asset, in place of that of its bytes.
        asset_hash_type: ``AssetHashType.SOURCE`` or ``"SOURCE"`` for the digest of the inputs; by default the bytes.
        build_args: variables such as ``PIP_INDEX_URL``, for the build and its containers.
        bundling_file_access: ``VOLUME_COPY`` where the container engine cannot see this machine's files.
        command_hooks: gives commands to run before and after bundling, or a dictionary of both lists, in which
            ``{input}`` and ``{output}`` stand for the two folders.
        environment: variables in containers.
        image: the image to build in, where something has to be compiled: a ``DockerImage`` or a name.
        network, platform, security_opt, user, volumes, volumes_from: options of containers.
        output_path_suffix: a folder of the package that its files go into.
        poetry_include_hashes, poetry_without_urls: taken and not needed: hashes are always verified.
        groups: dependency groups beyond the default ones.
        extras: extras of the project.
        package: the member of a uv workspace.
        lock: the lock file, where it is not to be looked for.
        container: when to build in a container: ``auto``, ``always`` or ``never``.
        command, entrypoint, working_directory: refused: no container runs a whole build.
    """

    asset_excludes: Sequence[str] | None = None
    asset_hash: str | None = None
    asset_hash_type: Any = None
    build_args: Mapping[str, str] | None = None
    bundling_file_access: Any = None
    command_hooks: CommandHooks | Mapping[str, Sequence[str]] | None = None
    environment: Mapping[str, str] | None = None
    image: Any = None
    network: str | None = None
    platform: str | None = None
    security_opt: str | None = None
    user: str | None = None
    volumes: Sequence[Any] | None = None
    volumes_from: Sequence[str] | None = None
    output_path_suffix: str | None = None
    poetry_include_hashes: bool | None = None
    poetry_without_urls: bool | None = None
    groups: Sequence[str] = ()
    extras: Sequence[str] = ()
    package: str | None = None
    lock: str | None = None
    container: str | None = None
    command: Sequence[str] | None = None
    entrypoint: Sequence[str] | None = None
    working_directory: str | None = None

    @property
    def by_source(self) -> bool:
        """Whether the asset is known by the digest of its inputs.

        Raises:
            SettingsError: there is no such type of hash.
        """
        kind = _name(self.asset_hash_type)
        if kind not in {"", "SOURCE", "OUTPUT", "CUSTOM"}:
            raise SettingsError(
                f"`asset_hash_type` cannot be `{kind}`",
                hint="leave it out, or say AssetHashType.SOURCE or OUTPUT",
            )
        return kind == "SOURCE"

    def facts(self) -> list[object]:
        """All that decides the package, to recognize equal requests."""
        return [
            list(self.asset_excludes or ()),
            dict(self.build_args or {}),
            self.output_path_suffix,
            [list(self.groups), list(self.extras), self.package, self.lock],
            self.hooks(),
            self.containers(ContainerOptions()),
            self.by_source,
        ]

    def hooks(self) -> HookSettings | None:
        """The commands around bundling; None where there are none. Those of one list share a shell."""
        if self.command_hooks is None:
            return None
        if isinstance(self.command_hooks, Mapping):
            lists = (self.command_hooks.get(key) or () for key in ("before", "after"))
            before, after = map(list, lists)
            return _together(before, after)
        places = "{input}", "{output}"
        before = list(self.command_hooks.before_bundling(*places) or ())
        return _together(before, list(self.command_hooks.after_bundling(*places) or ()))

    def containers(self, default: ContainerOptions) -> ContainerOptions:
        """The options of containers; those of the project's settings where none are given.

        Raises:
            SettingsError: an option is wrong.
        """
        table = {
            "mode": self.container,
            "image": getattr(self.image, "image", self.image),
            "environment": {**(self.build_args or {}), **(self.environment or {})} or None,
            "network": self.network,
            "platform": self.platform,
            "security-opt": self.security_opt,
            "user": self.user,
            "volumes": [_volume(each) for each in self.volumes or ()] or None,
            "volumes-from": list(self.volumes_from or ()) or None,
            "copy": "volume" if _name(self.bundling_file_access) == "VOLUME_COPY" else None,
        }
        given = {key: value for key, value in table.items() if value is not None}
        if not given:
            return default
        problems = Problems(SettingsError, "`bundling` is wrong")
        options = read_container(given, problems)
        problems.raise_all()
        return options


def read_bundling(value: object) -> Bundling:
    """The options in whatever form they were given: Wherry's, a dictionary, or the alpha constructs' object.

    Raises:
        SettingsError: an option is unknown, or cannot be taken.
    """
    if value is None:
        return Bundling()
    known = [*Bundling.__struct_fields__]
    if isinstance(value, Mapping):
        given = dict(value)
        for key in given:
            if key not in known:
                raise SettingsError(
                    f"`bundling` has no option `{key}`", hint=did_you_mean(str(key), known=known)
                )
    else:
        given = {key: getattr(value, key, None) for key in known}
    for key in _NOT_TAKEN:
        if given.get(key):
            raise SettingsError(
                f"`bundling` has `{key}`, and no container runs a whole build here",
                hint="run commands before and after bundling: `command_hooks`",
            )
    if isinstance(value, Bundling):
        return value
    return Bundling(**{key: content for key, content in given.items() if content is not None})


def _together(before: Sequence[str], after: Sequence[str]) -> HookSettings:
    return HookSettings(
        before=(" && ".join(before),) if before else (),
        after=(" && ".join(after),) if after else (),
    )


def _name(value: object) -> str:
    """The name of an enumeration's member, or the text itself."""
    return str(getattr(value, "name", value or ""))


def _volume(value: Any) -> str:
    """A volume as ``docker run --volume`` takes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        host, inside, mode = (
            value.get("host_path"),
            value.get("container_path"),
            value.get("consistency"),
        )
    else:
        host, inside, mode = value.host_path, value.container_path, value.consistency
    return ":".join(filter(None, (host, inside, _name(mode).lower())))
