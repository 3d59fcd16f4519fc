"""Projects whose distributions lie behind a password, locked by every tool; and a public index with traps beside it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from support.index import serve_index
from support.keyrings import keyring_command
from support.projects import pylock_for, write_files
from support.tools import run_uv
from support.wheels import make_sdist, make_wheel
from wherry.files import ProjectFiles
from wherry.lock.document import read_toml
from wherry.lock.poetry.declared import content_hashes

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from support.index import Index

__all__ = [
    "ALPHA",
    "BACKEND",
    "BETA",
    "FORMATS",
    "PASSWORD",
    "USER",
    "WAYS",
    "Indexes",
    "forms",
    "serve_indexes",
]

USER = "robot"
PASSWORD = "p@ss:w/o%rd +1"
"""Holds all that has a meaning in addresses, and a blank."""

_BACKEND = b"""\
import pathlib, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "beta-1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as wheel:
        wheel.writestr("beta.py", pathlib.Path("beta.py").read_text())
        wheel.writestr("beta-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: beta\\nVersion: 1.0\\n")
        wheel.writestr("beta-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: company\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("beta-1.0.dist-info/RECORD", "")
    return name
"""
ALPHA = make_wheel("alpha", "1.2")
BACKEND = make_wheel("company-backend", files={"company_backend.py": _BACKEND})
BETA = make_sdist(
    "beta",
    files={
        "beta.py": b"",
        "pyproject.toml": b'[project]\nname = "beta"\nversion = "1.0"\n'
        b'[build-system]\nrequires = ["company-backend"]\nbuild-backend = "company_backend"\n',
    },
)
# The same names with other content and with higher versions.
TRAPS = [
    make_wheel("alpha", "1.2", files={"trap.py": b"# of the public index\n"}),
    make_wheel("alpha", "9.9", files={"trap.py": b""}),
    make_wheel("beta", "1.0", files={"trap.py": b""}),
    make_wheel("beta", "9.9", files={"trap.py": b""}),
    make_wheel("company-backend", "9.9", files={"trap.py": b"raise SystemExit('a trap')\n"}),
]


@dataclass(frozen=True, kw_only=True)
class Indexes:
    """The private index and the public one."""

    private: Index
    public: Index
    trust: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The private one's, with user and password."""
        secret = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}"
        return self.private.simple.replace("://", f"://{secret}@")

    @property
    def environment(self) -> dict[str, str]:
        """What leads there, but for the password."""
        return {"UV_DEFAULT_INDEX": self.public.simple, **self.trust}


def serve_indexes(
    *, tls: ssl.SSLContext | None = None, trust: Mapping[str, str] | None = None
) -> Iterator[Indexes]:
    """Both, until the generator is closed; the private one over https with a context for it."""
    with (
        serve_index([ALPHA, BETA, BACKEND], auth=(USER, PASSWORD), tls=tls) as private,
        serve_index(TRAPS) as public,
    ):
        yield Indexes(private=private, public=public, trust=trust or {})


def forms(user: str, password: str) -> list[bytes]:
    """A secret as it is, quoted, and encoded."""
    import base64
    from urllib.parse import quote_plus

    pair = f"{user}:{password}".encode()
    texts = {password, quote(password), quote(password, safe=""), quote_plus(password)}
    # Of base64 what stands before the last group, which depends on what follows.
    codes = {
        base64.b64encode(b"\0" * shift + part)[4 if shift else 0 : -4]
        for part in (pair, password.encode())
        for shift in (0, 1, 2)
    }
    return [text.encode() for text in texts] + sorted(codes)


_PROJECT = '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.9"\n'
_NEEDS = 'dependencies = ["alpha", "beta"]\n'


def _declared(indexes: Indexes) -> str:
    return f'\n[[tool.wherry.indexes]]\nname = "company"\nurl = "{indexes.private.simple}"\n'


