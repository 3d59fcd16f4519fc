"""Files of the project itself that were probably not meant to ship: keys, credentials, state, archives, build files.

They are known by their names, keys and credentials also by their content. Distributions are not looked at, for what
they hold was published. A file that the settings name is meant to ship.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.bundle.content import read_all
from wherry.bundle.entry import SourceFile
from wherry.bundle.patterns import compile_patterns
from wherry.compose.model import EXTRA_PATHS
from wherry.errors import ProjectError
from wherry.events import Warned
from wherry.sizes import first

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from wherry.bundle.entry import Entry, Payload
    from wherry.compose.model import Composition

__all__ = ["check_own_files", "kind_of_secret"]

_SHOWN = 10
# Keys and credentials are small.
_LARGEST = 1 << 16
_LARGEST_JSON = 1 << 14

# Names of which nothing else is to be expected.
_SECRET = re.compile(
    r"(?x) id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)? | .+\.(?:p12|pfx|ppk) | [._]netrc | \.pypirc | \.git-credentials"
)
# Names of files whose content is looked at. A certificate is none.
_READ = re.compile(
    r"""(?x)
    .+\.(?:pem|key|p8|pk8|der|asc|gpg|crt|cer|ovpn|kubeconfig|json|env|ini|cfg|toml|ya?ml)
    | .+\.(?:conf|properties|xml|bak|old|orig|ssh|rsa) | [^.]+
    | \.env(?:\..+)? | credentials | (?:.*[._-])?(?:key|keys|secret|secrets|token|credentials?|certs?|ssl|tls|ssh|private)(?:\.txt)?
    """
)
_PRIVATE_KEY = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
# PKCS #1, PKCS #8 and SEC 1 begin with a version; a certificate or a public key does not.
_DER_KEY = re.compile(
    rb"\x30(?:[\x00-\x7f]|\x81.|\x82..)\x02\x01[\x00\x01][\x02\x04\x30]", re.DOTALL
)
_AWS_KEY = re.compile(
    rb"(?i)aws_?secret_?access_?key[\"']?\s*[:=]\s*[\"']?(?![^\s\"']*EXAMPLE)[A-Za-z0-9/+]{40}\b"
)
_GOOGLE_KEY = re.compile(rb'"refresh_token"\s*:|"client_secret"\s*:')
_GOOGLE = re.compile(rb'"type"\s*:\s*"authorized_user"|"(?:installed|web)"\s*:\s*\{')

_STATE = re.compile(
    r"""(?x)
    .+\.tfstate(?:\..+)? | .+\.tfvars(?:\.json)? | .+\.env | \.env(?:\..+)? | env\.(?:prod|production|live|local)
    | .+\.(?:jks|keystore|kdbx|ovpn|kubeconfig) | kubeconfig | secrets?\.(?:ya?ml|json|toml|ini|txt) | credentials(?:\.(?:json|csv|ini))?
    """
)
_ARCHIVE = re.compile(
    r"(?x) (?:function|lambda|layer|package|deploy|deployment|build|code|bundle|artifact)s?(?:[-_.].*)?\.zip | .+\.whl"
)
_AT_TOP = re.compile(
    r"""(?x)
    (?:gnu)?makefile | justfile | taskfile\.ya?ml | jenkinsfile | procfile | vagrantfile
    | dockerfile(?:\..+)? | (?:docker-)?compose(?:\..+)?\.ya?ml
    | tox\.ini | noxfile\.py | pytest\.ini | mkdocs\.ya?ml | codecov\.ya?ml
    | serverless\.(?:ya?ml|json) | samconfig\.(?:toml|ya?ml) | cdk\.json | zappa_settings\.(?:json|toml|ya?ml)
    | package(?:-lock)?\.json | yarn\.lock | .+\.tf | .+\.(?:zip|tar|tgz|tar\.(?:gz|bz2|xz)|log)
    """
)

_INSTALLED = re.compile(r"(?P<folder>[^/]+)/(?P<name>[^/]+?)-[^/-]+\.dist-info/METADATA")


def check_own_files(
    composition: Composition,
    owners: Collection[str],
    patterns: Sequence[str],
    named: Collection[Path],
) -> Iterator[Warned]:
    """Look at the files of the project: warnings about those that should probably not ship.

    ``owners`` are the names of the project and of other folders that were packaged, ``patterns`` those of files that
    the settings name, and ``named`` files that are extra paths themselves.

    Raises:
        ProjectError: a private key or credentials would ship, and no setting names them.
        FileChangedError, OutputError, ArchiveError: a file cannot be read.
    """
    compiled = compile_patterns(patterns, where="`include`")

    def is_meant(entry: Entry, path: str) -> bool:
        payload = entry.payload
        if isinstance(payload, SourceFile) and payload.path in named:
            return True
        return compiled is not None and compiled.names(path)

    secrets: dict[str, tuple[Entry, str]] = {}
    state: dict[str, Entry] = {}
    others: dict[str, Entry] = {}
    installed: dict[str, tuple[Entry, set[str]]] = {}
    own = {*owners, EXTRA_PATHS}
    for package in composition.packages:
        for entry in package.bundle:
            if entry.owner not in own:
                continue
            path = entry.path
            if package.kind == "layer":
                # As Python sees it, and as patterns name it.
                path = re.sub(r"^python/(?:lib/[^/]+/site-packages/)?", "", path)
            name = path.rpartition("/")[2].lower()
            if (kind := kind_of_secret(name, entry.payload)) is not None:
                if not is_meant(entry, path):
                    secrets[path] = entry, kind
            elif _STATE.fullmatch(name):
                if not is_meant(entry, path):
                    state[path] = entry
            elif (
                _ARCHIVE.fullmatch(name) or ("/" not in path and _AT_TOP.fullmatch(name))
            ) and not is_meant(entry, path):
                others[path] = entry
            elif (match := _INSTALLED.fullmatch(path)) is not None and not is_meant(entry, path):
                names = installed.setdefault(f"{match['folder']}/", (entry, set()))[1]
                names.add(_canonical(match["name"]))
    if secrets:
        raise ProjectError(
            "private keys or credentials would ship",
            where=[
                f"`{path}` of `{entry.owner}`: {kind}" for path, (entry, kind) in secrets.items()
            ],
            hint=_way_out(
                {path: entry for path, (entry, _) in secrets.items()}, must="if they must ship"
            ),
        )
    if state:
        yield _warning("files that may hold secrets or state ship", state)
    if others:
        yield _warning("files that are probably not part of the code ship", others)
    if installed:
        shipped = {entry.owner for package in composition.packages for entry in package.bundle}
        twice = {folder: entry for folder, (entry, names) in installed.items() if names & shipped}
        if twice:
            yield _warning(
                "distributions of the lock ship once more, from an installed folder", twice
            )


def kind_of_secret(name: str, payload: Payload) -> str | None:
    """The kind of secret that a file holds; None for others."""
    if _SECRET.fullmatch(name):
        return "by its name, a private key or credentials"
    if not payload.size or not _READ.fullmatch(name):
        return None
    if payload.size > (_LARGEST_JSON if name.endswith(".json") else _LARGEST):
        return None
    content = read_all(payload)
    if name.endswith(".json"):
        # A key is in JSON as a text of one line.
        if b'"private_key"' in content and _PRIVATE_KEY.search(content):
            return "the key of a service account"
        if _GOOGLE_KEY.search(content) and _GOOGLE.search(content):
            return "credentials of a Google client"
    if _PRIVATE_KEY.search(content) or content.startswith(b"PuTTY-User-Key-File-"):
        return "a private key"
    if name.endswith((".der", ".key", ".p8", ".pk8")) and _DER_KEY.match(content):
        return "a private key"
    return "an AWS secret access key" if _AWS_KEY.search(content) else None


def _canonical(name: str) -> str:
    # It takes long to load, and few projects have such folders.
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)


def _warning(text: str, entries: dict[str, Entry]) -> Warned:
    names = first([f"`{path}`" for path in entries], _SHOWN)
    return Warned(text=f"{text}: {names}", hint=_way_out(entries, must="if they are meant to"))


def _way_out(entries: dict[str, Entry], *, must: str) -> str:
    own = [path for path, entry in entries.items() if entry.owner != EXTRA_PATHS]
    extra = [path for path, entry in entries.items() if entry.owner == EXTRA_PATHS]

    def listed(paths: Sequence[str], write: Callable[[str], str]) -> str:
        return ", ".join(f'"{write(path)}"' for path in paths[:_SHOWN])

    lines = []
    if own:
        rooted = listed(own, lambda path: f"/{path}")
        lines.append(
            f"leave them out: exclude = [{rooted}]; {must}, name them: include = [{rooted}]"
        )
    if extra:
        rooted = listed(extra, lambda path: f"/{path}")
        lines.append(
            f"leave them out of the extra paths: exclude-files = [{rooted}]; {must}, "
            "name each file itself in `extra-paths`"
        )
    return "\n".join(lines)
