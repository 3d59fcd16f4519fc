"""References to Python objects in settings."""

from __future__ import annotations

import re

from wherry.errors import SettingsError
from wherry.structs import Struct

__all__ = ["Reference", "parse_app", "parse_handler"]

# `from module import object as alias`, the form of spindrift; the alias is ignored.
_FROM = re.compile(r"from\s+(?P<module>\S+)\s+import\s+(?P<name>\w+)(?:\s+as\s+\w+)?")
# A module may have any name that the file system allows, because Lambda imports it by its name.
_MODULE = re.compile(r"[^\s.:/\\(),;'\"]+(?:\.[^\s.:/\\(),;'\"]+)*")
_ATTRIBUTE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


class Reference(Struct, frozen=True, kw_only=True):
    """An object of a module by its name in it, dotted where it is an attribute of another; ``call`` it to have it."""

    module: str
    attribute: str
    call: bool = False

    def __str__(self) -> str:
        """The reference as ``app`` spells it: ``shop.web:create_app()``."""
        return f"{self.module}:{self.attribute}{'()' if self.call else ''}"


def parse_app(text: str) -> Reference:
    """Parse ``module:object``, ``module:create_app()`` or ``from module import object``.

    Raises:
        SettingsError: it is none of these.
    """
    if reference := _imported(text, "app"):
        return reference
    stripped = text.strip()
    module, colon, attribute = stripped.partition(":")
    call = attribute.endswith("()")
    if colon:
        return _checked(text, "app", module, attribute.removesuffix("()"), call=call)
    first, _, last = stripped.rpartition(".")
    near = f"{first}:{last}" if first else f"{stripped or 'module'}:app"
    raise _malformed(text, "app", f"write `{near}`: the module, a colon, and the object in it")


def parse_handler(text: str) -> Reference:
    """Parse ``module.function``, ``folder/module.function`` or ``from module import function``.

    Raises:
        SettingsError: it is none of these.
    """
    if reference := _imported(text, "handler"):
        return reference
    stripped = text.strip()
    if ":" in stripped:
        raise _malformed(
            text,
            "handler",
            f"write `{stripped.replace(':', '.')}` for a function that takes an event and a context, "
            f'or `app = "{stripped}"` for a web application',
        )
    # AWS splits at the last dot, and replaces slashes by dots.
    module, _, function = stripped.rpartition(".")
    if not module:
        raise _malformed(
            text, "handler", f"write `{stripped or 'module'}.handler`: module and function"
        )
    return _checked(text, "handler", module.replace("/", "."), function, call=False)


def _imported(text: str, key: str) -> Reference | None:
    if match := _FROM.fullmatch(text.strip()):
        return _checked(text, key, match["module"], match["name"], call=False)
    if text.split()[:1] in (["from"], ["import"]):
        raise _malformed(text, key, "import one name: `from module import object`")
    return None


def _checked(text: str, key: str, module: str, attribute: str, *, call: bool) -> Reference:
    if key == "app" and module.endswith(".py"):
        near = module.removesuffix(".py").replace("/", ".").replace("\\", ".")
        raise _malformed(text, key, f"name the module, not its file: `{near}:{attribute or 'app'}`")
    if module.startswith("."):
        raise _malformed(text, key, "name the module from its root: relative names are not allowed")
    if not _MODULE.fullmatch(module):
        raise _malformed(text, key, f"`{module}` is not the name of a module")
    if key == "app" and "(" in attribute:
        raise _malformed(
            text, key, "an application is created without arguments: `module:create_app()`"
        )
    if not _ATTRIBUTE.fullmatch(attribute):
        raise _malformed(text, key, f"`{attribute}` is not the name of an object in a module")
    return Reference(module=module, attribute=attribute, call=call)


def _malformed(text: str, key: str, hint: str) -> SettingsError:
    expected = {
        "app": "a web application: `module:object`, `module:create_app()` or `from module import object`",
        "handler": "a function: `module.function` or `from module import function`",
    }
    return SettingsError(
        f"cannot read the {key} {text!r}", where=[f"`{key}` names {expected[key]}"], hint=hint
    )
