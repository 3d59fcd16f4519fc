"""Packages that SAM, Zappa, Chalice, Serverless and pip write: sound ones pass, and what is planted in them is found."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import struct
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from uv import find_uv_bin

import wherry
from support.interpreters import find_python
from support.moto import moto
from support.npm import node_modules
from support.projects import write_files
from support.shared_objects import AARCH64, SharedObject
from support.tools import tool
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

pytestmark = pytest.mark.real

VERSION = "3.13"
REQUIREMENTS = ("pydantic", "pyyaml", "requests")
MODULE = """\
import pydantic
import requests
import yaml


class Order(pydantic.BaseModel):
    number: int


def answer():
    return {"yaml": yaml.safe_load("a: 1"), "order": Order(number=1).number, "requests": requests.__version__}
"""
HANDLER = f"{MODULE}\n\ndef handler(event, context):\n    return answer()\n"


@dataclass(frozen=True)
class Written:
    """A zip archive that a tool wrote.

    Attributes:
        path: of it.
        handler: of the function.
        sound: the codes of what is found in it, and is true.
    """

    path: Path
    handler: str = "app.handler"
    sound: frozenset[str] = frozenset()


# They date all files 1980, and modules were compiled for the dates that they had: a true finding.
STALE_CODE = frozenset(["PYC001"])


def run(command: list[str | Path], cwd: Path, env: Mapping[str, str] | None = None) -> None:
    python = Path(find_python(VERSION)).parent
    settings = ("PIP_", "AWS_", "SAM_", "SLS_", "UV_", "VIRTUAL_ENV", "PYTHON")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(settings)}
    certificates = {name: os.environ[name] for name in ("PIP_CERT",) if name in os.environ}
    done = subprocess.run(
        command, cwd=cwd, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
        env={
            **kept,
            **certificates,
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": "eu-west-1",
            # Where pip and plugins keep what they fetched.
            "HOME": str(_HOME),
            "SAM_CLI_TELEMETRY": "0",
            "SLS_TELEMETRY_DISABLED": "1",
            "SLS_NOTIFICATIONS_MODE": "off",
            "CI": "1",
            **(env or {}),
            "PATH": os.pathsep.join([*(env or {}).get("PATH", "").split(), str(python), os.environ["PATH"]]),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def environment(folder: Path, *requirements: str) -> Path:
    """A virtual environment; the folder of its programs."""
    uv: list[str | Path] = [find_uv_bin(), "--quiet"]
    subprocess.run([*uv, "venv", "--seed", "--python", find_python(VERSION), folder], check=True)
    install = [*uv, "pip", "install", "--python", folder / "bin" / "python", *requirements]
    subprocess.run(install, check=True)
    return folder / "bin"


def zipped(folder: Path, path: Path) -> Path:
    subprocess.run(["zip", "-qr", path, "."], cwd=folder, check=True)
    return path


def by_pip(root: Path) -> Written:
    write_files(root, {"function/app.py": HANDLER})
    target = str(root / "function")
    install = ["-m", "pip", "install", "--quiet", "--target", target, *REQUIREMENTS]
    run([find_python(VERSION), *install], root)
    return Written(zipped(root / "function", root / "function.zip"))


def by_sam(root: Path) -> Written:
    template = (
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  Api:\n    Type: AWS::Serverless::Function\n"
        "    Properties:\n      CodeUri: src\n      Handler: app.handler\n      Runtime: python3.13\n"
    )
    requirements = "\n".join(REQUIREMENTS)
    write_files(root, {"template.yaml": template, "src/app.py": HANDLER, "src/requirements.txt": requirements})  # fmt: skip
    run([tool("sam"), "build", "--no-use-container"], root)
    with moto() as served:
        account = served.account()
        account.bucket("packages")
        run([tool("sam"), "package", "--s3-bucket", "packages"], root, account.environment())
        (stored,) = account.storage.list_objects_v2(Bucket="packages")["Contents"]
        account.storage.download_file("packages", stored["Key"], str(root / "function.zip"))
    return Written(root / "function.zip")


def by_zappa(root: Path) -> Written:
    code = f"from flask import Flask\n\n{MODULE}\n\napp = Flask(__name__)\napp.get('/')(answer)\n"
    settings = {
        "app_function": "app.app",
        "aws_region": "eu-west-1",
        "project_name": "shop",
        "runtime": "python3.13",
        "s3_bucket": "packages",
    }
    write_files(root, {"app.py": code, "zappa_settings.json": json.dumps({"dev": settings})})
    needed = ("zappa==0.63.0", "flask", "pip", "setuptools", *REQUIREMENTS)
    programs = environment(root / "venv", *needed)
    env = {"VIRTUAL_ENV": str(programs.parent), "PATH": str(programs)}
    run([programs / "zappa", "package", "dev", "--output", "function.zip"], root, env)
    return Written(root / "function.zip", "handler.lambda_handler", STALE_CODE)


def by_chalice(root: Path) -> Written:
    code = f"from chalice import Chalice\n\n{MODULE}\n\napp = Chalice(app_name='shop')\napp.route('/')(answer)\n"
    config = {"version": "2.0", "app_name": "shop", "stages": {"dev": {"api_gateway_stage": "api"}}}
    requirements = "\n".join(["chalice==1.34.0", *REQUIREMENTS])
    files = {"app.py": code, ".chalice/config.json": json.dumps(config), "requirements.txt": requirements}  # fmt: skip
    write_files(root / "project", files)
    programs = environment(root / "venv", "chalice==1.34.0", "pip", "setuptools", *REQUIREMENTS)
    run([programs / "chalice", "package", "out"], root / "project")
    return Written(root / "project" / "out" / "deployment.zip", "app.app")


def by_serverless(root: Path) -> Written:
    settings = (
        "service: shop\nprovider:\n  name: aws\n  runtime: python3.11\nplugins:\n  - serverless-python-requirements\n"
        "custom:\n  pythonRequirements:\n    pythonBin: python3.13\nfunctions:\n  api:\n    handler: app.handler\n"
        "    runtime: python3.13\npackage:\n  patterns: ['!node_modules/**', '!package*.json']\n"
    )
    files = {"serverless.yml": settings, "app.py": HANDLER, "requirements.txt": "\n".join(REQUIREMENTS)}  # fmt: skip
    write_files(root / "project", files)
    modules = node_modules("serverless@3.40.0", "serverless-python-requirements@6.1.2")
    (root / "project" / "node_modules").symlink_to(modules)
    run([modules / ".bin" / "serverless", "package"], root / "project")
    return Written(root / "project/.serverless/shop.zip", sound=STALE_CODE)


TOOLS: dict[str, Callable[[Path], Written]] = {
    "pip": by_pip,
    "sam": by_sam,
    "zappa": by_zappa,
    "chalice": by_chalice,
    "serverless": by_serverless,
}

_HOME = Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)

Files = dict[str, bytes]


def without(*names: str) -> Callable[[Files], Files]:
    """A distribution is left out."""
    starts = tuple(f"{name}{end}" for name in names for end in ("/", "-"))
    return lambda files: {name: data for name, data in files.items() if not name.startswith(starts)}


def with_file(name: str, data: bytes = b"") -> Callable[[Files], Files]:
    return lambda files: {**files, name: data}


def with_code(code: str) -> Callable[[Files], Files]:
    return lambda files: {**files, "app.py": files["app.py"] + code.encode()}


def with_extension(
    make: Callable[[bytes], bytes] = bytes, tag: str = ""
) -> Callable[[Files], Files]:
    """Another extension module in place of that of pydantic-core, or another tag in its name."""

    def change(files: Files) -> Files:
        (name,) = (
            each for each in files if each.startswith("pydantic_core/_") and each.endswith(".so")
        )
        other = name.replace("cpython-313-x86_64-linux-gnu", tag) if tag else name
        changed = {**files, other: make(files[name])}
        if other != name:
            del changed[name]
        (record,) = (each for each in files if re.fullmatch(r"pydantic_core-.+/RECORD", each))
        return {**changed, record: files[record].replace(name.encode(), other.encode())}

    return change


def with_machine(data: bytes) -> bytes:
    return data[:18] + struct.pack("<H", AARCH64) + data[20:]


def shared_object(**traits: object) -> Callable[[bytes], bytes]:
    return lambda _: SharedObject(**traits).data()  # type: ignore[arg-type]


NEWER = {"libc.so.6": {"GLIBC_2.38": ["strlcpy"]}}
MACH_O = b"\xcf\xfa\xed\xfe" + bytes(60)
STALE = struct.pack("<H2sIII", 3571, b"\r\n", 0, 1, 1) + b"code"
OWN = "OWN"

# The change, and the code, severity and owner of what is found then.
PLANTS: dict[str, tuple[Callable[[Files], Files], tuple[str, str, str]]] = {
    "a distribution taken out": (without("certifi"), ("DEP001", "error", "requests")),
    "a compiled one taken out": (without("pydantic_core"), ("DEP001", "error", "pydantic")),
    "an import": (with_code("import nowhere\n"), ("IMP001", "error", OWN)),
    "an old import": (with_code("import distutils\n"), ("RT002", "error", OWN)),
    "another case": (with_code("import Yaml\n"), ("CASE001", "error", OWN)),
    "another machine": (with_extension(with_machine), ("ELF001", "error", "pydantic-core")),
    "another Python": (with_extension(tag="cpython-312-x86_64-linux-gnu"), ("ELF005", "error", "pydantic-core")),
    "a mac": (with_extension(lambda _: MACH_O, "cpython-313-darwin"), ("ELF001", "error", "pydantic-core")),
    "musl": (with_extension(tag="cpython-313-x86_64-linux-musl"), ("ELF004", "error", "pydantic-core")),
    "a newer glibc": (with_extension(shared_object(wants=NEWER)), ("ELF002", "error", "pydantic-core")),
    "libGL": (with_extension(shared_object(needed=("libGL.so.1",))), ("ELF003", "error", "pydantic-core")),
    "a key": (with_file("keys/id_rsa", b"x"), ("LEAK001", "error", OWN)),
    "a repository": (with_file(".git/HEAD", b"x"), ("LEAK001", "error", OWN)),
    "a module that hides another": (with_file("wave.py"), ("BIG001", "warning", OWN)),
    "an editable installation": (with_file("shop.egg-link", b"/home/me/shop\n."), ("PATH001", "warning", OWN)),
    "a file written": (with_code("open('x', 'w')\n"), ("PATH002", "warning", OWN)),
    "stale bytecode": (with_file("__pycache__/app.cpython-313.pyc", STALE), ("PYC001", "warning", OWN)),
    "another distribution's version": (with_file("idna-0.1.dist-info/METADATA", b"Metadata-Version: 2.1\nName: idna\nVersion: 0.1\n"), ("BIG002", "warning", "idna")),
}  # fmt: skip


def read(path: Path) -> tuple[Files, dict[str, zipfile.ZipInfo]]:
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        content = {each.filename: archive.read(each) for each in members}
        for each in members:
            # As they are written again many times.
            each.compress_type = zipfile.ZIP_STORED
    return content, {each.filename: each for each in members}


def plain_member(path: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(path, (2026, 5, 6, 7, 8, 10))
    member.create_system, member.external_attr = 3, 0o100644 << 16
    return member


def found(written: Written, store: Store, path: Path | None = None) -> set[tuple[str, str, str]]:
    report = wherry.check(
        files=[path or written.path], handler=written.handler, runtime=f"python{VERSION}", architecture="x86_64",
        store=store,
    )  # fmt: skip
    name = (path or written.path).stem
    return {
        (each.code, each.severity, OWN if each.owner == name else each.owner)
        for each in report.findings
    }


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


@pytest.mark.parametrize("name", TOOLS)
def test_what_is_planted_in_the_package_of_a_tool_is_found(
    name: str, tmp_path: Path, store: Store
) -> None:
    written = TOOLS[name](tmp_path)
    sound = found(written, store)
    assert {code for code, _, _ in sound} == written.sound
    files, members = read(written.path)
    planted = tmp_path / "planted.zip"
    wrong = {}
    for plant, (change, expected) in PLANTS.items():
        if expected[0] in written.sound:
            continue
        with zipfile.ZipFile(planted, "w") as archive:
            for path, data in change(dict(files)).items():
                archive.writestr(members.get(path) or plain_member(path), data)
        new = found(written, store, planted) - sound
        if new != {expected}:
            wrong[plant] = new
    assert wrong == {}


def test_the_handler_of_a_tool_is_compared(tmp_path: Path, store: Store) -> None:
    written = by_pip(tmp_path)
    for handler, code in (("web.handler", "HND001"), ("app.main", "HND002")):
        other = Written(written.path, handler)
        assert found(other, store) == {(code, "error", OWN)}
