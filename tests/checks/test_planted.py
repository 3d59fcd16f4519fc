"""A corpus of planted faults: each is found with exactly its code and its owner, and sound packages with nothing."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

import wherry
from support.shared_objects import AARCH64, SharedObject
from support.zips import HANDLER, installed, write_package
from wherry.checks.model import Limits, Subject
from wherry.checks.registry import rules, run_checks
from wherry.contents.parts import part_of_zip
from wherry.contents.read import Contents, Options
from wherry.store import Store
from wherry.target import Target, find_architecture, find_runtime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SO = ".cpython-313-x86_64-linux-gnu.so"
SOUND = SharedObject().data()
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n"
APP = f"import lib\n{HANDLER}"


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A package with a fault; ``owner`` is the distribution at fault, by default the package itself."""

    code: str
    files: Mapping[str, bytes | str]
    owner: str = "app"
    severity: str = "error"
    layer: Mapping[str, bytes | str] | None = None
    handler: str | None = "app.handler"
    runtime: str = "python3.13"
    architecture: str = "x86_64"
    modes: Mapping[str, int] = field(default_factory=dict)
    date: tuple[int, int, int, int, int, int] = (2026, 5, 6, 7, 8, 10)
    strict: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


def lib(
    data: bytes, name: str = f"lib/fast{SO}", text: str = "from lib import fast\n"
) -> dict[str, bytes | str]:
    """A function that loads a compiled file of a distribution."""
    return {"app.py": APP, **installed("lib", {"lib/__init__.py": text, name: data})}


def pyc(source: str, *, magic: int = 3571, moment: int = 0, flags: int = 0) -> bytes:
    return struct.pack("<H2sIII", magic, b"\r\n", flags, moment, len(source)) + b"code"


MUSL = SharedObject(needed=("libc.musl-x86_64.so.1",)).data()
NEWER = SharedObject(wants={"libc.so.6": {"GLIBC_2.38": ["strlcpy"]}}).data()
GL = SharedObject(needed=("libc.so.6", "libGL.so.1")).data()
ARM = SharedObject(machine=AARCH64).data()
MACH_O = b"\xcf\xfa\xed\xfe" + bytes(60)

