"""The image to build in: AWS's for the target, another, or one made of a Dockerfile."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.errors import ContainerError, SettingsError
from wherry.events import SILENT, ImageFetched, ImageWanted
from wherry.target import Architecture

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from wherry.containers.engine import Engine
    from wherry.containers.options import ContainerOptions, Value
    from wherry.events import Reporter
    from wherry.target import Target
    from wherry.wheels.store import Store

__all__ = ["Image", "Images", "default_image", "platform", "values"]

_KIND = "container-images"
# Variables that every Dockerfile's build knows and that are kept out of the image's history.
_PREDEFINED = frozenset(
    name
    for upper in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for name in (upper, upper.lower())
)
_LAST_LINES = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """An image that the engine has.

    Attributes:
        reference: what it is called.
        identity: the digest of its configuration and layers; another image has another.
    """

    reference: str
    identity: str


def default_image(target: Target) -> str:
    """AWS's build image for the runtime and the architecture."""
    return f"public.ecr.aws/sam/build-{target.runtime.name}:latest-{target.architecture}"


def platform(target: Target) -> str:
    """What container engines call the target's architecture."""
    return "linux/arm64" if target.architecture is Architecture.ARM64 else "linux/amd64"


@dataclass(frozen=True, kw_only=True, slots=True)
class Images:
    """The images of a project.

    Attributes:
        options: what the user says.
        root: the project's folder.
        target: what images are for.
        store: where it is remembered which image a name meant.
        reporter: hears that an image is fetched or made.
        offline: fetch none.
    """

    options: ContainerOptions
    root: Path
    target: Target
    store: Store
    reporter: Reporter = SILENT
    offline: bool = False

    @property
    def platform(self) -> str:
        """The platform of the image."""
        return self.options.platform or platform(self.target)

    @property
    def reference(self) -> str:
        """What the image is called. One of a Dockerfile is called after all that it is made of.

        Raises:
            SettingsError: there is no such Dockerfile, or its settings cannot be.
        """
        if self.options.dockerfile is None:
            return self.options.image or default_image(self.target)
        return f"wherry-build:{self._dockerfile_key()[:24]}"

    def known(self) -> Image | None:
        """The image as it was when it was last used, without asking an engine."""
        reference = self.reference
        memo = self.store.recall(_KIND, self._key(reference))
        return Image(reference=reference, identity=memo.decode()) if memo else None

    def ready(self, engine: Engine) -> Image:
        """The image, fetched or made where the engine does not have it.

        Raises:
            ContainerError: it cannot be had.
            SettingsError: there is no such Dockerfile, or its settings cannot be.
        """
        reference = self.reference
        identity = self._find(engine, reference)
        if identity is None:
            began = time.monotonic()
            made = self.options.dockerfile is not None
            self.reporter.emit(ImageWanted(name=self._title(reference), made=made))
            if made:
                self._make(engine, reference)
            else:
                self._fetch(engine, reference)
            identity = self._find(engine, reference)
            if identity is None:
                raise ContainerError(f"the image `{reference}` vanished while it was fetched")
            self.reporter.emit(
                ImageFetched(
                    name=self._title(reference), made=made, seconds=time.monotonic() - began
                )
            )
        self.store.remember(_KIND, self._key(reference), identity.encode())
        return Image(reference=reference, identity=identity)

    def _title(self, reference: str) -> str:
        return self.options.dockerfile or reference

    def _key(self, reference: str) -> str:
        facts = [reference, self.platform, self.options.engine, os.environ.get("DOCKER_HOST", "")]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def _find(self, engine: Engine, reference: str) -> str | None:
        answer = engine.ask(["image", "inspect", reference])
        if answer.status != 0:
            return None
        try:
            found = json.loads(answer.output)[0]
            identity = str(found["Id"])
            its = f"{found['Os']}/{found['Architecture']}"
        except (ValueError, LookupError, TypeError):
            return None
        if its != self.platform.rpartition("/v")[0] and its != self.platform:
            if self.options.dockerfile is None and "/" in reference:
                # The name stands for another platform's image; the registry may have the right one.
                return None
            raise ContainerError(
                f"the image `{reference}` is for {its}, and {self.platform} is wanted",
                hint="name one for the target's architecture: `image` or `platform` of [tool.wherry.container]",
            )
        return identity

    def _fetch(self, engine: Engine, reference: str) -> None:
        if self.offline:
            raise ContainerError(
                f"the image `{reference}` is not there, and `--offline` forbids to fetch",
                hint="run once without `--offline`",
            )
        answer = engine.ask(["pull", "--quiet", "--platform", self.platform, reference])
        if answer.status != 0:
            raise engine.failure(
                f"the image `{reference}` cannot be had",
                answer.said,
                hint=None
                if any("no space left" in line for line in answer.said)
                else f"look whether `{engine.kind} pull {reference}` works, or name another image: "
                "--container-image NAME, or `image` or `dockerfile` of [tool.wherry.container]",
            )

    def _make(self, engine: Engine, reference: str) -> None:
        folder, file = self._dockerfile()
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
        answer = engine.ask([*command, str(folder)], variables=variables)
        if answer.status != 0:
            from wherry.containers.engine import plain_lines
            from wherry.lock.redact import redact

            said = [*plain_lines(redact(answer.output.decode("utf-8", "replace"))), *answer.said]
            hint = None
            if secrets and any("secret" in line.lower() for line in answer.said):
                hint = "secrets of a build need BuildKit: install docker's buildx, or use podman"
            raise ContainerError(
                f"the image of `{self.options.dockerfile}` cannot be made",
                where=_without(said, secrets.values())[-_LAST_LINES:],
                hint=hint,
            )

    def _dockerfile(self) -> tuple[Path, Path]:
        """The folder that the image is made from, and the Dockerfile."""
        place = self.root / (self.options.dockerfile or "")
        file = place / "Dockerfile" if place.is_dir() else place
        if not file.is_file():
            raise SettingsError(
                f"there is no Dockerfile `{self.options.dockerfile}`",
                where=["`dockerfile` of [tool.wherry.container] names it"],
                hint="it is a Dockerfile, or a folder that holds one, relative to the project",
            )
        return file.parent, file

    def _dockerfile_key(self) -> str:
        from wherry.containers.context import context_digest

        _, file = self._dockerfile()
        arguments = values(self.options.build_args, what="build-args")
        for name, value in arguments.items():
            if name not in _PREDEFINED and _holds_password(value):
                raise SettingsError(
                    f"the build argument `{name}` holds a password, and would stay in the image's history",
                    where=["`build-args` of [tool.wherry.container] names it"],
                    hint=f"put `{name}` into `build-secrets`, and write in the Dockerfile: "
                    f"RUN --mount=type=secret,id={name} {name}=$(cat /run/secrets/{name}) ...",
                )
        facts = [
            context_digest(file),
            sorted(arguments.items()),
            sorted(self.options.build_secrets),
            self.platform,
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def values(variables: Mapping[str, Value], *, what: str) -> dict[str, str]:
    """Variables with their values; those that are taken from where Wherry runs are left out where it has none.

    Raises:
        SettingsError: a secret is wanted that is not there.
    """
    found = {}
    for name, value in variables.items():
        if isinstance(value, str):
            found[name] = value
        elif value and name in os.environ:
            found[name] = os.environ[name]
        elif value and what == "build-secrets":
            raise SettingsError(
                f"the variable `{name}` is not set",
                where=[f"`{what}` of [tool.wherry.container] names it"],
            )
    return found


def _holds_password(value: str) -> bool:
    from urllib.parse import urlsplit

    def split(word: str) -> bool:
        try:
            return bool(urlsplit(word).password)
        except ValueError:
            return "@" in word

    return any(split(word) for word in value.split())


def _without(lines: Iterable[str], secrets: Iterable[str]) -> list[str]:
    hidden = [secret for secret in secrets if secret]
    cleaned = []
    for line in lines:
        for secret in hidden:
            line = line.replace(secret, "****")  # noqa: PLW2901
        cleaned.append(line)
    return cleaned
