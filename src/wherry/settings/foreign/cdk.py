"""Applications of the AWS CDK in Python or TypeScript, whose ``cdk.json`` is in the project; they are read and not run.

Functions whose code comes from a folder, ``PythonFunction``, and layers of both kinds. The folder and the handler have
to be in the text: strings, constants, and paths that begin at the application or at the file itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from wherry.settings.foreign.cdk_source import Construct, Source, read_sources
from wherry.settings.foreign.environment import environment_setting
from wherry.settings.foreign.layer_folder import layer_of
from wherry.settings.foreign.model import (
    LAYER_ARN,
    Description,
    ForeignFunction,
    ForeignLayer,
    commonest,
    dotted,
    folder_below,
    folder_of,
)
from wherry.settings.model import plain_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wherry.files import ProjectFiles

__all__ = ["read_cdk"]

_PYTHON = re.compile(r"PYTHON_(\d)_(\d+)")
# Their entry is not in Python.
_OTHER_LANGUAGES = ("Nodejs", "Go", "Rust", "DotNet", "Deno", "Bun")


def read_cdk(path: Path, root: Path, files: ProjectFiles) -> Description | None:
    """The functions and layers of an application; None where its texts show none.

    Args:
        path: its ``cdk.json``.
        root: the project's folder.
        files: read its files.
    """
    app = _App(path.parent, root, files)
    functions = tuple(app.functions.values())
    if not functions and not app.layers and not app.notes and not app.warnings:
        return None
    return Description(
        tool="the AWS CDK",
        path=path,
        functions=functions,
        layers=tuple(app.layers.values()),
        runtime=commonest(function.runtime for function in functions),
        architecture=commonest(function.architecture for function in functions),
        notes=tuple(app.notes),
        warnings=tuple(dict.fromkeys(app.warnings)),
    )


class _Code(NamedTuple):
    """Where the code of a construct is.

    Attributes:
        folder: relative to the application; None where the text does not tell.
        built: whether requirements are installed there.
        other: why it is no code in a folder; None if it is.
    """

    folder: str | None = None
    built: bool = False
    other: str | None = None


class _App:
    """The functions and layers that the texts of an application make."""

    def __init__(self, folder: Path, root: Path, files: ProjectFiles) -> None:
        self._root = root
        self._lead = folder_of(folder, root)
        self.functions: dict[str, ForeignFunction] = {}
        self.layers: dict[str, ForeignLayer] = {}
        self.notes: list[str] = []
        self.warnings: list[str] = []
        made = [
            (source, construct)
            for source in read_sources(folder, files)
            for construct in source.constructs()
        ]
        for kind, key in (("LayerVersion", "code"), ("Function", "handler")):
            for source, construct in made:
                keys = construct.properties.keys()
                # Functions of AppSync and CloudFront have code without a handler.
                if construct.kind.endswith(kind) and ("entry" in keys or {"code", key} <= keys):
                    self._add(source, construct)

    def _add(self, source: Source, construct: Construct) -> None:
        what = f"`{construct.id or construct.kind}` of {source.path}:{construct.line}"
        runtime = _runtime(source, construct)
        language = next(
            (each for each in _OTHER_LANGUAGES if construct.kind.startswith(each)), None
        )
        if language or (runtime is not None and not runtime.startswith("python")):
            self.notes.append(f"skipped {what}: it is not in Python")
            return
        code = _code(source, construct)
        if code.other is not None:
            self.notes.append(f"skipped {what}: {code.other}")
            return
        folder = None if code.folder is None else folder_below(self._lead, code.folder)
        if folder is None:
            self.warnings.append(
                f"skipped {what}: the text does not name the folder of its code"
                if code.folder is None
                else f"skipped {what}: its code is in `{code.folder}`, outside of the project"
            )
        elif construct.kind.endswith("LayerVersion"):
            name = _name(construct, folder)
            layer = layer_of(name, self._root, folder, built=code.built)
            self.layers.setdefault(name, layer)
        else:
            self._add_function(source, construct, folder, what)

    def _add_function(self, source: Source, construct: Construct, folder: str, what: str) -> None:
        handler = _handler(source, construct)
        if handler is None:
            self.warnings.append(f"skipped {what}: the text does not name its handler")
            return
        settings: dict[str, Any] = {"handler": handler}
        if layers := list(self._attached(source, construct, what)):
            settings["layers"] = layers
        variables = source.table(construct.properties.get("environment"))
        settings |= environment_setting({key: source.text(each) for key, each in variables.items()})
        function = ForeignFunction(
            name="",
            settings=settings,
            folder=folder,
            runtime=_runtime(source, construct),
            architecture=_architecture(source, construct),
        )
        for name in _names(construct, folder, handler):
            same = self.functions.setdefault(name, replace(function, name=name))
            if (same.folder, same.settings["handler"]) == (folder, handler):
                break

    def _attached(self, source: Source, construct: Construct, what: str) -> Iterator[str]:
        """The layers of a function: those of the application by name, others by ARN."""
        for item in source.items(construct.properties.get("layers")):
            kind, call = source.call(item) or ("", None)
            if call is not None and kind.endswith("LayerVersion"):
                layer = source.construct(call, kind)
                folder = folder_below(self._lead, _code(source, layer).folder or "")
                name = _name(layer, folder or "")
                if name in self.layers:
                    yield name
                    continue
            named = [] if call is None else [*call.arguments, *call.named.values.values()]
            arns = [text for text in map(source.text, named) if text and LAYER_ARN.fullmatch(text)]
            yield from arns
            if not arns:
                self.warnings.append(
                    f"{what} has a layer that the text does not show: add it to its `layers`"
                )


def _code(source: Source, construct: Construct) -> _Code:
    """Where the code of a construct is, by its `entry` or `code`."""
    entry = construct.properties.get("entry")
    if entry is not None:
        return _Code(source.text(entry), built=True)
    name, call = source.call(construct.properties.get("code")) or ("", None)
    plain = name.replace("_", "").lower()
    if call is None:
        return _Code()
    if plain in {"frominline", "inlinecode"}:
        return _Code(other="its code is in the stack")
    if plain in {"frombucket", "frombucketv2", "s3code"}:
        return _Code(other="its code is in a bucket")
    if plain in {"fromdockerbuild", "fromcustomcommand"}:
        return _Code(other="a program of its own builds its code")
    if plain in {"fromimageasset", "fromassetimage", "fromecr", "fromecrimage"}:
        return _Code(other="it is a container image")
    if plain not in {"fromasset", "asset", "assetcode"}:
        return _Code()
    named = [*call.arguments, *(call.named.values.get(key) for key in ("path",))]
    return _Code(
        source.text(named[0]),
        built=any("bundling" in source.table(each) for each in [call.named, *call.arguments]),
    )


def _handler(source: Source, construct: Construct) -> str | None:
    """The handler as Lambda takes it; of a ``PythonFunction``, made of the file and the function."""
    properties = construct.properties
    if "entry" not in properties:
        text = source.text(properties.get("handler"))
        return dotted(text) if text and "." in text else None
    index = source.text(properties["index"]) if "index" in properties else "index.py"
    function = source.text(properties["handler"]) if "handler" in properties else "handler"
    if index is None or function is None:
        return None
    return dotted(f"{index.removesuffix('.py')}.{function}")


def _runtime(source: Source, construct: Construct) -> str | None:
    """The runtime; None where the text does not tell."""
    value = construct.properties.get("runtime")
    name = source.name(value) or ""
    if found := _PYTHON.fullmatch(name):
        return f"python{found[1]}.{found[2]}"
    kind, call = source.call(value) or ("", None)
    if kind == "Runtime" and call is not None and call.arguments:
        return source.text(call.arguments[0])
    is_other = re.fullmatch(r"(?:NODEJS|JAVA|DOTNET|GO|RUBY|PROVIDED|FROM_IMAGE)[A-Z0-9_]*", name)
    return name.lower() if is_other else None


def _architecture(source: Source, construct: Construct) -> str | None:
    name = source.name(construct.properties.get("architecture")) or ""
    return {"ARM_64": "arm64", "X86_64": "x86_64"}.get(name)


def _name(construct: Construct, folder: str) -> str:
    return next(_names(construct, folder, ""))


def _names(construct: Construct, folder: str, handler: str) -> Iterator[str]:
    """Names for the package of a construct, the best first."""
    last = plain_name(folder.rpartition("/")[2]).strip("-")
    own = plain_name(construct.id or "").strip("-") or last or construct.kind
    yield own
    module = plain_name(handler.rpartition(".")[0])
    for name in (f"{last}-{own}", f"{module}-{own}", f"{last}-{module}-{own}"):
        yield name.strip("-")
    yield from (f"{own}-{number}" for number in range(2, 1000))
