"""The file of another tool in a project, and what it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import ProjectError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.files import ProjectFiles
    from wherry.settings.foreign.model import Description

__all__ = ["is_foreign", "read_description", "read_descriptions"]

_SAM = ("template.yaml", "template.yml", "template.json", "sam.yaml", "sam.yml")
_SERVERLESS = ("serverless.yml", "serverless.yaml", "serverless.json")
_PROGRAMS = ("serverless.ts", "serverless.js", "serverless.cjs", "serverless.mjs")
_ZAPPA = (
    "zappa_settings.json",
    "zappa_settings.toml",
    "zappa_settings.yml",
    "zappa_settings.yaml",
)
_CHALICE = (".chalice/config.json",)
_CDK = ("cdk.json",)

_FILES = (*_SAM, *_SERVERLESS, *_ZAPPA, *_CHALICE, *_CDK)


def read_descriptions(root: Path, files: ProjectFiles) -> tuple[list[Description], list[str]]:
    """Descriptions of a project by the files of other tools, and warnings about those that cannot be read."""
    descriptions: list[Description] = []
    warnings = [
        f"`{name}` is a program, and is not run: what `serverless print` writes can be read as serverless.yml"
        for name in _PROGRAMS
        if (root / name).is_file()
    ]
    for name in _FILES:
        path = root / name
        if not path.is_file():
            continue
        try:
            description = read_description(path, files, root)
        except (ProjectError, SettingsError) as error:
            warnings.append(f"{error.message}: {'; '.join(error.where)}")
            continue
        if description is not None:
            descriptions.append(description)
    return descriptions, warnings


def read_description(
    path: Path, files: ProjectFiles, root: Path | None = None
) -> Description | None:
    """The description of a project by a file; None if it has no function of AWS Lambda.

    Args:
        path: the file.
        files: read the project's files.
        root: the project's folder, if the file is in another one below it.

    Raises:
        ProjectError: it cannot be read.
        SettingsError: it cannot be parsed.
    """
    root = root or path.parent
    if path.name in _CDK:
        from wherry.settings.foreign.cdk import read_cdk

        return read_cdk(path, root, files)
    from wherry.settings.foreign.document import read_document

    document = read_document(path, files)
    if path.parent.name == ".chalice":
        from wherry.settings.foreign.chalice import read_chalice

        return read_chalice(path, document, files)
    if path.name.startswith("zappa_settings"):
        from wherry.settings.foreign.zappa import read_zappa

        return read_zappa(path, document)
    if "Resources" in document:
        from wherry.settings.foreign.sam import read_template

        return read_template(path, document, root, files)
    from wherry.settings.foreign.serverless import read_serverless

    return read_serverless(path, document, files)


def is_foreign(path: Path, files: ProjectFiles) -> bool:
    """Whether a file is that of a tool known here; other YAML files are those of older tools."""
    if path.name in _FILES or path.parent.name == ".chalice":
        return True
    from wherry.settings.foreign.document import read_document

    try:
        document = read_document(path, files)
    except (ProjectError, SettingsError):
        return False
    return "Resources" in document or {"provider", "functions"} <= document.keys()
