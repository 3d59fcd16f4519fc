"""The image to build in: AWS's for the target, another, or one made from a Dockerfile."""

from __future__ import annotations

import hashlib
import os
import re
import time
from typing import TYPE_CHECKING

from wherry.containers.run import values
from wherry.errors import ContainerError, SettingsError
from wherry.events import ImageFetched, ImageWanted
from wherry.files import open_regular, read_regular
from wherry.store.memo import Memo, memo_key
from wherry.structs import Struct
from wherry.target import Architecture, Target
from wherry.untrusted import parse_json

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.containers.engine import Engine
    from wherry.context import Context
    from wherry.settings.model import ContainerOptions

__all__ = ["Image", "Images", "default_image", "platform"]

# The identity of the image that a name stood for.
_IDENTITIES: Memo[str] = Memo("container-images", str, str)
# Variables that every Dockerfile's build knows and that are kept out of the image's history.
_PREDEFINED = frozenset(
    name
    for upper in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for name in (upper, upper.lower())
)
_LAST_LINES = 20
# Instructions of a Dockerfile that read files of its folder.
_COPIES = re.compile(
    r"^\s*(ONBUILD\s+)?(COPY|ADD)\s|--mount=\S*type=bind", re.MULTILINE | re.IGNORECASE
)
_NOT_READ = frozenset({".git", ".hg", ".svn"})


class Image(Struct, frozen=True, kw_only=True):
    """An image that the engine has by its name; the identity is the digest of its configuration and layers."""

    reference: str
    identity: str


def default_image(target: Target) -> str:
    """AWS's build image for the runtime and the architecture."""
    return f"public.ecr.aws/sam/build-{target.runtime.name}:latest-{target.architecture}"


def platform(target: Target) -> str:
    """The target's architecture in the words of container engines."""
    return "linux/arm64" if target.architecture is Architecture.ARM64 else "linux/amd64"


