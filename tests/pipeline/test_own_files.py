"""Keys, credentials, state and build files of the project do not ship unsaid."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest
import trustme

import wherry
from support.projects import write_files
from support.wheels import make_wheel
from wherry.errors import ProjectError
from wherry.events import Warned

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CA = trustme.CA()
KEY = CA.private_key_pem.bytes()
CERTIFICATE = CA.cert_pem.bytes()
ACCOUNT = b'{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\nMII\\n"}'
AWS = b"AWS_SECRET_ACCESS_KEY=abcdefghijklmnopqrstuvwxyz0123456789ABCD\n"
TOML = '[project]\nname = "shop"\nversion = "1.0"\n'
LOCK = 'lock-version = "1.0"\ncreated-by = "x"\npackages = []\n'


class Said(list[str]):
    def emit(self, event: object) -> None:
        if isinstance(event, Warned):
            self.append(f"{event.text}\n{event.hint}")


def built(
    root: Path, files: Mapping[str, str | bytes], settings: str = "", lock: str = LOCK
) -> tuple[list[str], list[str]]:
    """The files of the package, and the warnings."""
    project = write_files(
        root / "shop", {"pyproject.toml": TOML + settings, "pylock.toml": lock, "app.py": ""}
    )
    write_files(project, files)
    said = Said()
    report = wherry.build(
        project, store=wherry.Store(root / "store"), reporter=said, runtime="python3.13"
    )
    with zipfile.ZipFile(report.packages[0].path) as archive:
        return archive.namelist(), said


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("key.pem", KEY),
        ("certs/server.pem", CERTIFICATE + KEY),
        ("certs/server.key", KEY.replace(b"EC PRIVATE", b"ENCRYPTED PRIVATE")),
        ("id_rsa", b"x"),
        ("deploy/deploy_key", b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n"),
        ("signing.asc", b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n"),
        ("AuthKey_1.p8", b"-----BEGIN PRIVATE KEY-----\n"),
        ("key.der", b"\x30\x82\x04\xa4\x02\x01\x00\x02\x82\x01\x01"),
        ("store.p12", b"0\x82"),
        ("x.ppk", b"PuTTY-User-Key-File-3: ssh-ed25519"),
        ("service-account.json", ACCOUNT),
        ("conf/project-0123456789ab.json", ACCOUNT),
        ("client.json", b'{"installed": {"client_secret": "x"}}'),
        ("prod.env", AWS),
        ("aws/credentials", AWS.lower().replace(b"=", b" = ")),
        ("config.yaml", b'aws_secret_access_key: "abcdefghijklmnopqrstuvwxyz0123456789ABCD"\n'),
        ("_netrc", b"machine x"),
        ("certs.txt", CERTIFICATE + KEY),
        ("nginx.conf", KEY),
        ("secret/deploy", KEY),
        ("id.bak", KEY),
    ],
)
def test_keys_and_credentials_are_refused_unless_they_are_named(
    path: str, content: bytes, tmp_path: Path
) -> None:
    with pytest.raises(ProjectError, match="would ship") as caught:
        built(tmp_path, {path: content})
    assert [f"`{path}` of `shop`" in line for line in caught.value.where] == [True]
    hint = caught.value.hint or ""
    assert f'exclude = ["/{path}"]' in hint
    assert f'include = ["/{path}"]' in hint
    assert path not in built(tmp_path, {}, f'[tool.wherry]\nexclude = ["/{path}"]\n')[0]
    files, said = built(tmp_path, {}, f'[tool.wherry]\ninclude = ["/{path}"]\n')
    assert path in files
    assert not said
    with pytest.raises(ProjectError, match="would ship"):
        built(tmp_path, {}, '[tool.wherry]\ninclude = ["**", "certs/", "deploy/"]\n')


def test_what_is_public_ships(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "ca.pem": CERTIFICATE,
        "id_rsa.pub": "ssh-rsa AAAA",
        "public.pem": "-----BEGIN PUBLIC KEY-----\n",
        "public.der": b"\x30\x82\x01\x22\x30\x0d",
        "license.key": "ABCD-EFGH",
        "data.json": '{"type": "service", "key": "private_key"}',
        "key.py": "PEM = '-----BEGIN PRIVATE KEY-----'",
        "docs/keys.md": "-----BEGIN PRIVATE KEY-----",
        "example.ini": "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
        "secrets.py": "",
        "tokens/monkey.txt": "",
        "data/geo.zip": b"PK",
        "templates/Makefile": "",
    }
    shipped, said = built(tmp_path, files)
    assert sorted([*files, "app.py"]) == sorted(shipped)
    assert said == []


def test_state_and_build_files_are_warned_of(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "prod.env": "DEBUG=0\n",
        "infra/terraform.tfstate": "{}",
        "secrets.yml": "",
        "Dockerfile": "",
        "function.zip": b"PK",
        "old/lambda-2.zip": b"PK",
        "vendor/x-1.0-py3-none-any.whl": b"PK",
    }
    shipped, said = built(tmp_path, files)
    assert sorted([*files, "app.py"]) == sorted(shipped)
    state, others = said
    for path in files:
        text = state if path in list(files)[:3] else others
        assert f"`{path}`" in text
        assert f'"/{path}"' in text
    named = ", ".join(f'"/{path}"' for path in files)
    assert built(tmp_path, {"app.py": "1"}, f"[tool.wherry]\ninclude = [{named}]\n")[1] == []
    shipped, said = built(tmp_path, {}, f"[tool.wherry]\nexclude = [{named}]\n")
    assert shipped == ["app.py"]
    assert said == []


def test_an_installed_folder_beside_the_lock_is_warned_of(tmp_path: Path) -> None:
    """As ``pip install --target`` makes it; a vendored distribution that the lock does not have is meant."""
    alpha = make_wheel("alpha")
    alpha.write(tmp_path / "shop")
    lock = f"""{LOCK.replace("packages = []", "")}
[[packages]]
name = "alpha"
version = "1.0"
[[packages.wheels]]
path = "{alpha.filename}"
hashes = {{sha256 = "{alpha.sha256}"}}
"""
    files: dict[str, str | bytes] = {
        "pylock.toml": lock,
        "python/Alpha-0.9.dist-info/METADATA": "",
        "vendor/other-1.0.dist-info/METADATA": "",
    }
    settings = f'[tool.wherry]\nexclude = ["/{alpha.filename}"]\n'
    (warning,) = built(tmp_path, files, settings)[1]
    assert "once more, from an installed folder: `python/`" in warning
    assert 'exclude = ["/python/"]' in warning
    assert built(tmp_path, {"app.py": "1"}, f'{settings}include = ["/python/"]\n')[1] == []


def test_an_extra_path_is_looked_at_and_a_file_that_is_one_is_named(tmp_path: Path) -> None:
    table = "[tool.wherry]\nexclude = ['/conf/']\n[tool.wherry.functions.f]\nextra-paths = [{}]\n"
    with pytest.raises(ProjectError, match="would ship") as caught:
        built(tmp_path, {"conf/key.pem": KEY}, table.format("'conf'"))
    assert 'exclude-files = ["/conf/key.pem"]' in (caught.value.hint or "")
    assert "conf/key.pem" in built(tmp_path, {}, table.format("'conf/key.pem'"))[0]