PLANTS: dict[str, Plant] = {
    # Compiled files.
    "elf-other-machine": Plant(code="ELF001", owner="lib", files=lib(ARM)),
    "elf-other-machine-plain-name": Plant(code="ELF001", owner="lib", files=lib(ARM, "lib/fast.so")),
    "elf-other-machine-tag": Plant(code="ELF001", owner="lib", files=lib(SOUND, "lib/fast.cpython-313-aarch64-linux-gnu.so")),
    "elf-mac-by-tag": Plant(code="ELF001", owner="lib", files=lib(MACH_O, "lib/fast.cpython-313-darwin.so")),
    "elf-mac-by-content": Plant(code="ELF001", owner="lib", files=lib(MACH_O, "lib/fast.abi3.so")),
    "elf-mac-own": Plant(code="ELF001", files={"app.py": f"import fast\n{HANDLER}", "fast.cpython-313-darwin.so": MACH_O}),
    "elf-windows": Plant(code="ELF001", owner="lib", files=lib(b"MZ" + bytes(60), "lib/fast.cp313-win_amd64.pyd")),
    "elf-damaged": Plant(code="ELF001", owner="lib", files=lib(SOUND[:200])),
    "elf-32-bits": Plant(code="ELF001", owner="lib", files=lib(SharedObject(bits=32).data())),
    "elf-on-arm": Plant(code="ELF001", owner="lib", files=lib(SOUND, "lib/fast.abi3.so"), architecture="arm64"),
    "elf-own-program": Plant(code="ELF001", severity="warning", files={"app.py": HANDLER, "bin/tool": ARM}, modes={"bin/tool": 0o755}),
    "elf-beside-stubs": Plant(code="ELF005", owner="lib", files={**lib(SOUND, "lib/fast.cpython-312-x86_64-linux-gnu.so"), "lib/fast/__init__.pyi": ""}),
    "elf-newer-glibc": Plant(code="ELF002", owner="lib", files=lib(NEWER)),
    "elf-newer-glibc-on-amazon-linux-2": Plant(code="ELF002", owner="lib", runtime="python3.11", files=lib(SharedObject(wants={"libc.so.6": {"GLIBC_2.28": ["statx"]}}).data(), "lib/fast.abi3.so")),
    "elf-newer-libstdcxx": Plant(code="ELF002", owner="lib", files=lib(SharedObject(wants={"libstdc++.so.6": {"GLIBCXX_3.4.32": ["x"]}}).data())),
    "elf-library-absent": Plant(code="ELF003", owner="lib", files=lib(GL)),
    "elf-library-absent-of-library": Plant(code="ELF003", owner="lib", files={
        **lib(SharedObject(needed=("libinner.so.1",), runpath="$ORIGIN/../lib.libs").data()),
        **installed("lib", {"lib/__init__.py": "from lib import fast\n", f"lib/fast{SO}": SharedObject(needed=("libinner.so.1",), runpath="$ORIGIN/../lib.libs").data(), "lib.libs/libinner.so.1": GL}),
    }),
    "elf-library-absent-own": Plant(code="ELF003", files={"app.py": f"import fast\n{HANDLER}", "fast.so": GL}),
    "elf-library-absent-in-layer": Plant(code="ELF003", owner="lib", files={"app.py": APP}, layer=installed("lib", {"lib/__init__.py": "from lib import fast\n", f"lib/fast{SO}": GL}, folder="python/")),
    "elf-extension-of-own-name": Plant(code="ELF003", owner="cv", files={"app.py": f"import cv\n{HANDLER}", **installed("cv", {"cv/__init__.py": "import importlib\ndef bootstrap():\n    importlib.import_module('cv')\nbootstrap()\n", "cv/cv.abi3.so": GL})}),
    "elf-musl": Plant(code="ELF004", owner="lib", files=lib(MUSL)),
    "elf-musl-by-tag": Plant(code="ELF004", owner="lib", files=lib(MUSL, "lib/fast.cpython-313-x86_64-linux-musl.so")),
    "elf-other-python": Plant(code="ELF005", owner="lib", files=lib(SOUND, "lib/fast.cpython-312-x86_64-linux-gnu.so")),
    "elf-other-python-own": Plant(code="ELF005", files={"app.py": f"import fast\n{HANDLER}", "fast.cpython-311-x86_64-linux-gnu.so": SOUND}),
    "elf-other-python-raised-again": Plant(code="ELF005", owner="lib", files=lib(SOUND, "lib/fast.cpython-312-x86_64-linux-gnu.so", "try:\n    from lib import fast\nexcept ImportError as error:\n    raise ImportError('advice') from error\n")),
    "elf-pypy": Plant(code="ELF005", owner="lib", files=lib(SOUND, "lib/fast.pypy310-pp73-x86_64-linux-gnu.so")),
    "elf-lazy": Plant(code="ELF003", owner="lib", severity="warning", strict=True, files=lib(GL, text="def f():\n    from lib import fast\n")),
    # Imports.
    "import-nowhere": Plant(code="IMP001", files={"app.py": f"import nowhere\n{HANDLER}"}),
    "import-nowhere-from": Plant(code="IMP001", files={"app.py": f"from nowhere.inner import name\n{HANDLER}"}),
    "import-nowhere-in-own-module": Plant(code="IMP001", files={"app.py": f"from shop import models\n{HANDLER}", "shop/__init__.py": "", "shop/models.py": "import nowhere\n"}),
    "import-nowhere-in-class": Plant(code="IMP001", files={"app.py": f"class A:\n    import nowhere\n{HANDLER}"}),
    "import-nowhere-in-distribution": Plant(code="IMP001", owner="lib", files={"app.py": APP, **installed("lib", {"lib/__init__.py": "import nowhere\n"})}),
    "import-nowhere-behind-platform": Plant(code="IMP001", files={"app.py": f"import sys\nif sys.platform == 'linux':\n    import nowhere\n{HANDLER}"}),
    "import-nowhere-behind-version": Plant(code="IMP001", files={"app.py": f"import sys\nif sys.version_info >= (3, 11):\n    import nowhere\n{HANDLER}"}),
    "import-nowhere-behind-constant": Plant(code="IMP001", files={"app.py": f"SETUP = False\nif SETUP:\n    pass\nelse:\n    import nowhere\n{HANDLER}"}),
    "import-nowhere-with-other-except": Plant(code="IMP001", files={"app.py": f"try:\n    import nowhere\nexcept AttributeError:\n    pass\n{HANDLER}"}),
    "import-nowhere-try-finally": Plant(code="IMP001", files={"app.py": f"try:\n    import nowhere\nfinally:\n    pass\n{HANDLER}"}),
    "import-nowhere-handler-in-folder": Plant(code="IMP001", handler="src/app.handler", files={"src/app.py": f"import nowhere\n{HANDLER}"}),
    "import-nowhere-handler-guessed": Plant(code="IMP001", handler=None, files={"lambda_function.py": "import nowhere\ndef lambda_handler(event, context): ...\n"}),
    "import-in-folder-off-the-path": Plant(code="IMP001", severity="warning", files={"app.py": f"import helper\n{HANDLER}", "vendor/helper.py": ""}),
    "import-of-setuptools": Plant(code="IMP001", owner="lib", files={"app.py": APP, **installed("lib", {"lib/__init__.py": "import pkg_resources\n"})}),
    "import-of-windows": Plant(code="IMP001", files={"app.py": f"import winreg\n{HANDLER}"}),
    "import-lazy": Plant(code="IMP002", severity="warning", strict=True, files={"app.py": "def handler(event, context):\n    import nowhere\n"}),
    "import-guarded": Plant(code="IMP002", severity="note", strict=True, files={"app.py": f"try:\n    import nowhere\nexcept ImportError:\n    nowhere = None\n{HANDLER}"}),
    "import-of-distutils": Plant(code="RT002", files={"app.py": f"from distutils.version import LooseVersion\n{HANDLER}"}),
    "import-of-imp-in-distribution": Plant(code="RT002", owner="lib", files={"app.py": APP, **installed("lib", {"lib/__init__.py": "import imp\n"})}),
    "import-of-cgi": Plant(code="RT002", files={"app.py": f"import cgi\n{HANDLER}"}),
    "import-other-case": Plant(code="CASE001", files={"app.py": f"import Shop\n{HANDLER}", "shop.py": ""}),
    # Requirements.
    "requirement-absent-and-imported": Plant(code="DEP001", owner="lib", files={"app.py": APP, **installed("lib", {"lib/__init__.py": "import other\n"}, requires=["other>=1"])}),
    "requirement-absent": Plant(code="DEP001", owner="lib", severity="warning", files={"app.py": APP, **installed("lib", requires=["other>=1"])}),
    "requirement-absent-of-other-name": Plant(code="DEP001", owner="lib", files={"app.py": APP, **installed("lib", {"lib/__init__.py": "import yaml\n"}, requires=["PyYAML"])}),
    "requirement-absent-by-extra": Plant(code="DEP001", owner="other", severity="warning", files={"app.py": APP, **installed("lib", requires=["other[fast]"]), **installed("other", requires=['speedups; extra == "fast"'], extras=["fast"])}),
    "requirement-absent-by-marker": Plant(code="DEP001", owner="lib", severity="warning", files={"app.py": APP, **installed("lib", requires=['other; python_version >= "3.13" and sys_platform == "linux"'])}),
    "requirement-of-layer-absent": Plant(code="DEP001", owner="lib", severity="warning", files={"app.py": APP}, layer=installed("lib", requires=["other"], folder="python/lib/python3.13/site-packages/")),
    "requirement-other-version": Plant(code="DEP002", owner="lib", severity="warning", files={"app.py": APP, **installed("lib", requires=["other>=2"]), **installed("other", version="1.5")}),
    # The handler.
    "handler-module-absent": Plant(code="HND001", handler="shop.api.handler", files={"app.py": HANDLER}),
    "handler-module-of-other-folder": Plant(code="HND001", handler="src.app.handler", files={"app.py": HANDLER}),
    "handler-malformed": Plant(code="HND001", handler="handler", files={"app.py": HANDLER}),
    # Python reads none of these, from 3.9 on.
    "syntax-of-the-handler": Plant(code="SYN001", runtime="python3.11", files={"app.py": "def handler(event, context) return 1\n"}),
    "syntax-of-an-import": Plant(code="SYN001", owner="lib", runtime="python3.11", files={"app.py": APP, **installed("lib", {"lib/__init__.py": "print 'x'\n"})}),
    "handler-function-absent": Plant(code="HND002", handler="app.main", files={"app.py": HANDLER}),
    "handler-asynchronous": Plant(code="HND002", files={"app.py": "async def handler(event, context): ...\n"}),
    "handler-one-argument": Plant(code="HND002", files={"app.py": "def handler(event): ...\n"}),
    # Sizes.
    "too-big-unzipped": Plant(code="SIZE001", files={"app.py": HANDLER, "data.bin": bytes(2000)}, options={"limits": Limits(unzipped=1500)}),
    "too-many-layers": Plant(code="SIZE002", files={"app.py": HANDLER}, options={"layers": tuple("abcdef")}),
    "too-big-for-direct-upload": Plant(code="SIZE003", severity="note", strict=True, files={"app.py": HANDLER}, options={"limits": Limits(direct_upload=10)}),
    # Secrets.
    "leak-of-private-key": Plant(code="LEAK001", files={"app.py": HANDLER, "certs/server.pem": KEY}),
    "leak-of-ssh-key": Plant(code="LEAK001", files={"app.py": HANDLER, "id_rsa": "x"}),
    "leak-of-repository": Plant(code="LEAK001", files={"app.py": HANDLER, ".git/config": "x", ".git/HEAD": "x"}),
    "leak-of-aws-credentials": Plant(code="LEAK001", files={"app.py": HANDLER, ".aws/credentials": "x"}),
    "leak-in-source": Plant(code="LEAK001", files={"app.py": f"aws_secret_access_key = '{'abcdEFGH12' * 4}'\n{HANDLER}"}),
    "leak-of-access-key-id": Plant(code="LEAK001", files={"app.py": HANDLER, "settings.json": '{"key": "AKIAQWERTYUIOPASDFGH"}'}),
    "leak-in-pip-conf": Plant(code="LEAK001", files={"app.py": HANDLER, "pip.conf": "index-url = https://me:secret1@packages.example/simple\n"}),
    "leak-of-dotenv": Plant(code="LEAK001", severity="warning", files={"app.py": HANDLER, ".env": "A=1\n"}),
    # Paths.
    "path-of-editable": Plant(code="PATH001", severity="warning", files={"app.py": HANDLER, "__editable__.shop-1.0.pth": "/home/me/shop/src\n"}),
    "path-of-egg-link": Plant(code="PATH001", severity="warning", files={"app.py": HANDLER, "shop.egg-link": "/home/me/shop\n."}),
    "path-in-direct-url": Plant(code="PATH001", severity="warning", files={"app.py": HANDLER, **installed("shop", {"shop/__init__.py": "", "shop-1.0.dist-info/direct_url.json": '{"url": "file:///home/me/shop", "dir_info": {}}'})}),
    "path-written": Plant(code="PATH002", severity="warning", files={"app.py": "def handler(event, context):\n    open('out.txt', 'w').write('x')\n"}),
    "path-written-beside-the-code": Plant(code="PATH002", severity="warning", files={"app.py": "from pathlib import Path\ndef handler(event, context):\n    (Path(__file__).parent / 'x').write_text('x')\n"}),
    # Bytecode, permissions, names, the runtime, licences.
    "bytecode-stale": Plant(code="PYC001", severity="warning", files={"app.py": HANDLER, "__pycache__/app.cpython-313.pyc": pyc(HANDLER, moment=1)}, date=(1980, 1, 1, 0, 0, 0)),
    "bytecode-of-other-source": Plant(code="PYC001", severity="warning", files={"app.py": HANDLER, "__pycache__/app.cpython-313.pyc": pyc("x", moment=1778051290)}),
    "bytecode-of-other-python": Plant(code="PYC002", files={"app.py": f"import inner\n{HANDLER}", "inner.pyc": pyc("", magic=3531)}),
    "unreadable": Plant(code="PERM001", files={"app.py": HANDLER}, modes={"app.py": 0o600}),
    "unreadable-data": Plant(code="PERM001", severity="warning", files={"app.py": HANDLER, "data.bin": "x"}, modes={"data.bin": 0o640}),
    "shadows-standard-library": Plant(code="BIG001", severity="warning", files={"app.py": HANDLER, "logging.py": ""}),
    "backport-of-standard-library": Plant(code="BIG001", severity="warning", owner="enum34", files={"app.py": HANDLER, **installed("enum34", {"enum/__init__.py": ""})}),
    "twice-in-other-versions": Plant(code="BIG002", severity="warning", owner="lib", files={"app.py": APP, **installed("lib")}, layer=installed("lib", version="2.0", folder="python/")),
    "runtime-deprecated": Plant(code="RT001", severity="warning", runtime="python3.9", files={"app.py": HANDLER}),
    "licence-not-allowed": Plant(code="LIC001", owner="lib", files={"app.py": APP, **installed("lib", more="License-Expression: GPL-3.0-only\n")}, options={"licenses": ("MIT", "Apache-2.0")}),
    "licence-not-allowed-by-classifier": Plant(code="LIC001", owner="lib", files={"app.py": APP, **installed("lib", more="Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)\n")}, options={"licenses": ("MIT",)}),
    "service-without-data": Plant(code="SDK001", files={"app.py": f'import boto3\nS3 = boto3.client("s3")\nQ = boto3.Session().client("sqs")\n{HANDLER}', **installed("boto3", {"boto3/__init__.py": ""}), **installed("botocore", {"botocore/__init__.py": "", "botocore/data/s3/2006-03-01/service-2.json.gz": "x"})}),
    "licence-not-named": Plant(code="LIC001", owner="lib", files={"app.py": APP, **installed("lib")}, options={"licenses": ("MIT",)}),
}  # fmt: skip


