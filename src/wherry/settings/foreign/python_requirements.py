"""The options of the plugin serverless-python-requirements: ``custom.pythonRequirements``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.settings.foreign.document import Document, texts
from wherry.settings.foreign.model import folder_below

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wherry.files import ProjectFiles

__all__ = ["REQUIREMENTS_LAYER", "PythonRequirements"]

REQUIREMENTS_LAYER = "python-requirements"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
# What Lambda's runtimes have.
_SDK = {"boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"}
_LOCKS = ("poetry.lock", "Pipfile.lock", "uv.lock", "pdm.lock", "pylock.toml")
_MAX_SIZE = 20_000_000
_BRACES = re.compile(r"[{}!()|]")
"""Characters that have a meaning in patterns of Node, and none in those of ``.gitignore``."""
_UNTRANSLATED = (
    "dockerExtraFiles",
    "dockerFile",
    "dockerRunCmdExtraArgs",
    "pipCmdExtraArgs",
    "poetryOnlyGroups",
    "poetryWithoutGroups",
)


class PythonRequirements:
    """The plugin's options, with the meaning that they have for Wherry."""

    def __init__(
        self, root: Path, options: Document, files: ProjectFiles, value: Callable[[object], object]
    ) -> None:
        """Take the service's folder, the options, and what gives the values of variables."""
        self._root = root
        self._options = options
        self._files = files
        self._value = value

    def get(self, key: str) -> object:
        """The value of an option."""
        return self._value(self._options.get(key))

    @property
    def has_layer(self) -> bool:
        """Whether the requirements are a layer."""
        layer = self.get("layer")
        return layer is True or isinstance(layer, dict)

    def settings(self) -> dict[str, Any]:
        """The settings for all packages."""
        found: dict[str, Any] = {}
        if lock := self._lock():
            found["lock"] = lock
        if groups := [*texts(self.get("poetryWithGroups")), *texts(self.get("poetryOnlyGroups"))]:
            found["groups"] = groups
        if provided := [name for name in self._not_deployed() if name.lower() in _SDK]:
            found["provided"] = provided
        if self.get("slim") is True and self.get("strip") is not False:
            found["strip"] = True
        return found

    @property
    def untranslated(self) -> list[str]:
        """The options with a value that have no setting here."""
        return [name for name in _UNTRANSLATED if self.get(name) not in (None, False, "", [])]

    def of_function(self, folder: str, own: object) -> dict[str, Any]:
        """The settings of a function: where the requirements are a layer, it holds none, whatever its layers are.

        ``folder`` is that of the requirements, and ``own`` the option ``vendor`` of the function.
        """
        return {"include": []} if self.has_layer else self.content(folder, own)

    def content(self, folder: str = "", own: object = None) -> dict[str, Any]:
        """The settings of the package that holds the requirements; as for ``of_function``."""
        found: dict[str, Any] = {}
        named = self.get("fileName")
        lock = folder_below(folder, named) if folder and isinstance(named, str) else None
        if lock and (self._root / lock).is_file():
            found["lock"] = lock
        locked = self._locked(folder)
        excluded = [
            name
            for name in self._not_deployed()
            if name.lower() not in _SDK and (locked is None or _names(locked, name))
        ]
        if excluded:
            found["exclude"] = excluded
        vendored = [*texts(self.get("vendor")), *texts(self._value(own))]
        if paths := [path for each in vendored if (path := folder_below(each))]:
            found["extra-paths"] = [{"path": path, "to": ""} for path in paths]
        patterns = [text for text in texts(self.get("slimPatterns")) if not _BRACES.search(text)]
        if patterns and self.get("slim") is True:
            found["exclude-files"] = [
                text if text.startswith("**/") else f"/{text}" for text in patterns
            ]
        return found

    def _lock(self) -> str | None:
        """The file of requirements, where it is not the one that Wherry finds."""
        name = self.get("fileName")
        if isinstance(name, str) and name != "requirements.txt":
            return folder_below(name)
        unused = {"usePoetry": "poetry.lock", "usePipenv": "Pipfile.lock"}
        found = any(
            self.get(key) is False and (self._root / lock).is_file() for key, lock in unused.items()
        )
        return "requirements.txt" if found and (self._root / "requirements.txt").is_file() else None

    def _not_deployed(self) -> list[str]:
        return [name for name in texts(self.get("noDeploy")) if _NAME.fullmatch(name)]

    def _locked(self, folder: str) -> str | None:
        """The text of all files that say which distributions there are; None if there is none."""
        named = self.get("fileName")
        names = [*_LOCKS, named if isinstance(named, str) else "requirements.txt"]
        found = []
        for place in {"", folder}:
            for name in names:
                path = folder_below(place, name)
                content = self._read(self._root / path) if path else None
                found += [] if content is None else [content]
        return "\n".join(found) if found else None

    def _read(self, path: Path) -> str | None:
        try:
            if path.stat().st_size > _MAX_SIZE:
                return None
            return self._files.read(path).decode("utf-8", "replace")
        except OSError:
            return None


def _names(text: str, name: str) -> bool:
    """Whether a text has the name of a distribution, however it is spelled."""
    spelled = "[-_.]+".join(map(re.escape, re.split("[-_.]+", name)))
    return re.search(rf"(?i)(?<![\w.-]){spelled}(?![\w.-])", text) is not None
