"""Known vulnerabilities of the distributions in packages, as ``uv audit`` reports them.

uv asks OSV, the database of vulnerabilities, about names and versions; nothing else leaves the machine.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from wherry.checks.model import Rule, finding_about
from wherry.errors import FetchError
from wherry.store.temporary import temporary_folder
from wherry.untrusted import parse_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from wherry.checks.model import Finding, Subject
    from wherry.contents.distributions import Installed
    from wherry.events import Reporter
    from wherry.indexes.network import Network

__all__ = ["RULES", "find_advisories"]

RULES = (Rule("ADV001", "a distribution has a known vulnerability"),)

_PROJECT = """\
[project]
name = "wherry-audit"
version = "0"
requires-python = ">={python}"
"""
_LOCK = """\
version = 1
revision = 3
requires-python = ">={python}"

[[package]]
name = "wherry-audit"
version = "0"
source = {{ virtual = "." }}
dependencies = [{names}]
"""
# Where a distribution came from makes no difference: it is asked about by its name. An index would be asked, too.
_PACKAGE = """
[[package]]
name = "{name}"
version = "{version}"
source = {{ registry = "." }}
"""


def find_advisories(
    subjects: Sequence[Subject], *, network: Network, reporter: Reporter
) -> Iterator[Finding]:
    """The known vulnerabilities of the distributions in packages; one finding for each and each package.

    Raises:
        FetchError: OSV does not answer, or there is no network.
        ToolError: uv is missing.
    """
    found: dict[tuple[str, str], list[Installed]] = {}
    for subject in subjects:
        for each in subject.contents.distributions:
            if each.name not in subject.contents.own and _is_version(each.version):
                found.setdefault((each.name, each.version), []).append(each)
    if not found:
        return
    python = subjects[0].contents.target.runtime.python_version
    for advisory in _audit(sorted(found), python, network, reporter):
        dependency = advisory["dependency"]
        for each in found.get((dependency["name"], dependency["version"]), ()):
            yield _finding(each, advisory)


def _is_version(text: str) -> bool:
    from packaging.version import InvalidVersion, Version

    try:
        return str(Version(text)) != ""
    except InvalidVersion:
        return False


def _audit(
    distributions: Collection[tuple[str, str]], python: str, network: Network, reporter: Reporter
) -> list[Any]:
    """The advisories that uv tells of these names and versions."""
    from wherry.tools.uv import run_uv

    # uv audits projects, and knows of this one what its lock says. Of one name a project has one version.
    advisories: list[Any] = []
    rounds: list[dict[str, str]] = []
    for name, version in distributions:
        free = next((each for each in rounds if name not in each), None)
        if free is None:
            rounds.append(free := {})
        free[name] = version
    for versions in rounds:
        with temporary_folder("audit") as folder:
            names = ", ".join(f'{{ name = "{name}" }}' for name in versions)
            packages = [
                _PACKAGE.format(name=name, version=version) for name, version in versions.items()
            ]
            (folder / "pyproject.toml").write_text(_PROJECT.format(python=python))
            (folder / "uv.lock").write_text(
                _LOCK.format(python=python, names=names) + "".join(packages)
            )
            service = os.environ.get("WHERRY_ADVISORIES_URL")
            answer = run_uv(
                [
                    *("audit", "--frozen", "--output-format", "json", "--project", str(folder)),
                    *("--preview-features", "audit-command,json-output"),
                    *(("--service-url", service) if service else ()),
                ],
                cwd=folder,
                network=network,
                reporter=reporter,
            )
        try:
            advisories += parse_json(answer.output)["vulnerabilities"]
        except (ValueError, LookupError, TypeError) as error:
            raise FetchError(
                "cannot ask for known vulnerabilities",
                where=answer.causes or [f"uv answered what is not expected: {error}"],
                hint=answer.hint or "leave `--advisories` out where there is no network",
            ) from error
    return advisories


def _finding(each: Installed, advisory: dict[str, Any]) -> Finding:
    fixed = ", ".join(map(str, advisory.get("fix_versions") or ()))
    names = ", ".join([str(advisory.get("id")), *map(str, advisory.get("aliases") or ())])
    return finding_about(
        each,
        "ADV001",
        "error",
        f"`{each.name}` {each.version} is vulnerable: {advisory.get('summary') or 'no summary'} ({names})",
        f"take version {fixed}" if fixed else "no version fixes it yet",
    )
