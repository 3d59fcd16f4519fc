"""Which of the older tools wrote a file, and its settings in Wherry's terms."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.errors import ProjectError, SettingsError
from wherry.legacy.document import Findings, read_document
from wherry.legacy.drover import translate_drover
from wherry.legacy.spindrift import translate_spindrift
from wherry.legacy.toml import render

if TYPE_CHECKING:
    from wherry.legacy.document import Section
    from wherry.legacy.translation import Translation

__all__ = ["FILES", "find_legacy", "is_legacy", "require_distribution", "translate"]

FILES = ("drover.yml", "drover.yaml", "settings.spindrift")
"""The names that the older tools look for."""


def is_legacy(path: Path) -> bool:
    """Whether a file, by its name, is none of Wherry's own settings, which are TOML."""
    return path.suffix.lower() != ".toml"


def find_legacy(root: Path) -> Path | None:
    """The settings of an older tool in a folder.

    Raises:
        SettingsError: there are several.
    """
    found = [root / name for name in FILES if (root / name).is_file()]
    if len(found) > 1:
        raise SettingsError(
            "several older tools have settings here",
            where=[f"`{path.name}`" for path in found],
            hint=f"say which one: --config {found[0].name}",
        )
    return found[0] if found else None


def translate(
    path: Path,
    *,
    stage: str | None = None,
    install_path: str | Path | None = None,
    name: str | None = None,
) -> Translation:
    """The settings of an older tool in Wherry's terms.

    Which tool's they are is told by what the file holds, whatever it is called.

    Args:
        path: ``drover.yml`` or ``settings.spindrift``.
        stage: the stage of ``drover.yml``; may be None where it has one only.
        install_path: the folder that ``pip install --target`` made. Without one the project's lock and its
            own code are what is split.
        name: what the package is called, in place of what ``settings.spindrift`` says.

    Raises:
        ProjectError: the file cannot be read.
        SettingsError: it is wrong; every finding is told, with its line and the nearest known key.
    """
    path = Path(path)
    findings = Findings(where=path.name)
    document = read_document(path, findings)
    install = None if install_path is None else Path(install_path).as_posix()
    try:
        if _is_drover(document, path):
            found = translate_drover(document, path, findings, stage=stage, install_path=install)
        else:
            found = translate_spindrift(document, path, findings, name=name, install_path=install)
            if stage is not None:
                raise SettingsError(
                    f"`{path.name}` has no stages",
                    hint="leave `--stage` out: drover.yml has stages",
                )
    except RecursionError:
        raise SettingsError(
            f"`{path.name}` is not valid YAML", where=["a mapping is merged into itself"]
        ) from None
    shown = render(found.table)
    said = f"`{path.name}` says what these settings of Wherry say:\n\n{_indented(shown)}"
    notes = [said] if found.table else [f"`{path.name}` says nothing"]
    if found.stages:
        notes.append("region, bucket and names on AWS are not needed for building")
    return replace(found, notes=(*notes, *found.notes))


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in text.splitlines())


def _is_drover(document: Section, path: Path) -> bool:
    if "stages" in document.values:
        return True
    if document.values.keys() & {"package", "output"}:
        return False
    if not document.values:
        # Every setting of spindrift is optional.
        if path.name.startswith("drover"):
            raise SettingsError(f"`{path.name}` holds no settings", where=["it is empty"])
        return False
    if path.name.startswith("drover"):
        return True
    if path.suffix == ".spindrift":
        return False
    raise SettingsError(
        f"`{path.name}` is of no tool that Wherry knows",
        where=[f"it holds {', '.join(f'`{key}`' for key in document.values)}"],
        hint="drover.yml holds `stages`, settings.spindrift `package` and `output`",
    )


def require_distribution(translation: Translation, *, project: str, root: Path) -> None:
    """Refuse settings that are about another project than the one at hand.

    spindrift looks the distribution up among those that are installed. Here it must be the project's name, or that
    of a package or module of its own.

    Args:
        translation: the settings.
        project: the project's name.
        root: its folder.

    Raises:
        ProjectError: they name another one.
    """
    wanted = translation.distribution
    if wanted is None or _same(wanted, project):
        return
    for folder in (root, root / "src"):
        module = folder / re.sub(r"[-.]", "_", wanted)
        if module.is_dir() or module.with_suffix(".py").is_file():
            return
    raise ProjectError(
        f"`{translation.where}` is about another project than the one here",
        where=[f"package.name is `{wanted}`", f"`{root}` holds `{project}`"],
        hint=f"write `name: {project}`, or name the project's folder: --project DIR",
    )


def _same(one: str, other: str) -> bool:
    return re.sub(r"[-_.]+", "-", one).lower() == re.sub(r"[-_.]+", "-", other).lower()
