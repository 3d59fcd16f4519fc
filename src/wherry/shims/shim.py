"""Shims: the few modules that make a handler for Lambda of a web application."""

from __future__ import annotations

import keyword
from pathlib import Path
from typing import TYPE_CHECKING, cast

from wherry.bundle.entry import Entry, inline
from wherry.errors import SettingsError
from wherry.problems import did_you_mean, suggestion
from wherry.shims.frameworks import Interface, Neither, by_distributions
from wherry.shims.reference import Reference, parse_app, parse_handler
from wherry.sizes import first
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from wherry.settings.model import FunctionSettings, LayerSettings
    from wherry.shims.package import Package
    from wherry.target import Target
    from wherry.wheels.pinned import PinnedFile

__all__ = ["SHIM_HANDLER", "AppOptions", "Shim", "check_handler", "plan_shim", "written_handler"]

_OWNER = "wherry"
"""The owner of a shim's entries."""

_SHIM = "wherry_shim"
"""The package of a shim; underscores follow where the name is taken."""

SHIM_HANDLER = f"{_SHIM}.handler"
"""The handler of a shim, but for a package whose other files take the name."""

_ON_LAMBDA = Path(__file__).parent / "on_lambda"
_COMMON = ("answers", "events", "sources")


class AppOptions(Struct, frozen=True, kw_only=True):
    """The settings of a web application that its shim is told; see ``Options`` in ``on_lambda/events.py``."""

    base_path: str = ""
    stage_in_path: bool = True
    text_types: tuple[str, ...] = ()
    events: str = ""

    def arguments(self) -> str:
        """The argument of ``make_handler`` for what is not the default; empty if all of it is."""
        default = AppOptions()
        changed = [
            f"{name}={value!r}"
            for name in self.__struct_fields__
            if (value := getattr(self, name)) != getattr(default, name)
        ]
        return f", events.Options({', '.join(changed)})" if changed else ""


class Shim(Struct, frozen=True, kw_only=True):
    """A shim, and what it needs.

    Attributes:
        entries: its modules, for the package of the function.
        files: the wheels that it needs, and that neither the function nor its layers have.
    """

    handler: str
    entries: tuple[Entry, ...]
    files: tuple[PinnedFile, ...]
    interface: Interface
    notes: tuple[str, ...]


def check_handler(handler: str, package: Package) -> str:
    """Require that a handler exists and that Lambda can call it, and return it as AWS spells it.

    Raises:
        SettingsError: it is malformed, not in the package, or nothing that Lambda can call.
    """
    # Imported only where there is a handler to read.
    from wherry.shims.handlers import check_callable

    reference = parse_handler(handler)
    _check_exists(reference, package, key="handler", text=handler)
    check_callable(reference, package, handler)
    return f"{reference.module}.{reference.attribute}"


def plan_shim(
    app: str,
    package: Package,
    *,
    interface: str | None,
    distributions: Mapping[str, str],
    target: Target,
    options: AppOptions = AppOptions(),
) -> Shim:
    """The shim for a web application, as ``parse_app`` reads it; its interface is detected unless it is given.

    ``distributions`` are versions by normalized name.

    Raises:
        SettingsError: the application is malformed or missing, its interface cannot be detected, or the
            project's adapter is too old.
    """
    # Imported only for web applications.
    from wherry.shims.adapters import ADAPTERS

    reference = parse_app(app)
    _check_exists(reference, package, key="app", text=app)
    chosen = _parse_interface(interface, app) or _detect(reference, package, distributions, app)
    adapter = ADAPTERS[chosen]
    files = adapter.missing(distributions, target)
    notes = [
        f"`{app}` is called by {file.name} {file.version}, which Wherry adds"
        for file in files
        if file.name == adapter.distribution
    ]
    entries, handler = _entries(reference, chosen, package, options)
    return Shim(handler=handler, entries=entries, files=files, interface=chosen, notes=tuple(notes))


def _entries(
    reference: Reference, interface: Interface, package: Package, options: AppOptions
) -> tuple[tuple[Entry, ...], str]:
    """The modules of a shim, under a name that is free in the package, and the handler in them."""
    name = _SHIM
    while package.find(name) is not None:
        name += "_"
    modules = {
        "__init__.py": _main(reference, interface, name, options),
        **{f"{module}.py": _module(module) for module in (*_COMMON, interface)},
    }
    entries = [
        inline(f"{name}/{path}", text.encode(), owner=_OWNER) for path, text in modules.items()
    ]
    return tuple(entries), f"{name}.handler"