def findings_of(plant: Plant, folder: Path, store: Store | None) -> list[tuple[str, str, str]]:
    parts = [
        part_of_zip(
            write_package(folder / "app.zip", plant.files, modes=plant.modes, date=plant.date),
            kind="function",
        )
    ]
    if plant.layer is not None:
        parts.append(part_of_zip(write_package(folder / "layer.zip", plant.layer), kind="layer"))
    target = Target(
        runtime=find_runtime(plant.runtime), architecture=find_architecture(plant.architecture)
    )
    contents = Contents(parts, target, Options(handler=plant.handler, store=store))
    subject = Subject(name="app", contents=contents, strict=plant.strict, **plant.options)
    found = run_checks(subject)
    contents.remember()
    return [(finding.code, finding.severity, finding.owner) for finding in found]


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_fault_is_found_with_its_code_and_owner(name: str, tmp_path: Path) -> None:
    plant = PLANTS[name]
    expected = [(plant.code, plant.severity, plant.owner)]
    store = Store(tmp_path / "store")
    assert findings_of(plant, tmp_path, store) == expected
    # From memory it is the same.
    assert findings_of(plant, tmp_path, store) == expected


def test_every_rule_has_a_plant() -> None:
    assert {plant.code for plant in PLANTS.values()} == set(rules()) - {"ADV001"}
    assert len(PLANTS) >= 60