class Images(Struct, frozen=True, kw_only=True):
    """The images of a project; a Dockerfile is named from its folder ``root``."""

    options: ContainerOptions
    root: Path
    context: Context

    @property
    def platform(self) -> str:
        """The platform of the image."""
        return self.options.platform or platform(self.context.target)

    @property
    def reference(self) -> str:
        """The name of the image. That of a Dockerfile's is a digest of all that it is made of.

        Raises:
            SettingsError: there is no such Dockerfile, or its settings are wrong.
        """
        if self.options.dockerfile is None:
            return self.options.image or default_image(self.context.target)
        return f"wherry-build:{self._dockerfile_key()[:24]}"

    def known(self) -> Image | None:
        """The image as it was when it was last used, without asking an engine."""
        reference = self.reference
        identity = _IDENTITIES.recall(self.context.store, self._key(reference))
        return Image(reference=reference, identity=identity) if identity else None

    def ready(self, engine: Engine) -> Image:
        """The image, fetched or made where the engine does not have it.

        Raises:
            ContainerError: it cannot be fetched or made.
            SettingsError: there is no such Dockerfile, or its settings are wrong.
        """
        reference = self.reference
        identity = self._find(engine, reference)
        if identity is None:
            began = time.monotonic()
            made = self.options.dockerfile is not None
            title = self.options.dockerfile or reference
            self.context.reporter.emit(ImageWanted(name=title, made=made))
            if made:
                self._make(engine, reference)
            else:
                self._fetch(engine, reference)
            identity = self._find(engine, reference)
            if identity is None:
                raise ContainerError(f"the image `{reference}` vanished while it was fetched")
            seconds = time.monotonic() - began
            self.context.reporter.emit(ImageFetched(name=title, made=made, seconds=seconds))
        _IDENTITIES.remember(self.context.store, self._key(reference), identity)
        return Image(reference=reference, identity=identity)

    def _key(self, reference: str) -> str:
        host = os.environ.get("DOCKER_HOST", "")
        return memo_key(reference, self.platform, self.options.engine, host)

    def _find(self, engine: Engine, reference: str) -> str | None:
        answer = engine.ask(["image", "inspect", reference])
        if answer.status != 0:
            return None
        try:
            image = parse_json(answer.output)[0]
            identity = str(image["Id"])
            own = f"{image['Os']}/{image['Architecture']}"
        except (ValueError, LookupError, TypeError):
            return None
        if own not in {self.platform, self.platform.rpartition("/v")[0]}:
            if self.options.dockerfile is None and "/" in reference:
                # The name stands for another platform's image; the registry may have the right one.
                return None
            raise ContainerError(
                f"the image `{reference}` is for {own}, and not for {self.platform}",
                hint="name one for the target's architecture: `image` or `platform` of [tool.wherry.container]",
            )
        return identity

    def _fetch(self, engine: Engine, reference: str) -> None:
        if self.context.offline:
            raise ContainerError(
                f"the image `{reference}` is not there, and `--offline` forbids fetching it",
                hint="run once without `--offline`",
            )
        answer = engine.ask(["pull", "--quiet", "--platform", self.platform, reference])
        if answer.status != 0:
            raise engine.failure(
                f"the image `{reference}` cannot be fetched",
                answer.errors,
                hint=None
                if any("no space left" in line for line in answer.errors)
                else f"check whether `{engine.kind} pull {reference}` works, or name another image: "
                "--container-image NAME, or `image` or `dockerfile` of [tool.wherry.container]",
            )

    def _make(self, engine: Engine, reference: str) -> None:
        file = self._dockerfile()
        arguments = values(self.options.build_args, what="build-args")
        secrets = values(dict.fromkeys(self.options.build_secrets, True), what="build-secrets")
        variables = {**arguments, **secrets}
        command = ["build", "--platform", self.platform, "--tag", reference, "--file", str(file)]
        if self.options.network not in {None, "none"}:
            command += ["--network", str(self.options.network)]
        for name in sorted(arguments):
            # Without its value, which the engine's client takes from its environment.
            command += ["--build-arg", name]
        for name in sorted(secrets):
            command += ["--secret", f"id={name},env={name}"]
        answer = engine.ask([*command, str(file.parent)], variables=variables)
        if answer.status != 0:
            from wherry.containers.engine import plain_lines
            from wherry.indexes.redact import redact

            output = redact(answer.output.decode("utf-8", "replace"))
            lines = "\n".join([*plain_lines(output), *answer.errors])
            for secret in filter(None, secrets.values()):
                lines = lines.replace(secret, "****")
            hint = None
            if secrets and any("secret" in line.lower() for line in answer.errors):
                hint = "secrets of a build need BuildKit: install docker's buildx, or use podman"
            raise ContainerError(
                f"the image of `{self.options.dockerfile}` cannot be made",
                where=lines.split("\n")[-_LAST_LINES:],
                hint=hint,
            )

    def _dockerfile(self) -> Path:
        place = self.root / (self.options.dockerfile or "")
        file = place / "Dockerfile" if place.is_dir() else place
        if not file.is_file():
            raise SettingsError(
                f"there is no Dockerfile `{self.options.dockerfile}`",
                where=["`dockerfile` of [tool.wherry.container] names it"],
                hint="it is a Dockerfile, or a folder that holds one, relative to the project",
            )
        return file

    def _dockerfile_key(self) -> str:
        file = self._dockerfile()
        arguments = values(self.options.build_args, what="build-args")
        for name, value in arguments.items():
            if name not in _PREDEFINED and _holds_password(value):
                raise SettingsError(
                    f"the build argument `{name}` holds a password, and would stay in the image's history",
                    where=["`build-args` of [tool.wherry.container] names it"],
                    hint=f"put `{name}` into `build-secrets`, and write in the Dockerfile: "
                    f"RUN --mount=type=secret,id={name} {name}=$(cat /run/secrets/{name}) ...",
                )
        return memo_key(
            _context_digest(file),
            sorted(arguments.items()),
            sorted(self.options.build_secrets),
            self.platform,
        )


def _holds_password(value: str) -> bool:
    from urllib.parse import urlsplit

    def split(word: str) -> bool:
        try:
            return bool(urlsplit(word).password)
        except ValueError:
            return "@" in word

    return any(split(word) for word in value.split())


def _context_digest(dockerfile: Path) -> str:
    """A digest of the Dockerfile, and of all files of its folder where it copies any of them."""
    content = read_regular(dockerfile)
    digest = hashlib.sha256(content)
    if _COPIES.search(content.decode("utf-8", "replace")):
        for path in _files(str(dockerfile.parent)):
            digest.update(_file(path, os.path.relpath(path, dockerfile.parent)))
    return digest.hexdigest()


def _files(folder: str) -> list[str]:
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _NOT_READ)
        found += [os.path.join(place, name) for name in (*names, *folders)]  # noqa: PTH118
    return sorted(found)


def _file(path: str, name: str) -> bytes:
    try:
        if os.path.islink(path):  # noqa: PTH114
            content = os.readlink(path)  # noqa: PTH115
        elif os.path.isdir(path):  # noqa: PTH112
            content = "folder"
        else:
            executable = os.stat(path).st_mode & 0o111  # noqa: PTH116
            with open_regular(path) as file:
                content = f"{executable:o} {hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError:
        content = "unreadable"
    return f"\0{name}\0{content}".encode(errors="surrogateescape")
