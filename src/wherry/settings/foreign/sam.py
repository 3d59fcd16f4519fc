"""Templates of AWS SAM and CloudFormation: ``template.yaml``, with the functions that are packaged from folders.

AWS's specification is the SAM resource and property reference. Intrinsic functions are followed where the template
itself has their value: ``!Ref`` to a parameter with a default, ``!Sub`` of such, ``!FindInMap`` of plain keys.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.errors import ProjectError, SettingsError
from wherry.files import real_path
from wherry.settings.foreign.document import Document, read_document, texts
from wherry.settings.foreign.environment import environment_setting
from wherry.settings.foreign.events import sam_routes
from wherry.settings.foreign.for_each import expand_loops
from wherry.settings.foreign.gateway import gateway_routes
from wherry.settings.foreign.model import (
    LAYER_ARN,
    Description,
    ForeignFunction,
    ForeignLayer,
    commonest,
    dotted,
    folder_below,
)
from wherry.settings.foreign.nested import Nested, combine
from wherry.settings.model import plain_name
from wherry.untrusted import inner_string, inner_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wherry.files import ProjectFiles

__all__ = ["layer_of", "read_template"]

_FUNCTIONS = {"AWS::Serverless::Function": "CodeUri", "AWS::Lambda::Function": "Code"}
_LAYERS = {"AWS::Serverless::LayerVersion": "ContentUri", "AWS::Lambda::LayerVersion": "Content"}
_APPLICATIONS = {
    "AWS::Serverless::Application": "Location",
    "AWS::CloudFormation::Stack": "TemplateURL",
}
_MAX_REFERENCES = 10
_DEEPEST = 3
_MOST = 20
"""Applications within each other, and in one template."""


def read_template(
    path: Path, document: Document, files: ProjectFiles, *, known: frozenset[Path] = frozenset()
) -> Description | None:
    """The functions and layers of a template and of those that it nests; None where there is no function.

    ``known`` are the templates that this one is nested in.
    """
    template = _Template(document)
    own = _read_own(path, template)
    known |= {real_path(path)}
    nested: list[Nested] = []
    for name, place in template.applications():
        if len(known) > _DEEPEST or len(nested) == _MOST:
            break
        folder = folder_below(place)
        inside = None if folder is None else path.parent / folder
        if inside is None or not inside.is_file() or real_path(inside) in known:
            template.warnings.append(
                f"skipped the application `{name}` of {path.name}: its template is not in the project"
            )
            continue
        try:
            found = read_template(inside, read_document(inside, files), files, known=known)
        except (ProjectError, SettingsError) as error:
            template.warnings.append(f"{error.message}: {'; '.join(error.where)}")
            continue
        if found is not None:
            nested.append(Nested(name=name, folder=folder_below(place, "..") or "", inside=found))
    if own is None and not nested:
        return None
    return combine(path, own, nested, warnings=tuple(dict.fromkeys(template.warnings)))


def _read_own(path: Path, template: _Template) -> Description | None:
    """The functions and layers of a template itself; None where it has no function."""
    resources = list(template.functions())
    if not resources:
        return None
    functions: list[ForeignFunction] = []
    for name, resource in resources:
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
                routes=sam_routes(resource.get("Events"), template.value)
                + template.routes.get(name, ()),
            )
        )
    used = {name for function in functions for name in function.settings.get("layers", ())}
    made = [layer for layer in template.layers(path) if layer.name in used]
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
        runtime=commonest(function.runtime for function in functions),
        architecture=commonest(function.architecture for function in functions),
        notes=tuple(template.notes),
        warnings=tuple(dict.fromkeys(template.warnings)),
    )


def _is_python(runtime: str | None) -> bool:
    return runtime is not None and runtime.startswith("python")


class _Resource:
    """A function of the template, with its globals."""

    def __init__(self, template: _Template, resource: Document, code: str) -> None:
        self._template = template
        self._properties = inner_table(resource, "Properties")
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
        return next((item for item in items if item in {"x86_64", "arm64"}), None)

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
            entries += value if isinstance(value, list) else []
        return entries

    def unsuitable(self) -> str | None:
        """The reason why it is no function in Python that is packaged as zip."""
        if self.get("PackageType") == "Image":
            return "it is a container image"
        code = self.get(self._code)
        if self.get("InlineCode") is not None or (isinstance(code, dict) and "ZipFile" in code):
            return "its code is in the template"
        if self.runtime is not None and not _is_python(self.runtime):
            return f"it runs on {self.runtime}"
        return "it has no handler in Python" if self.handler is None else None

    def folder(self) -> str | None:
        named = any(self._code in each for each in (self._globals, self._properties))
        return self._template.folder(self.get(self._code) if named else ".")


class _Template:
    """A template, and what was found on the way."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._resources = inner_table(document, "Resources")
        self.globals = inner_table(document, "Globals", "Function")
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self._resources = expand_loops(self._resources, self.value, self._pass_over)
        self.routes = gateway_routes(self._resources, self.value)

    def _pass_over(self, loop: str) -> None:
        self.warnings.append(f"skipped `{loop}`: what it runs over is not in the template")

    def functions(self) -> Iterator[tuple[str, _Resource]]:
        for name, resource in self._resources.items():
            code = _FUNCTIONS.get(inner_string(resource, "Type") or "")
            if code is not None:
                yield name, _Resource(self, resource, code)

    def applications(self) -> Iterator[tuple[str, str]]:
        """The names of nested applications, and the paths of their templates beside this one."""
        for name, resource in self._resources.items():
            place = _APPLICATIONS.get(inner_string(resource, "Type") or "")
            value = self.value(inner_table(resource, "Properties").get(place)) if place else None
            # Applications of the repository and templates in a bucket are somebody else's.
            if isinstance(value, str) and not value.startswith(("s3:", "http", "/")):
                yield name, value

    def layers(self, path: Path) -> Iterator[ForeignLayer]:
        for name, resource in self._resources.items():
            content = _LAYERS.get(inner_string(resource, "Type") or "")
            if content is None:
                continue
            folder = self.folder(self.value(inner_table(resource, "Properties").get(content)))
            if folder is None:
                self.warnings.append(
                    f"skipped the layer `{name}` of {path.name}: its content is not in a folder of the project"
                )
                continue
            # With a method, SAM installs the folder's requirements and puts all into `python/`.
            built = inner_string(resource, "Metadata", "BuildMethod") is not None
            yield layer_of(plain_name(name), path.parent, folder, built=built)

    def layers_of(self, name: str, resource: _Resource) -> list[str]:
        """The names and ARNs of a function's layers, in their order."""
        layers: dict[str, None] = {}
        for entry in resource.layers:
            value = self.value(entry, resources=True)
            if isinstance(value, str) and value in self._resources:
                layers[plain_name(value)] = None
            elif isinstance(value, str) and LAYER_ARN.fullmatch(value):
                layers[value] = None
            elif value is not None or entry is not None:
                self.warnings.append(
                    f"`{name}` has a layer whose ARN is not known before it is deployed: add it to its `layers`"
                )
        return list(layers)

    def folder(self, value: object) -> str | None:
        """The folder that a property names, relative to the project; None if it names none."""
        if not isinstance(value, str) or value.startswith(("s3:", "http", "/")):
            return None
        return folder_below(value)

    def value(self, value: object, *, resources: bool = False) -> Any:
        """The value of an intrinsic function, where the template has it; None where only AWS does.

        Args:
            value: a property's value.
            resources: whether a reference to a resource is the resource's name.
        """
        for _ in range(_MAX_REFERENCES):
            if not isinstance(value, dict) or len(value) != 1:
                return value
            ((name, argument),) = value.items()
            if name == "Ref" and isinstance(argument, str):
                if resources and argument in self._resources:
                    return argument
                value = inner_table(self._document, "Parameters", argument).get("Default")
            elif name == "Fn::GetAtt" and resources:
                first = argument[0] if isinstance(argument, list) and argument else argument
                resource = first.partition(".")[0] if isinstance(first, str) else ""
                return resource if resource in self._resources else None
            elif name == "Fn::Sub":
                return self._substitute(argument)
            elif name == "Fn::FindInMap" and isinstance(argument, list) and len(argument) == 3:
                keys = texts(argument)
                value = (
                    inner_table(self._document, "Mappings", *keys[:2]).get(keys[2])
                    if len(keys) == 3
                    else None
                )
            elif name.startswith("Fn::"):
                return None
            else:
                return value
        return None

    def _substitute(self, text: object) -> str | None:
        if not isinstance(text, str):
            return None
        known = True

        def replace(found: re.Match[str]) -> str:
            nonlocal known
            value = inner_table(self._document, "Parameters", found[1].strip()).get("Default")
            if isinstance(value, str) and len(value) < 1000:
                return value
            known = False
            return ""

        text = re.sub(r"\$\{([^!}][^}]*)\}", replace, text[:10_000])
        return text if known else None


def layer_of(name: str, project: Path, folder: str, *, built: bool) -> ForeignLayer:
    """A layer whose content is in a folder.

    Args:
        name: its name.
        project: the project's folder.
        folder: the folder, relative to the project.
        built: whether the folder is what Python imports; else it is the layer as Lambda unpacks it.
    """
    content = project / folder
    if built or not content.is_dir():
        return ForeignLayer(name=name, folder=folder)
    inside = sorted(path.name for path in content.iterdir() if not path.name.startswith("."))
    if "python" in inside and not any((content / "python" / "lib").glob("python3*")):
        others = [each for each in inside if each != "python" and (content / each).is_dir()]
        extra = [{"path": f"{folder}/{each}", "to": f"/{each}"} for each in others]
        return ForeignLayer(
            name=name, folder=f"{folder}/python", settings={"extra-paths": extra} if extra else {}
        )
    # Only a build puts the requirements of such a folder where Python finds them.
    if any(each.endswith(".py") or each == "requirements.txt" for each in inside):
        return ForeignLayer(name=name, folder=folder)
    return ForeignLayer(
        name=name, settings={"include": [], "extra-paths": [{"path": folder, "to": "/"}]}
    )