SOUND_PACKAGES: dict[str, Plant] = {
    "syntax-of-what-may-be-imported": Plant(code="", runtime="python3.11", files={"app.py": f"import sys\nif sys.version_info >= (3, 12):\n    import new\n{HANDLER}", "new.py": "type X = int\n", "other.py": "print 'x'\n"}),
    "syntax-of-a-newer-python": Plant(code="", runtime="python3.14", files={"app.py": f"x = t'a'\n{HANDLER}"}),
    "plain": Plant(code="", files={"app.py": f"import json, boto3, six\n{HANDLER}"}),
    "guarded": Plant(code="", files={"app.py": f"try:\n    import ujson as json\nexcept ImportError:\n    import json\n{HANDLER}"}),
    "guarded-by-suppress": Plant(code="", files={"app.py": f"from contextlib import suppress\nwith suppress(ImportError):\n    import ujson\n{HANDLER}"}),
    "for-type-checkers": Plant(code="", files={"app.py": f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import mypy_boto3_s3\n{HANDLER}"}),
    "for-windows": Plant(code="", files={"app.py": f"import sys\nif sys.platform == 'win32':\n    import winreg\n{HANDLER}"}),
    "for-older-python": Plant(code="", files={"app.py": f"import sys\nif sys.version_info < (3, 11):\n    import tomli\nelse:\n    import tomllib\n{HANDLER}"}),
    "run-as-program": Plant(code="", files={"app.py": f"{HANDLER}if __name__ == '__main__':\n    import nowhere\n    open('x', 'w')\n"}),
    "path-changed": Plant(code="", files={"app.py": f"import sys\nsys.path.insert(0, 'vendor')\nimport helper\n{HANDLER}", "vendor/helper.py": ""}),
    "path-changed-by-a-dependency": Plant(code="", files={"app.py": f"import lib\n{HANDLER}", **installed("lib", {"lib/__init__.py": "from lib import loader\n", "lib/loader.py": "import os, sys\nsys.path.append(os.path.join(os.path.dirname(__file__), '_vendor'))\nimport helper\n", "lib/_vendor/helper.py": ""})}),
    "module-made-up": Plant(code="", files={"app.py": APP, **installed("lib", {"lib/__init__.py": "import sys\nsys.modules['made_up'] = sys\nimport made_up\n"})}),
    "submodule-made-up": Plant(code="", files={"app.py": f"from six.moves import urllib\nimport lib.inner\n{HANDLER}", **installed("lib")}),
    "namespace-packages": Plant(code="", files={"app.py": f"from space.one import a\nfrom space.two import b\n{HANDLER}", "space/one/__init__.py": "a = 1", **installed("space-two", {"space/two/__init__.py": "b = 1"})}),
    "layer-has-it": Plant(code="", files={"app.py": APP}, layer=installed("lib", folder="python/")),
    "site-packages-of-layer": Plant(code="", files={"app.py": APP}, layer=installed("lib", folder="python/lib/python3.13/site-packages/")),
    "compiled": Plant(code="", files=lib(SOUND)),
    "compiled-for-stable-abi": Plant(code="", files=lib(SOUND, "lib/fast.abi3.so")),
    "compiled-for-several": Plant(code="", files={**lib(SOUND), **installed("lib", {"lib/__init__.py": "from lib import fast\n", f"lib/fast{SO}": SOUND, "lib/fast.cpython-312-x86_64-linux-gnu.so": SOUND})}),
    "compiled-with-fallback": Plant(code="", files=lib(GL, text="try:\n    from lib import fast\nexcept ImportError:\n    fast = None\n")),
    "compiled-for-others-never-loaded": Plant(code="", files=lib(ARM, "lib/attach_arm.so", text="")),
    "library-in-lib": Plant(code="", files={**lib(GL), "lib/libGL.so.1": SOUND}),
    "library-in-layer": Plant(code="", files=lib(GL), layer={"lib/libGL.so.1": SOUND}),
    "library-beside": Plant(code="", files={**lib(SharedObject(needed=("libz-1.so",), runpath="$ORIGIN/../lib.libs").data()), "lib.libs/libz-1.so": SOUND}),
    "library-preloaded": Plant(code="", files={**lib(SharedObject(needed=("libomp-1.so.5",)).data()), "nvidia/libomp-1.so.5": SOUND}),
    "library-of-runtime": Plant(code="", files=lib(SharedObject(needed=("libz.so.1", "libssl.so.3", "libstdc++.so.6")).data())),
    "library-not-known": Plant(code="", files=lib(SharedObject(needed=("libmystery.so.3",)).data())),
    "programs-for-both": Plant(code="", files={"app.py": HANDLER, "bin/arm/tool": ARM, "bin/x86/tool": SOUND}, modes={"bin/arm/tool": 0o755, "bin/x86/tool": 0o755}),
    "requirement-of-runtime": Plant(code="", files={"app.py": APP, **installed("lib", requires=["boto3>=1.2", "urllib3"])}),
    "requirement-for-others": Plant(code="", files={"app.py": APP, **installed("lib", requires=['colorama; sys_platform == "win32"', 'tomli; python_version < "3.11"', 'rich; extra == "cli"'])}),
    "requirement-by-variant": Plant(code="", files={"app.py": APP, **installed("lib", requires=["opencv-python"]), **installed("opencv-python-headless", {"cv2/__init__.py": ""})}),
    "handler-decorated": Plant(code="", files={"app.py": "import functools\n@functools.lru_cache\ndef handler(event, context): ...\n"}),
    "handler-imported": Plant(code="", files={"app.py": "from inner import handler\n", "inner.py": HANDLER}),
    "handler-of-getattr": Plant(code="", files={"app.py": "def __getattr__(name): ...\n"}),
    "example-keys": Plant(code="", files={"app.py": f"KEY = 'AKIAIOSFODNN7EXAMPLE'\naws_secret_access_key = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'\n{HANDLER}", **installed("lib", {"lib/key.pem": KEY}), "cert.pem": "-----BEGIN CERTIFICATE-----\nMII\n"}),
    "writes-to-tmp": Plant(code="", files={"app.py": "import os\ndef handler(event, context):\n    open('/tmp/x', 'w')\n    open('in.txt')\n    os.chdir('/tmp')\n"}),
    "bytecode-fresh": Plant(code="", files={"app.py": HANDLER, "__pycache__/app.cpython-313.pyc": pyc(HANDLER, moment=1778051290)}),
    "bytecode-by-hash": Plant(code="", files={"app.py": HANDLER, "__pycache__/app.cpython-313.pyc": pyc(HANDLER, flags=1)}),
    "zip-of-windows": Plant(code="", files={"app.py": HANDLER}, modes={"app.py": 0o644}),
    "folder-of-standard-name": Plant(code="", files={"app.py": f"import json\n{HANDLER}", "json/data.txt": "x"}),
    "licence-allowed": Plant(code="", files={"app.py": APP, **installed("lib", more="License-Expression: (MIT OR GPL-3.0-only) AND Apache-2.0 WITH LLVM-exception\n")}, options={"licenses": ("MIT", "Apache-*")}),
    "raise-before": Plant(code="", files={"app.py": f"try:\n    import lib\nexcept ImportError:\n    pass\n{HANDLER}", **installed("lib", {"lib/__init__.py": "raise ImportError\nimport nowhere\n"})}),
    "newer-syntax": Plant(code="", files={"app.py": f"try:\n    import lib\nexcept SyntaxError:\n    pass\n{HANDLER}", **installed("lib", {"lib/__init__.py": "this is not Python ((\nimport nowhere\n"})}),
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND_PACKAGES)
def test_a_sound_package_has_no_findings(name: str, tmp_path: Path) -> None:
    assert findings_of(SOUND_PACKAGES[name], tmp_path, None) == []


def test_a_fault_is_told_from_python(tmp_path: Path) -> None:
    path = write_package(tmp_path / "app.zip", PLANTS["import-nowhere-in-own-module"].files)
    report = wherry.check(
        files=[path], handler="app.handler", runtime="python3.13", store=Store(tmp_path / "store")
    )
    assert report.failed
    assert report.document() == {
        "schema": 1,
        "findings": [
            {
                "code": "IMP001",
                "severity": "error",
                "package": "app",
                "where": "shop/models.py:1",
                "message": "`shop.models` imports `nowhere`, which is neither in the package nor in the runtime "
                "(app → shop.models → nowhere)",
                "hint": "add the distribution that has `nowhere` to the dependencies",
                "owner": "app",
            }
        ],
    }
