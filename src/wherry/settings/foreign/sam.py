"""Templates of AWS SAM and CloudFormation: ``template.yaml``, with the functions that are packaged from folders.

AWS's specification is the SAM resource and property reference.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from msgspec import field
from msgspec.structs import replace

from wherry.errors import ProjectError, SettingsError
from wherry.files import real_path
from wherry.settings.foreign.document import Document, read_document, texts
from wherry.settings.foreign.environment import environment_setting
from wherry.settings.foreign.events import gateway_routes, sam_routes
from wherry.settings.foreign.intrinsics import Intrinsics, expand_loops, written
from wherry.settings.foreign.layer_folder import layer_of
from wherry.settings.foreign.model import (
    LAYER_ARN,
    Description,
    ForeignFunction,
    ForeignLayer,
    architecture_of,
    commonest,
    dotted,
    folder_below,
    folder_of,
    unknown_layer,
)
from wherry.settings.model import plain_name
from wherry.structs import Struct
from wherry.untrusted import inner_string, inner_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from wherry.files import ProjectFiles

__all__ = ["read_template"]

_FUNCTIONS = {"AWS::Serverless::Function": "CodeUri", "AWS::Lambda::Function": "Code"}
_LAYERS = {"AWS::Serverless::LayerVersion": "ContentUri", "AWS::Lambda::LayerVersion": "Content"}
_APPLICATIONS = {
    "AWS::Serverless::Application": "Location",
    "AWS::CloudFormation::Stack": "TemplateURL",
}
_DEEPEST = 3
_MOST = 50
"""Applications within each other, and in all; layers of a function."""
_MOST_RESOURCES = 500
"""CloudFormation takes no more."""


class _Place(Struct, frozen=True, kw_only=True):
    """Where a template is, and what is known there.

    Attributes:
        folder: the template's folder, relative to the project.
        above: the template, and those that it is nested in.
        read: all that were nested so far, wherever.
        parameters: the values that the template above gives; None where only AWS knows them.
    """

    root: Path
    files: ProjectFiles
    folder: str = ""
    above: frozenset[Path]
    read: list[Path] = field(default_factory=list)
    parameters: Mapping[str, object] = field(default_factory=dict)


def read_template(
    path: Path, document: Document, root: Path, files: ProjectFiles
) -> Description | None:
    """The functions and layers of a template and of those that it nests; None where there is none.

    Args:
        path: the template.
        document: what it holds.
        root: the project's folder.
        files: read its files.
    """
    place = _Place(
        root=root,
        files=files,
        folder=folder_of(path.parent, root),
        above=frozenset({real_path(path)}),
    )
    return _read(path, _Template(document, place))


def _read(path: Path, template: _Template) -> Description | None:
    own = _read_own(path, template)
    nested: list[tuple[str, Description]] = []
    place = template.place
    for name, location, parameters in template.applications():
        if len(place.above) > _DEEPEST or len(place.read) >= _MOST:
            break
        within = folder_below(place.folder, location)
        inside = None if within is None else place.root / within
        if (
            within is None
            or inside is None
            or not inside.is_file()
            or real_path(inside) in place.above
        ):
            template.warnings.append(
                f"skipped the application `{name}` of {path.name}: its template is not in the project"
            )
            continue
        place.read.append(inside)
        below = replace(
            place,
            folder=folder_below(within, "..") or "",
            above=place.above | {real_path(inside)},
            parameters=parameters,
        )
        try:
            found = _read(inside, _Template(read_document(inside, place.files), below))
        except (ProjectError, SettingsError) as error:
            template.warnings.append(f"{error.message}: {'; '.join(error.where)}")
            continue
        if found is not None:
            nested.append((name, found))
    if own is None and not nested:
        return None
    return _combine(path, own, nested, template.warnings)


def _read_own(path: Path, template: _Template) -> Description | None:
    """The functions and layers of a template itself; None where it has no function."""
    functions: list[ForeignFunction] = []
    for name, resource in template.functions():
        reason = resource.unsuitable()
        if reason is not None:
            template.notes.append(f"skipped `{name}` of {path.name}: {reason}")
            continue
        folder = resource.folder()
        if folder is None:
            template.warnings.append(
                f"skipped `{name}` of {path.name}: its code is not in a folder of the project"
            )
            continue
        if resource.by_makefile:
            template.warnings.append(_made_by_makefile(f"`{name}` of {path.name}"))
        settings: dict[str, Any] = {"handler": dotted(resource.handler or "")}
        if layers := template.layers_of(name, resource):
            settings["layers"] = layers
        settings |= environment_setting(*resource.variables, value=template.value)
        functions.append(
            ForeignFunction(
                name=plain_name(name),
                settings=settings,
                folder=folder,
                runtime=resource.runtime,
                architecture=resource.architecture,
                own_requirements=not resource.by_makefile,
                routes=sam_routes(resource.get("Events"), template.value)
                + template.routes.get(name, ()),
            )
        )
    used = {name for function in functions for name in function.settings.get("layers", ())}
    made = list(template.layers(path, used))
    if not functions and not made and not template.notes and not template.warnings:
        return None
    kept = {layer.name for layer in made}
    for function in functions:
        attached = function.settings.get("layers")
        if attached is not None:
            attached[:] = [
                layer for layer in attached if layer in kept or LAYER_ARN.fullmatch(layer)
            ]
    return Description(
        tool="AWS SAM",
        path=path,
        functions=tuple(functions),
        layers=tuple(made),
        notes=tuple(template.notes),
        warnings=tuple(dict.fromkeys(template.warnings)),
    )


def _made_by_makefile(what: str) -> str:
    return f"a makefile builds {what}, and was not read: compare what `wherry build` writes"


def _builder(resource: Document) -> str | None:
    """The way in which SAM builds a resource, where the template names one."""
    return inner_string(resource, "Metadata", "BuildMethod")


class _Resource:
    """A function of the template, with its globals."""

    def __init__(self, template: _Template, resource: Document, code: str) -> None:
        self._template = template
        self._properties = inner_table(resource, "Properties")
        self.by_makefile = _builder(resource) == "makefile"
        self._globals = template.globals if code == "CodeUri" else {}
        self._code = code

    def get(self, key: str) -> object:
        """The value of a property, or else of the globals."""
        own = self._properties.get(key)
        return self._template.value(self._globals.get(key) if own is None else own)

    @property
    def runtime(self) -> str | None:
        value = self.get("Runtime")
        return value if isinstance(value, str) else None

    @property
    def architecture(self) -> str | None:
        value = self.get("Architectures")
        items = [self._template.value(item) for item in value] if isinstance(value, list) else []
        return architecture_of(items)

    @property
    def variables(self) -> list[Document]:
        """The environment variables of the globals, and its own."""
        return [
            inner_table(source, "Environment", "Variables")
            for source in (self._globals, self._properties)
        ]

    @property
    def handler(self) -> str | None:
        value = self.get("Handler")
        return value if isinstance(value, str) and "." in value else None

    @property
    def layers(self) -> list[object]:
        """Its layers, those of the globals first."""
        entries: list[object] = []
        for source in (self._globals, self._properties):
            value = source.get("Layers")
            entries += value[:_MOST] if isinstance(value, list) else []
        return entries

    def unsuitable(self) -> str | None:
        """The reason why it is no function in Python that is packaged as zip."""
        if self.get("PackageType") == "Image":
            return "it is a container image"
        code = self.get(self._code)
        if self.get("InlineCode") is not None or (isinstance(code, dict) and "ZipFile" in code):
            return "its code is in the template"
        if self.runtime is not None and not self.runtime.startswith("python"):
            return f"it runs on {self.runtime}"
        return "it has no handler in Python" if self.handler is None else None

    def folder(self) -> str | None:
        named = any(self._code in each for each in (self._globals, self._properties))
        return self._template.folder(self.get(self._code) if named else ".")


class _Template:
    """A template, and what was found on the way."""

    def __init__(self, document: Document, place: _Place) -> None:
        self.place = place
        self._resources = inner_table(document, "Resources")
        self.globals = inner_table(document, "Globals", "Function")
        self.value = Intrinsics(document, place.parameters).value
        self.notes: list[str] = []
        self.warnings: list[str] = []
        resources = expand_loops(self._resources, self.value, self._pass_over)
        self._resources = dict(islice(resources.items(), _MOST_RESOURCES))
        self.routes = gateway_routes(self._resources, self.value)

    def _pass_over(self, loop: str) -> None:
        self.warnings.append(f"skipped `{loop}`: what it runs over is not in the template")

    def functions(self) -> Iterator[tuple[str, _Resource]]:
        for name, resource in self._resources.items():
            code = _FUNCTIONS.get(inner_string(resource, "Type") or "")
            if code is not None:
                yield name, _Resource(self, resource, code)

    def applications(self) -> Iterator[tuple[str, str, dict[str, object]]]:
        """The names of nested applications, the paths of their templates beside this one, and their parameters."""
        for name, resource in self._resources.items():
            place = _APPLICATIONS.get(inner_string(resource, "Type") or "")
            properties = inner_table(resource, "Properties")
            value = self.value(properties.get(place)) if place else None
            # Applications of the repository and templates in a bucket are somebody else's.
            if isinstance(value, str) and not value.startswith(("s3:", "http", "/")):
                given = inner_table(properties, "Parameters")
                yield name, value, {key: self.value(each) for key, each in given.items()}

    def layers(self, path: Path, used: set[str]) -> Iterator[ForeignLayer]:
        """The layers that functions use, by their names, and others that are for Python."""
        for name, resource in self._resources.items():
            content = _LAYERS.get(inner_string(resource, "Type") or "")
            properties = inner_table(resource, "Properties")
            builder = _builder(resource) or ""
            runtimes = texts(self.value(properties.get("CompatibleRuntimes")))
            for_python = any(each.startswith("python") for each in (builder, *runtimes))
            if content is None or not (for_python or plain_name(name) in used):
                continue
            what = f"the layer `{name}` of {path.name}"
            folder = self.folder(self.value(properties.get(content)))
            if folder is None:
                self.warnings.append(
                    f"skipped {what}: its content is not in a folder of the project"
                )
            elif builder == "makefile":
                self.warnings.append(_made_by_makefile(what))
                # In the project's folder it mostly installs the project's requirements.
                yield ForeignLayer(
                    name=plain_name(name), folder=folder or None, own_requirements=False
                )
            else:
                # With a method, SAM installs the folder's requirements and puts all into `python/`.
                layer = layer_of(plain_name(name), self.place.root, folder, built=bool(builder))
                if layer.folder is not None or "extra-paths" in layer.settings:
                    yield layer
                else:
                    self.warnings.append(
                        f"skipped {what}: the project's folder has neither `python`, `bin` nor `lib`"
                    )

    def layers_of(self, name: str, resource: _Resource) -> list[str]:
        """The names and ARNs of a function's layers, in their order."""
        layers: dict[str, None] = {}
        for entry in resource.layers:
            value = self.value(entry, resources=self._resources)
            if isinstance(value, str) and value in self._resources:
                layers[plain_name(value)] = None
            elif isinstance(value, str) and LAYER_ARN.fullmatch(value):
                layers[value] = None
            elif value is not None or entry is not None:
                self.warnings.append(unknown_layer(name, written(entry)))
        return list(layers)

    def folder(self, value: object) -> str | None:
        """The folder that a property names, relative to the project; None if it names none."""
        if not isinstance(value, str) or value.startswith(("s3:", "http", "/")):
            return None
        return folder_below(self.place.folder, value)


