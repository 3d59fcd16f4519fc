"""``serverless.yml`` of the Serverless Framework, with its plugins serverless-python-requirements and serverless-wsgi.

Variables are followed where the project's own files have their value: ``${self:…}``, ``${file(…)}``, and defaults.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from wherry.settings.foreign.document import Document, texts
from wherry.settings.foreign.environment import environment_setting
from wherry.settings.foreign.events import serverless_routes
from wherry.settings.foreign.intrinsics import written
from wherry.settings.foreign.layer_folder import layer_of
from wherry.settings.foreign.model import (
    LAYER_ARN,
    Description,
    ForeignFunction,
    ForeignLayer,
    commonest,
    dotted,
    folder_below,
    unknown_layer,
)
from wherry.settings.foreign.python_requirements import REQUIREMENTS_LAYER, PythonRequirements
from wherry.settings.foreign.variables import Variables
from wherry.settings.model import plain_name
from wherry.untrusted import inner_string, inner_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wherry.files import ProjectFiles

__all__ = ["layer_resource", "read_serverless"]

_MOST = 500
"""Resources that CloudFormation takes."""
_EVERYTHING = {"!**", "!./**", "!**/*", "!**/**", "!*"}
# Never part of a package.
_ALREADY_OUT = re.compile(
    r"(\./)?(node_modules|\.(?!/)|venv|env|package|serverless|requirements|__pycache__)"
)


def read_serverless(path: Path, document: Document, files: ProjectFiles) -> Description | None:
    """The functions and layers of a service; None where it is not on AWS or has no function."""
    service = _Service(path, document, files)
    functions = tuple(service.functions())
    if service.provider_name != "aws" or not (functions or service.notes or service.warnings):
        return None
    used = {name for function in functions for name in function.settings.get("layers", ())}
    layers = {layer.name: layer for layer in service.layers(used)}
    exclude = service.excluded()
    settings = service.requirements.settings()
    if exclude:
        settings["exclude"] = exclude
    return Description(
        tool="the Serverless Framework",
        path=path,
        functions=functions,
        layers=tuple(layers.values()),
        settings=settings,
        runtime=commonest(function.runtime for function in functions),
        architecture=commonest(function.architecture for function in functions),
        notes=tuple(service.notes),
        warnings=tuple(dict.fromkeys([*service.warnings, *service.untranslated()])),
    )


class _Service:
    def __init__(self, path: Path, document: Document, files: ProjectFiles) -> None:
        self._path = path
        self._variables = Variables(path.parent, document, files)
        self._document = document
        self._provider = self._inner(document, "provider")
        self._custom = self._inner(document, "custom")
        self.requirements = PythonRequirements(
            path.parent,
            self._inner(self._custom, "pythonRequirements"),
            files,
            self._variables.value,
        )
        self._of_functions: list[str] = []
        self._has_modules = False
        self.notes: list[str] = []
        self.warnings: list[str] = []

    @property
    def provider_name(self) -> str | None:
        name = self._variables.value(self._document.get("provider"))
        return name if isinstance(name, str) else self._text(self._provider, "name")

    def functions(self) -> Iterator[ForeignFunction]:
        """The functions in Python that are packaged as zip."""
        for name, function in self._named("functions"):
            runtime = self._text(function, "runtime") or self._text(self._provider, "runtime")
            handler = self._text(function, "handler")
            reason = None
            if function.get("image") is not None:
                reason = "it is a container image"
            elif runtime is not None and not runtime.startswith("python"):
                reason = f"it runs on {runtime}"
            elif handler is None or "." not in handler:
                reason = "it has no handler that is known before it is deployed"
            folder = folder_below(self._text(function, "module") or ".")
            if reason is None and folder is None:
                reason = "its code is not in a folder of the project"
            if reason is not None or handler is None or folder is None:
                self.notes.append(f"skipped `{name}` of {self._path.name}: {reason}")
                continue
            # Patterns name paths of the service, and not of such a folder.
            self._has_modules |= bool(folder)
            settings = self._callable(handler)
            if layers := self._layers_of(name, function):
                settings["layers"] = layers
            settings |= self.requirements.of_function(folder, function.get("vendor"))
            settings |= environment_setting(
                self._inner(self._provider, "environment"),
                self._inner(function, "environment"),
                value=self._variables.value,
            )
            settings |= self._patterns_of(name, function)
            yield ForeignFunction(
                name=plain_name(name),
                settings=settings,
                folder=folder,
                runtime=runtime,
                architecture=self._text(function, "architecture")
                or self._text(self._provider, "architecture"),
                routes=serverless_routes(
                    function.get("events"),
                    self._variables.value,
                    self._text(self._inner(function, "httpApi"), "payload")
                    or self._text(self._inner(self._provider, "httpApi"), "payload"),
                ),
            )

    def layers(self, used: set[str]) -> Iterator[ForeignLayer]:
        """The layers that functions use, others that are for Python, and that of the plugin for requirements."""
        for name, layer in self._named("layers"):
            folder = folder_below(self._text(layer, "path") or "..")
            runtimes = texts(self._variables.value(layer.get("compatibleRuntimes")))
            for_python = any(each.startswith("python") for each in runtimes)
            if folder and (for_python or plain_name(name) in used):
                yield layer_of(plain_name(name), self._path.parent, folder, built=False)
        if self.requirements.has_layer:
            yield ForeignLayer(name=REQUIREMENTS_LAYER, settings=self.requirements.content())

    def untranslated(self) -> Iterator[str]:
        """Warnings of what has no setting here."""
        if names := [f"`{name}`" for name in self.requirements.untranslated]:
            yield f"not translated from pythonRequirements of {self._path.name}: {', '.join(names)}"
        if self._provider.get("runtime") is not None and not self._text(self._provider, "runtime"):
            yield f"the runtime of {self._path.name} is not known: check `runtime`"

    def excluded(self) -> list[str]:
        """Patterns of files that are left out: those that the package leaves out, or all but those that it names."""
        package = self._inner(self._document, "package")
        patterns = [f"!{text}" for text in texts(self._variables.value(package.get("exclude")))]
        patterns += texts(self._variables.value(package.get("include")))
        patterns += texts(self._variables.value(package.get("patterns")))
        own = [text for text in patterns if not _ALREADY_OUT.match(text.removeprefix("!"))]
        if all(text.startswith("!") and text not in _EVERYTHING for text in own):
            return _excludes(own)
        start = max((n for n, text in enumerate(own, 1) if text in _EVERYTHING), default=0)
        # One package holds what any of the functions has.
        named = [*own[start:], *(text for text in self._of_functions if not text.startswith("!"))]
        if not start or self._has_modules or all(text.startswith("!") for text in named):
            self.warnings.append(
                f"the patterns of `package` in {self._path.name} were not translated: see `include` and `exclude`"
            )
            return []
        # Nothing but what is named after it; a folder is looked into for what it may hold.
        return ["*", "!*/", *dict.fromkeys(map(_as_ignored, named))]

    def _patterns_of(self, name: str, function: Document) -> dict[str, Any]:
        """The settings for the patterns of one function's package."""
        package = self._inner(function, "package")
        values = [self._variables.value(package.get(key)) for key in ("include", "patterns")]
        patterns = [text for value in values for text in texts(value)]
        excluded = [f"!{text}" for text in texts(self._variables.value(package.get("exclude")))]
        if all(text.startswith("!") and text not in _EVERYTHING for text in patterns + excluded):
            found = _excludes(excluded + patterns)
            return {"exclude-files": found} if found else {}
        self._of_functions += patterns
        self.warnings.append(
            f"`{name}` gets the files of all functions: for those of {self._path.name} alone see `include-files`"
        )
        return {}

    def _callable(self, handler: str) -> dict[str, Any]:
        """The settings of a handler; the one of serverless-wsgi stands for a web application."""
        application = self._text(self._inner(self._custom, "wsgi"), "app")
        if handler.rpartition("/")[2] in {"wsgi_handler.handler", "wsgi.handler"} and application:
            module, _, name = dotted(application).rpartition(".")
            return {"app": f"{module}:{name}", "interface": "wsgi"}
        return {"handler": dotted(handler)}

    def _layers_of(self, name: str, function: Document) -> list[str]:
        entries = self._variables.value(function.get("layers", self._provider.get("layers")))
        known = {layer_resource(key): plain_name(key) for key, _ in self._named("layers")}
        known[layer_resource("pythonRequirements")] = REQUIREMENTS_LAYER
        layers: dict[str, None] = {}
        for item in entries[:_MOST] if isinstance(entries, list) else []:
            entry = self._variables.value(item)
            reference = inner_string(entry, "Ref")
            if reference in known:
                layers[known[reference]] = None
            elif isinstance(entry, str) and LAYER_ARN.fullmatch(entry):
                layers[entry] = None
            else:
                self.warnings.append(unknown_layer(name, written(entry)))
        return list(layers)

    def _named(self, kind: str) -> Iterator[tuple[str, Document]]:
        """The mappings by name in a mapping of the service, or in a list of such."""
        return islice(self._all_named(kind), _MOST)

    def _all_named(self, kind: str) -> Iterator[tuple[str, Document]]:
        named = self._document.get(kind)
        known = self._variables.value(named)
        for each in known[:_MOST] if isinstance(known, list) else [named]:
            table = self._variables.value(each)
            if table is None and isinstance(each, str):
                self._cannot_tell(each)
            items = table.items() if isinstance(table, dict) else ()
            for name, item in islice(items, _MOST):
                settings = self._variables.value(item)
                if isinstance(settings, dict):
                    yield name, settings
                elif settings is None and item is not None:
                    self._cannot_tell(name)

    def _cannot_tell(self, name: str) -> None:
        self.warnings.append(
            f"skipped `{name}` of {self._path.name}: `serverless print` tells what it is"
        )

    def _inner(self, table: Document, key: str) -> Document:
        return inner_table(self._variables.value(table.get(key)))

    def _text(self, table: Document, key: str) -> str | None:
        return inner_string({"": self._variables.value(table.get(key))}, "")


def layer_resource(layer: str) -> str:
    """The name that the framework gives to the resource of a layer."""
    name = layer.replace("-", "Dash").replace("_", "Underscore")
    return f"{name[:1].upper()}{name[1:]}LambdaLayer"


def _excludes(patterns: list[str]) -> list[str]:
    """Patterns of the framework that all leave files out, as those of ``.gitignore``."""
    plain = [text[1:].removeprefix("./") for text in patterns]
    return list(dict.fromkeys(f"/{text}" if "/" in text else text for text in plain))


def _as_ignored(pattern: str) -> str:
    """A pattern of the framework, which takes files in, as one of ``.gitignore``, which leaves them out."""
    text = pattern.removeprefix("!").removeprefix("./")
    return f"/{text}" if pattern.startswith("!") else f"!/{text}"
