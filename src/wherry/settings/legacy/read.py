"""Finding the file of an older tool, and translating it."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from wherry.errors import ProjectError, SettingsError
from wherry.problems import Problems
from wherry.settings.legacy import LEGACY_FILES
from wherry.settings.legacy.document import read_document
from wherry.settings.legacy.drover import translate_drover
from wherry.settings.legacy.spindrift import translate_spindrift
from wherry.settings.legacy.toml import render
from wherry.visible import Lines

if TYPE_CHECKING:
    from wherry.settings.legacy import Translation
    from wherry.settings.legacy.document import Section

__all__ = ["find_legacy", "is_legacy", "read_stages", "require_distribution", "translate"]


def is_legacy(path: Path) -> bool:
    """Whether the name of a file is not that of Wherry's own settings, which are TOML."""
    return path.suffix.lower() != ".toml"


def find_legacy(root: Path) -> Path | None:
    """The settings of an older tool in a folder.

    Raises:
        SettingsError: there are several.
    """
    paths = [root / name for name in LEGACY_FILES if (root / name).is_file()]
    if len(paths) > 1:
        raise SettingsError(
            "several older tools have settings here",
            where=[f"`{path.name}`" for path in paths],
            hint=f"choose one: --config {paths[0].name}",
        )
    return paths[0] if paths else None


def translate(
    path: Path,
    *,
    stage: str | None = None,
    install_path: str | Path | None = None,
    name: str | None = None,
) -> Translation:
    """Translate the settings of an older tool into Wherry's terms.

    The content of the file tells the tool, whatever its name is. Without ``install_path``, the folder that ``pip
    install --target`` made, the project's lock and its own code are split. ``name`` is that of the package, in place
    of that in ``settings.spindrift``.

    Raises:
        ProjectError: the file cannot be read.
        SettingsError: it is wrong; the error names every problem with its line, and the nearest known keys.
    """
    problems = Problems(SettingsError, f"the settings in {path.name} are wrong")
    document = read_document(path, problems)
    install = None if install_path is None else Path(install_path).as_posix()
    try:
        if _is_drover(document, path):
            translation = translate_drover(
                document, path, problems, stage=stage, install_path=install
            )
        else:
            translation = translate_spindrift(
                document, path, problems, name=name, install_path=install
            )
            if stage is not None:
                raise SettingsError(
                    f"`{path.name}` has no stages",
                    hint="leave `--stage` out: drover.yml has stages",
                )
    except RecursionError:
        raise SettingsError(
            f"`{path.name}` is not valid YAML", where=["a mapping is merged into itself"]
        ) from None
    notes = [f"`{path.name}` holds no settings"]
    if translation.table:
        shown = textwrap.indent(render(translation.table), "  ").rstrip()
        notes = [Lines(f"`{path.name}` is read as these settings of Wherry:\n\n{shown}")]
    if translation.stages:
        notes.append("region, bucket and names on AWS are not needed for building")
    return replace(translation, notes=(*notes, *translation.notes))


def read_stages(path: Path) -> tuple[str, ...]:
    """The names of the stages of ``drover.yml``; empty if the file has none.

    Raises:
        ProjectError: the file cannot be read.
        SettingsError: it is not valid YAML.
    """
    document = read_document(
        path, Problems(SettingsError, f"the settings in {path.name} are wrong")
    )
    stages = document.section("stages")
    return () if stages is None else tuple(stages.values)


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
        f"`{path.name}` is not of a tool that Wherry knows",
        where=[f"it holds {', '.join(f'`{key}`' for key in document.values)}"],
        hint="drover.yml holds `stages`, settings.spindrift `package` and `output`",
    )


def require_distribution(translation: Translation, *, project: str, root: Path) -> None:
    """Refuse settings that are for another project.

    spindrift looks the distribution up among those that are installed. Here it must be the name of the project, or
    of one of its packages or modules.

    Raises:
        ProjectError: they are for another one.
    """
    distribution = translation.distribution
    if distribution is None or canonicalize_name(distribution) == canonicalize_name(project):
        return
    for folder in (root, root / "src"):
        module = folder / re.sub(r"[-.]", "_", distribution)
        if module.is_dir() or module.with_suffix(".py").is_file():
            return
    raise ProjectError(
        f"`{translation.where}` is for another project",
        where=[f"package.name is `{distribution}`", f"`{root}` holds `{project}`"],
        hint=f"write `name: {project}`, or name the project's folder: --project DIR",
    )