def _combine(
    path: Path,
    own: Description | None,
    nested: Sequence[tuple[str, Description]],
    warnings: Iterable[str],
) -> Description:
    """The functions and layers of a template and of the applications that it nests.

    Names stay as they are; one that is taken gets the application's name before it.
    """
    outer = own or Description(tool="AWS SAM", path=path)
    functions, layers = list(outer.functions), list(outer.layers)
    for application, inside in nested:
        taken = {*(each.name for each in functions), *(each.name for each in layers)}
        own_names = (
            *(each.name for each in inside.functions),
            *(each.name for each in inside.layers),
        )
        names = {name: f"{application}-{name}" if name in taken else name for name in own_names}
        functions += [_function(each, names) for each in inside.functions]
        layers += [replace(each, name=names[each.name]) for each in inside.layers]
    told = [outer, *(inside for _, inside in nested)]
    return replace(
        outer,
        functions=tuple(functions),
        layers=tuple(layers),
        runtime=commonest(function.runtime for function in functions),
        architecture=commonest(function.architecture for function in functions),
        notes=tuple(note for each in told for note in each.notes),
        warnings=tuple(
            dict.fromkeys([*(text for each in told for text in each.warnings), *warnings])
        ),
    )


def _function(function: ForeignFunction, names: Mapping[str, str]) -> ForeignFunction:
    settings = dict(function.settings)
    if "layers" in settings:
        settings["layers"] = [names.get(layer, layer) for layer in settings["layers"]]
    return replace(function, name=names[function.name], settings=settings)
