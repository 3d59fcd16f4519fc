"""The variables of the Serverless Framework: ``${self:provider.stage}``, ``${file(a.yml):b}``, ``${opt:stage, 'dev'}``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.errors import ProjectError, SettingsError
from wherry.settings.foreign.document import Document, read_document
from wherry.settings.foreign.model import folder_below

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.files import ProjectFiles

__all__ = ["Variables"]

_VARIABLE = re.compile(r"\$\{([^${}]{1,500})\}")
_ALTERNATIVE = re.compile(r"(?:'[^']*'|\"[^\"]*\"|[^,'\"])+")
_AS_BOOLEAN = re.compile(r"strToBool\((\w*)\)")
_FILE = re.compile(r"file\(([^()]+)\)(?::(.+))?")
_MAX_STEPS = 20
_MAX_FILES = 200
_MAX_LENGTH = 4096


class Variables:
    """Gives values in place of variables."""

    def __init__(self, root: Path, document: Document, files: ProjectFiles) -> None:
        """Take the service's folder and its document."""
        self._root = root
        self._document = document
        self._files = files
        self._documents: dict[str, object] = {}
        self._known_stage: str | None = None

    def value(self, value: object) -> object:
        """The value that a value stands for; one with a variable that only deploying knows is None."""
        for _ in range(_MAX_STEPS):
            if not isinstance(value, str) or "${" not in value:
                return value
            found = _VARIABLE.search(value[:_MAX_LENGTH])
            if found is None:
                return None
            known = self._known(found[1])
            if found[0] == value:
                value = known
            elif isinstance(known, str):
                # The innermost variable first, as they can be nested.
                value = value[: found.start()] + known[:_MAX_LENGTH] + value[found.end() :]
            else:
                return None
        return None

    def _known(self, variable: str) -> object:
        """The value of the first of several alternatives that has one."""
        for alternative in _ALTERNATIVE.findall(variable):
            text = alternative.strip()
            if text[:1] in {"'", '"'}:
                return text.strip("'\"")
            value: object = None
            if text == "sls:stage":
                value = self._stage()
            elif text.startswith("self:"):
                value = _at(self._document, text.removeprefix("self:"))
            elif text.startswith("param:"):
                value = self._parameter(text.removeprefix("param:"))
            elif found := _FILE.fullmatch(text):
                value = _at(self._file(found[1].strip()), found[2] or "")
            elif found := _AS_BOOLEAN.fullmatch(text):
                value = found[1].lower() in {"true", "1"}
            elif not re.match(r"\w+(\(.*\))?:|\w+\(", text) and text:
                value = text
            if value is not None:
                return value
        # Who deploys names one.
        return self._stage() if "opt:stage" in variable else None

    def _stage(self) -> str:
        """The stage that is deployed by default."""
        if self._known_stage is None:
            # That of a stage which is named after itself.
            self._known_stage = "dev"
            named = self.value(_at(self._document, "provider.stage"))
            self._known_stage = named if isinstance(named, str) and named else "dev"
        return self._known_stage

    def _parameter(self, name: str) -> object:
        """A parameter of the stage, or of all stages; of version 3 or of version 4."""
        for stage in (self._stage(), "default"):
            for keys in (f"params.{stage}", f"stages.{stage}.params"):
                table = self.value(_at(self._document, keys))
                if isinstance(table, dict) and name in table:
                    return table[name]
        return None

    def _file(self, name: str) -> object:
        """The document of another file of the project; None where it cannot be read."""
        place = folder_below(name)
        if place is None or not name.endswith((".yml", ".yaml", ".json")):
            return None
        if place not in self._documents and len(self._documents) < _MAX_FILES:
            try:
                self._documents[place] = read_document(self._root / place, self._files)
            except (ProjectError, SettingsError):
                self._documents[place] = None
        return self._documents.get(place)


def _at(document: object, keys: str) -> object:
    for key in filter(None, keys.split(".")):
        if isinstance(document, list) and key.isdecimal() and len(key) < 6:
            document = document[int(key)] if int(key) < len(document) else None
        else:
            document = document.get(key) if isinstance(document, dict) else None
    return document