def _pylock(root: Path, indexes: Indexes) -> None:
    sdist = (
        f'\n[[packages]]\nname = "beta"\nversion = "1.0"\n[packages.sdist]\nname = "{BETA.filename}"\n'
        f'url = "{indexes.private.url}/files/{BETA.filename}"\nhashes = {{sha256 = "{BETA.sha256}"}}\n'
    )
    write_files(
        root,
        {
            "pyproject.toml": _PROJECT + _declared(indexes),
            "pylock.toml": pylock_for(indexes.private, [ALPHA]) + sdist,
        },
    )


def _uv(root: Path, indexes: Indexes) -> None:
    table = f'\n[[tool.uv.index]]\nname = "company"\nurl = "{indexes.private.simple}"\n'
    write_files(root, {"pyproject.toml": _PROJECT + _NEEDS + table + _declared(indexes)})
    named = {"UV_INDEX_COMPANY_USERNAME": USER, "UV_INDEX_COMPANY_PASSWORD": PASSWORD}
    run_uv("lock", "--quiet", cwd=root, env={**indexes.environment, **named})


def _poetry_files(root: Path, indexes: Indexes, *, files: bool) -> None:
    listed = {ALPHA.filename: ALPHA, BETA.filename: BETA}
    packages = ""
    for name, made in zip(("alpha", "beta"), listed.values(), strict=True):
        version = {"alpha": "1.2", "beta": "1.0"}[name]
        packages += f'[[package]]\nname = "{name}"\nversion = "{version}"\noptional = false\npython-versions = "*"\n'
        if files:
            packages += f'files = [{{file = "{made.filename}", hash = "sha256:{made.sha256}"}}]\n'
        packages += (
            f'[package.source]\ntype = "legacy"\nurl = "{indexes.private.simple.rstrip("/")}"\n'
            'reference = "company"\n'
        )
    pyproject = (
        '[tool.poetry]\nname = "shop"\nversion = "1.0"\npackage-mode = false\n'
        '[tool.poetry.dependencies]\npython = "^3.9"\n'
        'alpha = {version = "1.2", source = "company"}\nbeta = {version = "1.0", source = "company"}\n'
        f'[[tool.poetry.source]]\nname = "company"\nurl = "{indexes.private.simple}"\n'
    )
    write_files(root, {"pyproject.toml": pyproject + _declared(indexes)})
    digest = next(iter(content_hashes(read_toml(root / "pyproject.toml", ProjectFiles()))))
    packages += (
        f'[metadata]\nlock-version = "{"2.0" if files else "1.0"}"\npython-versions = "^3.9"\n'
        f'content-hash = "{digest}"\n'
    )
    if not files:
        packages += f'[metadata.hashes]\nalpha = ["{ALPHA.sha256}"]\nbeta = ["{BETA.sha256}"]\n'
    write_files(root, {"poetry.lock": packages})


def _poetry(root: Path, indexes: Indexes) -> None:
    _poetry_files(root, indexes, files=True)


def _old_poetry(root: Path, indexes: Indexes) -> None:
    _poetry_files(root, indexes, files=False)


def _pipenv(root: Path, indexes: Indexes) -> None:
    import json

    source = {"name": "company", "url": indexes.private.simple, "verify_ssl": True}
    pipfile = (
        f'[[source]]\nname = "company"\nurl = "{indexes.private.simple}"\nverify_ssl = true\n'
        '[packages]\nalpha = "==1.2"\nbeta = "==1.0"\n'
    )
    write_files(root, {"Pipfile": pipfile, "pyproject.toml": _PROJECT + _declared(indexes)})
    # As pipenv hashes it.
    hashed = {
        "_meta": {"sources": [source], "requires": {}},
        "default": {"alpha": "==1.2", "beta": "==1.0"},
        "develop": {},
    }
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"))
    lock = {
        "_meta": {
            "hash": {"sha256": hashlib.sha256(text.encode()).hexdigest()},
            "pipfile-spec": 6,
            "requires": {},
            "sources": [source],
        },
        "default": {
            name: {
                "hashes": [f"sha256:{made.sha256}"],
                "index": "company",
                "version": f"=={version}",
            }
            for name, version, made in (("alpha", "1.2", ALPHA), ("beta", "1.0", BETA))
        },
        "develop": {},
    }
    write_files(root, {"Pipfile.lock": json.dumps(lock)})


