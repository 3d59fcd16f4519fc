"""A shim: the few modules that make a Lambda handler of a web application."""

from __future__ import annotations

import keyword
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from wherry.bundle.entry import inline
from wherry.errors import SettingsError
from wherry.shims.existence import check_exists
from wherry.shims.frameworks import Neither, by_distributions
from wherry.shims.reference import parse_app, parse_handler

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.bundle.entry import Entry
    from wherry.shims.frameworks import Interface
    from wherry.shims.package import Package
    from wherry.shims.reference import Reference
    from wherry.target import Target
    from wherry.wheels.pinned import PinnedFile

__all__ = ["OWNER", "SHIM", "Shim", "check_handler", "plan_shim", "shim_entries"]

OWNER = "wherry"
"""The owner of a shim's entries."""

SHIM = "wherry_shim"
"""The package of a shim; underscores follow where the name is taken."""
_ON_LAMBDA = Path(__file__).parent / "on_lambda"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shim:
    """What makes a function of a web application.

    Attributes:
        handler: what Lambda is to call.
        entries: files for the function's own package.
        files: wheels that the function needs besides, and that neither it nor its layers have.
        interface: which the application has.
        notes: what a user may want to know.
    """

    handler: str
    entries: tuple[Entry, ...]
    files: tuple[PinnedFile, ...]
    interface: Interface
    notes: tuple[str, ...]


def check_handler(handler: str, package: Package) -> str:
    """The handler as AWS spells it, once it is known to be there.

    Raises:
        SettingsError: it is misspelt, or not in the package.
    """
    reference = parse_handler(handler)
    check_exists(reference, package, key="handler", text=handler)
    return f"{reference.module}.{reference.attribute}"


def plan_shim(
    app: str,
    package: Package,
    *,
    interface: str | None,
    distributions: Mapping[str, str],
    target: Target,
) -> Shim:
    """What has to be added to a package for Lambda to call its web application.

    Args:
        app: the application, as ``parse_app`` reads it.
        package: the function with its layers.
        interface: ``wsgi`` or ``asgi``; None to have it told from the code.
        distributions: versions by normalized name, of those that the package holds.
        target: what the package is for.

    Raises:
        SettingsError: the application is misspelt or not there, its interface cannot be told, or the
            project's adapter is too old.
    """
    # With all that fetching takes, and only for web applications.
    from wherry.shims.adapters import ADAPTERS

    reference = parse_app(app)
    check_exists(reference, package, key="app", text=app)
    said = _said(interface, app)
    known = said or _detect(reference, package, distributions, app)
    adapter = ADAPTERS[known]
    files = adapter.missing(distributions, target)
    notes = [
        f"`{app}` is called by {file.name} {file.version}, which Wherry adds"
        for file in files
        if file.name == adapter.distribution
    ]
    entries, handler = shim_entries(reference, known, package)
    return Shim(handler=handler, entries=entries, files=files, interface=known, notes=tuple(notes))


def shim_entries(
    reference: Reference, interface: Interface, package: Package
) -> tuple[tuple[Entry, ...], str]:
    """The modules of a shim, and the handler in them.

    Args:
        reference: the application.
        interface: which it has.
        package: what the modules are put beside; they take a name that is free there.
    """
    name = SHIM
    while package.find(name) is not None:
        name += "_"
    modules = {
        "__init__.py": _main(reference, interface, name),
        "events.py": _module("events"),
        f"{interface}.py": _module(interface),
    }
    entries = [
        inline(f"{name}/{path}", text.encode(), owner=OWNER) for path, text in modules.items()
    ]
    return tuple(entries), f"{name}.handler"


def _said(interface: str | None, app: str) -> Interface | None:
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

    found = detect_interface(reference, package, distributions)
    if isinstance(found, Neither):
        raise SettingsError(
            f"`{app}` is no WSGI or ASGI application", where=[found.message], hint=found.hint
        )
    found = found or by_distributions(distributions)
    if found is None:
        raise SettingsError(
            f"the interface of `{app}` cannot be told from its code",
            where=["it is followed to what makes it, and to the frameworks in the package"],
            hint='say it beside `app`: `interface = "wsgi"` or `interface = "asgi"`',
        )
    return found


def _module(name: str) -> str:
    # A checkout on Windows may have other ends of lines.
    return (_ON_LAMBDA / f"{name}.py").read_text(encoding="utf-8")


_MAIN = '''\
"""Lambda calls `handler`, which answers with the {kind} application `{reference}`. Made by Wherry."""

try:
    {found}
except ImportError:
    # Lambda tells of a failed import without saying where; here is where.
    import traceback

    traceback.print_exc()
    raise

from {name} import {modules}

handler = events.make_handler({interface}.responder({application}))
'''


def _main(reference: Reference, interface: Interface, name: str) -> str:
    first, dot, rest = reference.attribute.partition(".")
    segments = reference.module.split(".")
    if all(each.isidentifier() and not keyword.iskeyword(each) for each in segments):
        found = f"from {reference.module} import {first} as application"
    else:
        # No statement can name it.
        found = (
            "import importlib\n\n"
            f"    application = importlib.import_module({reference.module!r}).{first}"
        )
    return _MAIN.format(
        kind=interface.upper(),
        reference=reference,
        found=found,
        name=name,
        interface=interface,
        modules=", ".join(sorted(("events", interface))),
        application=f"application{dot}{rest}{'()' if reference.call else ''}",
    )
