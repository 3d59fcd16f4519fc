"""The reasons why a distribution, a module or a file is in a package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.contents.model import OPT, TASK, File
from wherry.errors import SettingsError
from wherry.problems import nearest
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.inspect.measure import Measured

__all__ = ["Reason", "find_reason"]

_MOST_CHAINS = 20


class Reason(Struct, frozen=True, kw_only=True):
    """Why something is in a package.

    Attributes:
        subject: the path of a file, that of a folder with a slash at its end, or the name of a distribution or module.
        owner: the name of the distribution.
        package: the name of the function or layer that it lies in.
        requirements: the chains of distributions from the project to the owner, one through each that needs it directly;
            the shortest first.
        imports: the chain of modules from the handler's to it, as far as it is known; empty if nothing reaches it.
    """

    subject: str
    owner: str
    package: str
    requirements: tuple[tuple[str, ...], ...]
    imports: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The reason as JSON has it."""
        return {
            "subject": self.subject,
            "owner": self.owner,
            "package": self.package,
            "requirements": [list(chain) for chain in self.requirements],
            "imports": list(self.imports),
        }


def find_reason(measured: Measured, subject: str) -> Reason | None:
    """Why something is in a function's package or its layers; None if it is not.

    It is the name of a distribution or module, or the path of a file or folder, in the package or on Lambda.
    """
    from packaging.utils import canonicalize_name

    contents = measured.contents
    name = str(canonicalize_name(subject))
    files = {measured.owner(file): file for part in contents.parts for file in part.files}
    if subject in files or name in files:
        owner = subject if subject in files else name
        return _reason(measured, owner, owner, files[owner])
    for part in contents.parts:
        for file in part.files:
            if subject in {file.path, file.place}:
                return _reason(measured, file.path, measured.owner(file), file)
    module = contents.modules.find(subject)
    if module is not None and module.file is not None:
        return _reason(measured, subject, measured.owner(module.file), module.file)
    return _folder_reason(measured, subject)


def _folder_reason(measured: Measured, subject: str) -> Reason | None:
    """Why a folder is there, by its path or as a namespace package: why that is which has most of it."""
    path = subject.removeprefix(f"{TASK}/").removeprefix(f"{OPT}/").rstrip("/")
    for folder in dict.fromkeys((f"{path}/", f"{path.replace('.', '/')}/")):
        sizes: dict[str, int] = {}
        files: dict[str, File] = {}
        for part in measured.contents.parts:
            for file in part.files:
                if file.path.startswith(folder):
                    owner = measured.owner(file)
                    sizes[owner] = sizes.get(owner, 0) + file.zipped
                    files.setdefault(owner, file)
        if sizes:
            owner = max(sizes, key=lambda name: (sizes[name], name))
            return _reason(measured, folder, owner, files[owner])
    return None


def unknown_subject(subject: str, measured: Sequence[Measured]) -> SettingsError:
    """The error that something is in none of the packages."""
    names = {
        measured_one.owner(file)
        for measured_one in measured
        for part in measured_one.contents.parts
        for file in part.files
    }
    near = nearest(subject, sorted(names))
    return SettingsError(
        f"`{subject}` is not in the package",
        where=["it is no distribution, no module and no path in it"],
        hint=f"did you mean `{near}`?" if near else "`wherry inspect` lists the distributions",
    )


def _reason(measured: Measured, subject: str, owner: str, file: File) -> Reason:
    return Reason(
        subject=subject,
        owner=owner,
        package=file.part,
        requirements=_chains(measured.requirements, measured.own_name, owner),
        imports=_import_chain(measured, subject, owner),
    )


def _chains(
    requirements: Mapping[str, Sequence[str]], own: str, name: str
) -> tuple[tuple[str, ...], ...]:
    """The shortest chain from the project to a name through each that needs it."""
    if name == own:
        return ((own,),)
    before = _steps(requirements, own)
    needed_by = sorted(source for source, targets in requirements.items() if name in targets)
    chains = []
    for source in needed_by:
        chain = [name, source]
        while chain[-1] in before and chain[-1] != own and before[chain[-1]] not in chain:
            chain.append(before[chain[-1]])
        chains.append(tuple(reversed(chain)))
    chains.sort(key=lambda chain: (chain[0] != own, len(chain), chain))
    return tuple(chains[:_MOST_CHAINS])


def _steps(requirements: Mapping[str, Sequence[str]], own: str) -> Mapping[str, str]:
    """The name before each one on a shortest chain from the project."""
    before: dict[str, str] = {own: own}
    queue = [own]
    for name in queue:  # grows meanwhile
        for target in requirements.get(name, ()):
            if target not in before:
                before[target] = name
                queue.append(target)
    return before


def _import_chain(measured: Measured, subject: str, owner: str) -> tuple[str, ...]:
    """The chain of imports to a module, or to the first module that is reached of a distribution."""
    graph = measured.contents.graph
    found = [
        name
        for name, each in graph.reached.items()
        if each.module.file is not None
        and (
            subject in {name, each.module.file.path, each.module.file.place}
            or (subject.endswith("/") and each.module.file.path.startswith(subject))
            or (subject == owner and measured.owner(each.module.file) == owner)
        )
    ]
    return graph.chain(found[0]) if found else ()