def _parse_interface(interface: str | None, app: str) -> Interface | None:
    if interface is None:
        return None
    if interface.lower() not in {"wsgi", "asgi"}:
        raise SettingsError(
            f"unknown interface `{interface}`",
            where=[f'app = "{app}"', "the interfaces are `wsgi` and `asgi`"],
        )
    return cast("Interface", interface.lower())


def _detect(
    reference: Reference, package: Package, distributions: Mapping[str, str], app: str
) -> Interface:
    from wherry.shims.detection import detect_interface

    verdict = detect_interface(reference, package, distributions)
    if isinstance(verdict, Neither):
        raise SettingsError(
            f"`{app}` is not a WSGI or ASGI application", where=[verdict.message], hint=verdict.hint
        )
    verdict = verdict or by_distributions(distributions)
    if verdict is None:
        raise SettingsError(
            f"the interface of `{app}` cannot be detected from its code",
            where=[
                "neither the code that creates it nor the frameworks in the package determine it"
            ],
            hint='set it beside `app`: `interface = "wsgi"` or `interface = "asgi"`',
        )
    return verdict


def _module(name: str) -> str:
    # A checkout on Windows may have other line ends.
    return (_ON_LAMBDA / f"{name}.py").read_text(encoding="utf-8")


_MAIN = '''\
"""Lambda calls `handler`, which answers with the {kind} application `{reference}`. Made by Wherry."""

try:
    {statement}
except ImportError:
    # Lambda tells of a failed import without saying where; here is where.
    import traceback

    traceback.print_exc()
    raise

from {name} import {modules}

handler = events.make_handler({interface}.responder({application}){options})
'''


def _main(reference: Reference, interface: Interface, name: str, options: AppOptions) -> str:
    first, dot, rest = reference.attribute.partition(".")
    segments = reference.module.split(".")
    if all(name.isidentifier() and not keyword.iskeyword(name) for name in segments):
        statement = f"from {reference.module} import {first} as application"
    else:
        # No import statement can name it.
        statement = (
            "import importlib\n\n"
            f"    application = importlib.import_module({reference.module!r}).{first}"
        )
    return _MAIN.format(
        kind=interface.upper(),
        reference=reference,
        statement=statement,
        name=name,
        interface=interface,
        modules=", ".join(sorted(("events", interface))),
        options=options.arguments(),
        application=f"application{dot}{rest}{'()' if reference.call else ''}",
    )


def _check_exists(reference: Reference, package: Package, *, key: str, text: str) -> None:
    """Require that the module exists and has the name; what cannot be determined is accepted."""
    from wherry.shims.bindings import read_bindings

    module = package.find(reference.module)
    if module is None:
        if not package.complete:
            return
        raise SettingsError(
            f"the {key}'s module `{reference.module}` is not in the package",
            where=[f'{key} = "{text}"'],
            hint=_near_module(reference.module, package, key),
        )
    name = reference.attribute.partition(".")[0]
    bindings = read_bindings(module)
    if name in bindings.names or bindings.open or bindings.stars:
        return
    if module.is_package and package.find(f"{module.name}.{name}") is not None:
        separator = ":" if key == "app" else "."
        raise SettingsError(
            f"`{module.name}.{name}` is a module, and the {key} an object in one",
            where=[f'{key} = "{text}"'],
            hint=f'write {key} = "{module.name}.{name}{separator}{key}", or its name there',
        )
    known = [each for each in bindings.names if not each.startswith("__")]
    listed = first([f"`{each}`" for each in known], 12)
    raise SettingsError(
        f"the module `{module.name}` has no `{name}`",
        where=[f'{key} = "{text}"', f"it has {listed}" if listed else "it defines nothing"],
        hint=did_you_mean(name, known=known),
    )


def _near_module(name: str, package: Package, key: str) -> str:
    modules = package.modules()
    # People write the path of the file in the repository, or omit the package.
    similar = [
        module for module in modules if name.endswith(f".{module}") or module.endswith(f".{name}")
    ]
    hint = suggestion([min(similar, key=len)]) if similar else did_you_mean(name, known=modules)
    return hint or f"the {key} names a module as it is imported on Lambda"


def written_handler(
    settings: FunctionSettings | LayerSettings, paths: Collection[str]
) -> str | None:
    """The handler of a function; None if neither its settings nor a shim has one, and for a layer."""
    from wherry.settings.model import FunctionSettings

    if not isinstance(settings, FunctionSettings):
        return None
    if settings.handler:
        reference = parse_handler(settings.handler)
        return f"{reference.module}.{reference.attribute}"
    if settings.app:
        # The shim of an app has the first name that was free.
        name = _SHIM
        while f"{name}_/__init__.py" in paths:
            name += "_"
        if f"{name}/__init__.py" in paths:
            return f"{name}.handler"
    return None