def _requirements(root: Path, indexes: Indexes) -> None:
    text = f"--extra-index-url {indexes.private.simple}\nalpha==1.2\nbeta==1.0\n"
    write_files(root, {"requirements.txt": text, "pyproject.toml": _PROJECT + _declared(indexes)})


def _hashed_requirements(root: Path, indexes: Indexes) -> None:
    text = (
        f"--extra-index-url {indexes.private.simple}\n"
        f"alpha==1.2 --hash=sha256:{ALPHA.sha256}\nbeta==1.0 --hash=sha256:{BETA.sha256}\n"
    )
    write_files(root, {"requirements.txt": text, "pyproject.toml": _PROJECT + _declared(indexes)})


def _declared_only(root: Path, indexes: Indexes) -> None:
    write_files(root, {"pyproject.toml": _PROJECT + _NEEDS + _declared(indexes)})


def _unlocked_poetry(root: Path, indexes: Indexes) -> None:
    _poetry(root, indexes)
    (root / "poetry.lock").unlink()


def _unlocked_pipfile(root: Path, indexes: Indexes) -> None:
    _pipenv(root, indexes)
    (root / "Pipfile.lock").unlink()
    (root / "pyproject.toml").write_text(_declared(indexes))


FORMATS: dict[str, Callable[[Path, Indexes], None]] = {
    "pylock.toml": _pylock,
    "uv.lock": _uv,
    "poetry.lock": _poetry,
    "poetry.lock of Poetry 1.0": _old_poetry,
    "Pipfile.lock": _pipenv,
    "requirements.txt": _requirements,
    "requirements.txt with hashes": _hashed_requirements,
    "pyproject.toml": _declared_only,
    "pyproject.toml of Poetry": _unlocked_poetry,
    "Pipfile": _unlocked_pipfile,
}
"""What a project is locked by, or declares."""


def _by_uvs_name(indexes: Indexes, folder: Path) -> dict[str, str]:
    return {"UV_INDEX_COMPANY_USERNAME": USER, "UV_INDEX_COMPANY_PASSWORD": PASSWORD}


def _by_poetrys_name(indexes: Indexes, folder: Path) -> dict[str, str]:
    return {
        "POETRY_HTTP_BASIC_COMPANY_USERNAME": USER,
        "POETRY_HTTP_BASIC_COMPANY_PASSWORD": PASSWORD,
    }


def _by_uvs_address(indexes: Indexes, folder: Path) -> dict[str, str]:
    return {"UV_INDEX": indexes.address}


def _by_pips_address(indexes: Indexes, folder: Path) -> dict[str, str]:
    return {
        "UV_DEFAULT_INDEX": "",
        "PIP_INDEX_URL": indexes.public.simple,
        "PIP_EXTRA_INDEX_URL": indexes.address,
    }


def _by_netrc(indexes: Indexes, folder: Path) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "netrc"
    path.write_text(f'machine 127.0.0.1\nlogin {USER}\npassword "{PASSWORD}"\n')
    path.chmod(0o600)
    return {"NETRC": str(path)}


def _by_keyring(indexes: Indexes, folder: Path) -> dict[str, str]:
    host = indexes.private.url.partition("://")[2]
    return keyring_command(folder, {host: (USER, PASSWORD)})


WAYS: dict[str, Callable[[Indexes, Path], dict[str, str]]] = {
    "uv's name": _by_uvs_name,
    "Poetry's name": _by_poetrys_name,
    "uv's address": _by_uvs_address,
    "pip's address": _by_pips_address,
    "netrc": _by_netrc,
    "keyring": _by_keyring,
}
"""Where the password comes from."""
