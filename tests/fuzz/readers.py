"""Every reader of what strangers write, with sound samples and what reads them.

A reader may raise errors of Wherry's, and nothing else.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import json
import random
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzz.answering import Answering
from fuzz.mutation import changed, changed_document
from support.archives import Odd, make_zip
from support.index import JSON
from support.lambda_events import KINDS, Request, event_of
from support.locks import RELEASES, lock_context, target
from support.shared_objects import SharedObject
from support.wheels import make_sdist, make_wheel
from wherry.files import ProjectFiles
from wherry.lock.model import LockRequest
from wherry.lock.read import read_lock
from wherry.store import Store, StoredFile

__all__ = ["READERS", "Reader", "Surroundings"]

Change = Callable[[bytes, list[bytes], random.Random], bytes]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """A folder of one reader's own, and the server."""

    folder: Path
    server: Answering


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A reader.

    Attributes:
        samples: sound inputs.
        read: reads one; what it raises is judged.
        change: makes an input of a sample.
        setup: writes what lies beside the inputs.
        brief: how many inputs are tried in an ordinary test.
    """

    samples: list[bytes]
    read: Callable[[bytes, Surroundings], object]
    change: Change = changed
    setup: Callable[[Path], object] = lambda folder: folder
    brief: int = 40


def document(sample: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Mostly another value in its place, sometimes other bytes."""
    return changed_document(sample, rng) if rng.random() < 0.7 else changed(sample, others, rng)


# Archives.

_WHEEL = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_FILES = {
    "demo/__init__.py": b"x = 1\n" * 20,
    "demo-1.0.data/scripts/tool": b"#!python\nimport demo\n",
    "demo-1.0.data/data/share/x": b"",
}
_MADE = make_wheel("demo", files=_FILES, executable=["demo/__init__.py"])
_TEXTS = [
    zipfile.ZipFile(io.BytesIO(_MADE.data)).read(f"demo-1.0.dist-info/{name}")
    for name in ("METADATA", "WHEEL", "RECORD")
]
_INFO = Odd(name="demo-1.0.dist-info/WHEEL", content=_WHEEL)
_ZIPS = [
    _MADE.data,
    make_wheel("demo", files=_FILES, compression=zipfile.ZIP_STORED).data,
    make_zip(_INFO, *(Odd(name=n, content=c, method=12) for n, c in _FILES.items())),
    make_zip(
        _INFO,
        *(Odd(name=n, content=c, method=8, zip64=True) for n, c in _FILES.items()),
        zip64_end=True,
    ),
    make_zip(
        _INFO, *(Odd(name=n, content=c, method=8, descriptor="signed") for n, c in _FILES.items())
    ),
]


def read_wheel(data: bytes, around: Surroundings) -> None:
    from wherry.bundle.wheel import wheel_bundle
    from wherry.bundle.writer import write_package

    path = around.folder / "demo-1.0-py3-none-any.whl"
    path.write_bytes(data)
    store = Store(around.folder / "store")
    for memo in (around.folder / "store").glob("wheel-index*/*"):
        memo.unlink()
    stored = StoredFile(sha256="0" * 64, size=len(data), path=path)
    bundle = wheel_bundle(stored, filename=path.name, owner="demo", store=store)
    write_package(bundle.prefix("python"), around.folder / "out.zip")


_NAMES: list[str | bytes] = [
    "../x",
    "/x",
    "C:\\x",
    "a",
    "a/",
    "a/b",
    "a//b",
    "./a",
    "demo-1.0.data/scripts/x",
    "demo-1.0.dist-info/RECORD",
    "日本",
    b"\xff",
    b"",
    "x" * 300,
]
_LARGE = [0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF]


def odd_zip(sample: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """An archive with strange members or false headers; sometimes other bytes of a sound one."""
    if rng.random() < 0.3:
        return changed(sample, others, rng)

    def header() -> dict[str, Any]:
        values = {
            "name": rng.randbytes(rng.randint(0, 9)),
            "flags": rng.getrandbits(16),
            "method": rng.choice([0, 8, 9, 12, 14, 93, 99]),
            "crc": rng.getrandbits(32),
            "compressed": rng.choice(_LARGE),
            "size": rng.choice(_LARGE),
            "extra": b"\1\0" + (8).to_bytes(2, "little") + rng.randbytes(rng.randint(0, 16)),
        }
        return dict(rng.sample([*values.items()], rng.choice([0, 0, 0, 1, 1, 2])))

    members = [
        Odd(
            name=rng.choice(_NAMES),
            content=rng.choice([b"", b"#!python\n", b"x" * 500]),
            method=rng.choice([0, 8, 12, 14]),
            flags=rng.choice([0, 0, 1, 8, 1 << 11]),
            mode=rng.choice([0, 0o100755, 0o120777, 0o40755]),
            descriptor=rng.choice([None, None, "signed", "bare", "signed64"]),
            zip64=rng.random() < 0.2,
            local=header(),
            central=header(),
        )
        for _ in range(rng.randint(0, 4))
    ]
    return make_zip(_INFO, *members, zip64_end=rng.random() < 0.2)


def wheel_with_text(sample: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """A sound zip with one of the texts of its ``.dist-info`` changed."""
    texts = list(_TEXTS)
    number = rng.randrange(len(texts))
    texts[number] = changed(texts[number], texts, rng)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _FILES.items():
            archive.writestr(name, content)
        for name, text in zip(("METADATA", "WHEEL", "RECORD"), texts, strict=True):
            archive.writestr(f"demo-1.0.dist-info/{name}", text)
    return buffer.getvalue()


def _tar(format_: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format_) as archive:
        for name, kind, link in (
            ("demo-1.0/a.py", tarfile.REGTYPE, ""),
            ("demo-1.0/" + "l" * 110 + "/b.py", tarfile.REGTYPE, ""),
            ("demo-1.0/folder", tarfile.DIRTYPE, ""),
            ("demo-1.0/link", tarfile.SYMTYPE, "a.py"),
            ("demo-1.0/hard", tarfile.LNKTYPE, "demo-1.0/a.py"),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.mtime = kind, link, 1.5
            content = b"x = 1\n" * 20 if kind == tarfile.REGTYPE else b""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


_NUMBER = itertools.count()


def unpacked_as(suffix: str) -> Callable[[bytes, Surroundings], None]:
    def read(data: bytes, around: Surroundings) -> None:
        from wherry.sources.unpack import unpack

        path = around.folder / f"demo{suffix}"
        path.write_bytes(data)
        into = around.folder / f"tree{next(_NUMBER)}"
        into.mkdir()
        try:
            unpack(path, filename=path.name, into=into)
            _require_inside(into)
        finally:
            shutil.rmtree(into, ignore_errors=True)

    return read


def odd_tar(sample: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """An archive with strange members and links; sometimes other bytes of a sound one."""
    if rng.random() < 0.3:
        return changed(sample, others, rng)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for _ in range(rng.randint(1, 6)):
            places = [
                "d",
                "d/a",
                "d/l",
                "d/l/x",
                "d/../x",
                "..",
                "../x",
                "/x",
                "",
                ".",
                "a/" * 60,
                "d/" + "x" * 300,
                "d/a/b",
            ]
            member = tarfile.TarInfo(rng.choice(places))
            member.type = rng.choice(
                [
                    *tarfile.REGULAR_TYPES,
                    b"1",
                    b"2",
                    b"3",
                    b"4",
                    b"5",
                    b"5",
                    b"6",
                    b"L",
                    b"K",
                    b"g",
                    b"S",
                ]
            )
            member.linkname = rng.choice(
                ["", "a", "..", "../..", "../../x", "/etc", "d/a", "d/l", "l", "l/.."]
            )
            member.mode, member.mtime = (
                rng.choice([0, 0o644, 0o777, 0o7777]),
                rng.choice([0, -1, 1.5, 1 << 40, 1e18]),
            )
            content = rng.choice([b"", b"x" * 600])
            member.size = rng.choice([len(content), len(content), len(content), 1 << 33])
            keys = ["path", "linkpath", "size", "mtime", "GNU.sparse.map", "uname", "hdrcharset"]
            values = ["", "x", "-1", "9" * 30, "1e400", "nan", "../x", "\0", "0,1,2"]
            member.pax_headers = (
                {rng.choice(keys): rng.choice(values)} if rng.random() < 0.3 else {}
            )
            with contextlib.suppress(ValueError, OverflowError, OSError):
                archive.addfile(
                    member, io.BytesIO(content) if member.size == len(content) else None
                )
    return buffer.getvalue()


def _require_inside(into: Path) -> None:
    """Nothing may lie, or lead, outside the folder that was unpacked to."""
    assert not (into.parent / "x").exists()
    assert not (into.parent.parent / "x").exists()
    for path in into.rglob("*"):
        assert not path.is_symlink() or path.resolve().is_relative_to(into.resolve()), path


def packed(sample: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """A changed tar archive, compressed; or other bytes of the compressed one."""
    tar = gzip.decompress(sample)
    if rng.random() < 0.3:
        return changed(sample, others, rng)
    return gzip.compress(odd_tar(tar, [tar], rng), 1, mtime=0)


# Compiled files.


def _elves() -> list[bytes]:
    from support.shared_objects import SharedObject

    wants = {"libc.so.6": {"GLIBC_2.17": ["read", "write"], "GLIBC_2.34": ["stat"]}}
    made = [SharedObject(wants=wants, soname="liba.so.1"), SharedObject(bits=32, order=">")]
    return [*(each.data() for each in made), Path(sys.executable).resolve().read_bytes()[: 1 << 16]]


def read_compiled(data: bytes, around: Surroundings) -> None:
    from wherry.elf.proof import missing_libraries, obstacles
    from wherry.elf.strip import NotStrippedError, strip_elf

    obstacles(data, target())
    missing_libraries(data, beside=())
    # The files that it leaves as they are, as the step that removes symbols does.
    with contextlib.suppress(NotStrippedError):
        strip_elf(data)


# Locks.


def _lock_samples() -> dict[str, tuple[str, dict[str, str]]]:
    import importlib.util

    # The tests are no packages; their samples are what damaged locks begin from.
    place = Path(__file__).parents[1] / "lock" / "test_fuzz.py"
    spec = importlib.util.spec_from_file_location("lock_samples", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    samples: dict[str, tuple[str, dict[str, str]]] = module.SAMPLES
    return samples


def more_requirements(folder: Path) -> None:
    (folder / "more.txt").write_text("beta==1.0\n")
    (folder / "limits.txt").write_text("beta<2\n")


def lock_reader(name: str, text: str, beside: dict[str, str]) -> Reader:
    def setup(folder: Path) -> None:
        for key, value in beside.items():
            (folder / key.replace("__", ".")).write_text(value)
        more_requirements(folder)

    def read(data: bytes, around: Surroundings) -> None:
        path = around.folder / name
        path.write_bytes(data.replace(b"http://127.0.0.1:9/", around.server.url.encode() + b"/"))
        around.server.data = _page(json.dumps(_PAGE).encode(), JSON, "Connection: close\r\n")
        context = lock_context(around.folder, offline=name != "Pipfile.lock")
        # The sample is older than its project: half of the inputs are judged, the others read.
        frozen = name == "uv.lock" and len(data) % 2 == 0
        read_lock(LockRequest(root=around.folder, lock=path, frozen=frozen), context)

    is_document = not name.startswith("requirements")
    text = text.replace('[tool.wherry.inputs]\n"pyproject.toml" = "sha256:0"\n', "")
    sample = text.replace("INDEX", "http://127.0.0.1:9/").encode()
    # Some of these ask uv, which takes its time.
    slow = name in {"uv.lock", "requirements.txt", "requirements.in", "pyproject.toml", "Pipfile"}
    return Reader(
        samples=[sample],
        read=read,
        setup=setup,
        change=document if is_document else changed,
        brief=6 if slow else 30,
    )


def read_requirements(data: bytes, around: Surroundings) -> None:
    from wherry.lock.requirements.file import read_requirements_file

    path = around.folder / "requirements.txt"
    path.write_bytes(data)
    read_requirements_file(path, ProjectFiles())


# Settings.

_SETTINGS = b"""\
[tool.wherry]
runtime = "python3.13"
architecture = "arm64"
exclude = ["tests/", "*.md", "!keep/**"]
lock = "uv.lock"
[tool.wherry.conflicts]
"a/b.py" = "one"
[tool.wherry.functions.api]
app = "shop.web:app"
layers = ["dependencies"]
extra-paths = ["conf", {path = "a", to = "b"}]
rename = {"a.py" = "b.py"}
extra-distributions = ["requests>=2"]
[tool.wherry.layers.dependencies]
include = ["*"]
exclude-files = ["/tests/"]
[tool.wherry.container]
mode = "never"
[[tool.wherry.indexes]]
name = "company"
url = "https://host/simple/"
[tool.wherry.stages.live]
region = "eu-west-1"
bucket = "s3://bucket/prefix"
functions.api = {name = "shop-api", alias = "live"}
"""


def read_project_settings(data: bytes, around: Surroundings) -> None:
    from wherry.settings.project import read_project

    (around.folder / "pyproject.toml").write_bytes(data)
    read_project(around.folder)


_DROVER = b"""\
stages:
  production: &all
    region_name: eu-west-1
    function_name: shop
    compatible_runtime: python3.13
    function_file_patterns: ['^shop/.*']
    function_extra_paths: [conf]
    package_exclude_patterns: ['.*/tests/']
    upload_bucket: {region_name: eu-west-1, bucket_name: b}
    supplemental_layer_arns: ['arn:aws:lambda:eu-west-1:123456789012:layer:a:1']
  test:
    <<: *all
    function_name: shop-test
"""
_SPINDRIFT = b"""\
package:
  type: flask
  name: shop
  entry: from shop.main import app
  runtime: python3.13
output:
  path: /tmp/shop.zip
"""


def older_settings(name: str) -> Callable[[bytes, Surroundings], None]:
    def read(data: bytes, around: Surroundings) -> None:
        from wherry.settings.legacy.read import translate

        path = around.folder / name
        path.write_bytes(data)
        translate(path, stage="production" if name == "drover.yml" else None)

    return read


# What servers say.


def _page(body: bytes, kind: str, head: str = "") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{head}\r\n".encode() + body


_HTML = (
    b"<!DOCTYPE html><html><head><base href='/x/'></head><body>\n"
    b"<a href='../../files/alpha-1.0-py3-none-any.whl#sha256=" + b"0" * 64 + b"' data-yanked='why'"
    b" data-requires-python='&gt;=3.8'>alpha-1.0-py3-none-any.whl</a></body></html>"
)
_FILE: dict[str, Any] = {
    "filename": "alpha-1.0-py3-none-any.whl",
    "url": "../../files/alpha-1.0-py3-none-any.whl",
    "hashes": {"sha256": RELEASES[0].sha256},
    "size": 100,
    "yanked": "why",
    "requires-python": ">=3.8",
    "core-metadata": {"sha256": "0" * 64},
    "upload-time": "2024-01-01T00:00:00Z",
}
_PAGE: dict[str, Any] = {
    "meta": {"api-version": "1.1"},
    "name": "alpha",
    "versions": ["1.0"],
    "files": [_FILE],
}
_RESPONSES = [
    _page(json.dumps(_PAGE).encode(), JSON, "Connection: close\r\n"),
    _page(_HTML, "text/html; charset=utf-8", f"Content-Length: {len(_HTML)}\r\nETag: x\r\n"),
    _page(
        gzip.compress(_HTML, mtime=0),
        "text/html",
        "Content-Encoding: gzip\r\nConnection: close\r\n",
    ),
    _page(b"5\r\n<a hr\r\n0\r\n\r\n", "text/html", "Transfer-Encoding: chunked\r\n"),
    b"HTTP/1.1 302 Found\r\nLocation: /simple/other/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 2\r\n\r\nno",
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
]


def read_response(data: bytes, around: Surroundings) -> None:
    from wherry.indexes.network import Network
    from wherry.indexes.session import open_session
    from wherry.indexes.simple import project_files

    around.server.data = data
    network = Network()
    with open_session(network) as session:
        project_files(f"{around.server.url}/simple", "alpha", session=session, network=network)


def page_response(data: bytes, around: Surroundings) -> None:
    """A sample as it is has no head yet."""
    kind = "text/html" if data.lstrip().startswith(b"<") else JSON
    read_response(
        data if data.startswith(b"HTTP/") else _page(data, kind, "Connection: close\r\n"), around
    )


def json_page(sample: bytes, others: list[bytes], rng: random.Random) -> bytes:
    return _page(document(sample, others, rng), JSON, "Connection: close\r\n")


def html_page(sample: bytes, others: list[bytes], rng: random.Random) -> bytes:
    return _page(
        changed(sample, others, rng),
        rng.choice(["text/html", "text/html; charset=x"]),
        "Connection: close\r\n",
    )


def _function(**more: Any) -> dict[str, Any]:
    return {
        "FunctionName": "f",
        "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:f",
        "Runtime": "python3.13",
        "Handler": "app.handler",
        "CodeSize": 10,
        "CodeSha256": "a" * 43 + "=",
        "Version": "$LATEST",
        "VpcConfig": {"SubnetIds": [], "VpcId": ""},
        "Layers": [{"Arn": "arn:aws:lambda:eu-west-1:123456789012:layer:x:1", "CodeSize": 1}],
        "Architectures": ["x86_64"],
        "SnapStart": {"ApplyOn": "None"},
        "LastModified": "2024-01-01T00:00:00.000+0000",
        "Description": "shop [wherry layers: 0a1b2c3d]",
        "MemorySize": 128,
        "Environment": {"Variables": {"AA": "x"}},
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/x"},
        **more,
    }


_AWS = [
    json.dumps(each).encode()
    for each in (
        {"Versions": [_function(), _function(Version="1")], "Aliases": [
            {"Name": "live", "FunctionVersion": "1", "RevisionId": "r",
             "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}}}]},
        {**_function(), "Name": "live", "FunctionVersion": "1"},
        {"LayerVersions": [{"LayerVersionArn": "arn:aws:lambda:eu-west-1:123456789012:layer:x:1", "Version": 1}],
         "Version": 1, "LayerVersionArn": "arn:x", "Content": {"CodeSha256": "a", "CodeSize": 1},
         "Policy": json.dumps({"Statement": [{"Principal": {"AWS": "arn:aws:iam::1:root"}, "Effect": "Allow"}]})},
        {"Parameters": [{"Name": "/a", "Type": "String", "Value": "x", "Selector": ":1", "ARN": "arn:x"}],
         "InvalidParameters": [], "ARN": "arn:x", "Name": "a", "SecretString": json.dumps({"k": "x"}),
         "Tags": {"team": "shop"}, "LayerVersions": [], "LayerVersionArn": "arn:x", "Version": 1, "Content": {}},
    )
]  # fmt: skip


def read_aws(data: bytes, around: Surroundings) -> None:
    from botocore.awsrequest import AWSResponse

    from wherry.aws.client import Client
    from wherry.aws.configuration import Configuration, Variable
    from wherry.aws.diff import diff
    from wherry.aws.model import Desired, DesiredFunction
    from wherry.aws.observe import observe as observe_all
    from wherry.aws.observe import observe_alias, observe_function, observe_layer
    from wherry.aws.resolve import resolve
    from wherry.errors import WherryError
    from wherry.settings.model import MANAGEABLE, StageSettings
    from wherry.settings.references import LayerReference, Origin, VariableSetting

    class Raw(io.BytesIO):
        def stream(self, **_: Any) -> Iterator[bytes]:
            yield self.read()

    response: Any = AWSResponse

    def respond(request: Any, **_: Any) -> Any:
        headers = {"x-amzn-requestid": "r", "content-type": "application/json"}
        return response(request.url, 200, headers, Raw(data))

    client: Any = _clients.get("x")
    if client is None:
        client = _clients["x"] = Client(StageSettings(region="eu-west-1"), name="live")
    settings = {
        "AA": VariableSetting(text="y"),
        "BB": VariableSetting(origin=Origin.SSM, text="/a"),
        "CC": VariableSetting(origin=Origin.SECRET, text="a", key="k"),
    }
    function = DesiredFunction(
        name="f", aws_name="f", path=Path("f.zip"), code_sha256="a", size=1, runtime="python3.13",
        architecture="x86_64", role="r", layers=(LayerReference(ssm="/a"), LayerReference(name="x")),
        manage=frozenset(MANAGEABLE), tags={"team": "x"},
        configuration=Configuration(
            values={"memory": 256, "logging.level": "INFO"},
            variables={name: Variable(setting=setting) for name, setting in settings.items()},
        ),
    )  # fmt: skip
    desired = Desired(stage="live", functions=(function,))

    def plan() -> None:
        diff(*resolve(desired, observe_all(desired, client), client))

    every = [
        each.meta.events
        for each in (client.functions, client.service("ssm"), client.service("secretsmanager"))
    ]
    for events in every:
        events.register("before-send", respond, unique_id="fuzz")
    try:
        for observe in (
            lambda: observe_function(client, "f", versions=True),
            lambda: observe_function(client, "f", versions=False),
            lambda: observe_alias(client, "f", "live"),
            lambda: observe_layer(client, "x", shared=True),
            plan,
        ):
            with contextlib.suppress(WherryError):
                observe()
    finally:
        for events in every:
            events.unregister("before-send", unique_id="fuzz")


_clients: dict[str, Any] = {}

# Texts.

_IGNORED = [
    b"*.pyc\n/build/\n!keep/*.py\n**/a/**/b\na[!b-d]?\\ \n# note\n[[:alpha:]]x\n",
    b"*a*a*a*a*b\ndocs/**\n\\#x\n!\\!y\r\n",
]
_PATHS = [
    "a" * 60,
    "build/x",
    "a/b/a/c/b",
    "keep/x.py",
    "docs/" + "d/" * 30 + "x.md",
    "ab ",
    "日本/x",
    "a/",
]


def read_patterns(data: bytes, around: Surroundings) -> None:
    from wherry.bundle.gitignore import read_gitignore

    (around.folder / ".gitignore").write_bytes(data)
    patterns = read_gitignore(around.folder)
    if patterns is not None:
        for path in _PATHS:
            patterns.match(path)


def read_installed_texts(data: bytes, around: Surroundings) -> None:
    from wherry.sources.installed.files import InstalledFile
    from wherry.sources.installed.info import read_infos

    path = around.folder / "text"
    path.write_bytes(data)
    files = {
        f"demo-1.0.dist-info/{name}": InstalledFile(name, False, path, len(data), 0, "", data[:4])
        for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "direct_url.json")
    }
    read_infos(files)


def read_variables_file(data: bytes, around: Surroundings) -> None:
    from wherry.invoke.variables import read_variables

    path = around.folder / "x.env"
    path.write_bytes(data)
    read_variables([], [path])


def read_event_file(data: bytes, around: Surroundings) -> None:
    from wherry.invoke.event import read_event

    path = around.folder / "event.json"
    path.write_bytes(data)
    read_event(str(path))


# Events, and what functions answer.

_REQUEST = Request(
    method="POST",
    target="/a%20b/%E6%97%A5?x=1&x=2&y=%C3%A9",
    headers=(
        ("Host", "h:8"),
        ("Cookie", "a=1; b=2"),
        ("X-Forwarded-For", "1.2.3.4"),
        ("Accept", "x"),
    ),
    body=b"body",
)
_EVENTS = [json.dumps(event_of(kind, _REQUEST)).encode() for kind in KINDS]


def read_lambda_event(data: bytes, around: Surroundings) -> None:
    from wherry.shims.on_lambda.events import Options, make_handler

    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        # Lambda gives a function nothing else.
        return
    answer = {
        "statusCode": 200,
        "headers": {"content-type": "text/plain"},
        "body": "x",
        "cookies": ["a=1"],
    }
    handler = make_handler(lambda _event, _context: dict(answer), Options(base_path="/a"))
    # What is no request is refused with this.
    with contextlib.suppress(ValueError):
        json.dumps(handler(event, None))


_ANSWERS = [
    b'{"statusCode": 200, "headers": {"Content-Type": "a/b", "x": "y"}, "body": "aGk=", "isBase64Encoded": true}',
    b'{"statusCode": 302, "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}, "cookies": ["c=3"], "body": ""}',
    b'{"statusDescription": "200 OK", "statusCode": "200", "body": null}',
]


def read_answer(data: bytes, around: Surroundings) -> None:
    from wherry.invoke.http_response import http_response
    from wherry.invoke.outcome import Invocation
    from wherry.invoke.request import EventFormat

    for form in EventFormat:
        invocation = Invocation(
            request_id="r", payload=data, error=None, seconds=0.1, init_seconds=None, peak_memory=None,
            timed_out=False, log=b"", memory=128,
        )  # fmt: skip
        http_response(invocation, form)


_TARS = [_tar(tarfile.PAX_FORMAT), _tar(tarfile.GNU_FORMAT), _tar(tarfile.USTAR_FORMAT)]
_ZIP_SDIST = make_zip(
    Odd(name="demo-1.0/a.py", content=b"x" * 50), Odd(name="demo-1.0/b/", content=b"")
)
# Packages of others, and the Python sources in them.

_SOURCES = [
    (
        b"import demo\nfrom . import x\ntry:\n    import a.b\nexcept ImportError: pass\ndef handler(event, context):\n"
        b"    import sys\n    if sys.version_info >= (3, 11):\n        import tomllib\n    open('x', 'w')\n"
    ),
    (
        b"import sys\nA = False\nif sys.platform == 'linux' and not A:\n    import b\nwith suppress(E):\n    import c\n"
        b"class C:\n    import d\nimport_module('.e', __name__)\nhandler = lambda event, context: None\n"
    ),
]
_PACKAGES = [
    *_ZIPS,
    make_zip(
        *(
            Odd(name=name, content=content, method=8)
            for name, content in {
                "app.py": _SOURCES[0],
                "demo/fast.so": SharedObject(needed=("libGL.so.1",), runpath="$ORIGIN/..").data(),
                "demo-1.0.dist-info/METADATA": _TEXTS[0]
                + b"Requires-Dist: a[b]>=1; extra == 'c'\n",
                "demo-1.0.dist-info/RECORD": b"demo/fast.so,,\n../../bin/x,,\n",
                "__pycache__/app.cpython-313.pyc": bytes(16),
                "x.pth": b"/home/x\n",
            }.items()
        )
    ),
]


def read_package(data: bytes, around: Surroundings) -> None:
    """Every check of a package, and what it is sorted into."""
    from wherry.pipeline.check import check

    path = around.folder / "package.zip"
    path.write_bytes(data)
    store = Store(around.folder / "store")
    report = check(
        files=[path], handler="app.handler", runtime="python3.13", strict=True, store=store
    )
    json.dumps([report.document(), report.sarif()])


def read_source(data: bytes, _: Surroundings) -> None:
    from wherry.contents.imports import read_imports

    read_imports(data, (3, 13))


READERS: dict[str, Reader] = {
    "wheel": Reader(samples=_ZIPS, read=read_wheel, change=odd_zip),
    "wheel's texts": Reader(samples=_ZIPS[:1], read=read_wheel, change=wheel_with_text),
    "sdist.tar": Reader(samples=_TARS, read=unpacked_as(".tar"), change=odd_tar),
    "sdist.tar.gz": Reader(
        samples=[make_sdist("demo", files={"a.py": b"x" * 300}).data, *map(gzip.compress, _TARS)],
        read=unpacked_as(".tar.gz"),
        change=packed,
    ),
    "sdist.zip": Reader(samples=[_ZIP_SDIST, *_ZIPS], read=unpacked_as(".zip"), change=odd_zip),
    "compiled": Reader(samples=_elves(), read=read_compiled),
    "package": Reader(samples=_PACKAGES, read=read_package, change=odd_zip),
    "source": Reader(samples=_SOURCES, read=read_source),
    **{name: lock_reader(name, *sample) for name, sample in _lock_samples().items()},
    "requirements": Reader(samples=[_lock_samples()["requirements.txt"][0].encode()], read=read_requirements, setup=more_requirements),
    "settings": Reader(samples=[_SETTINGS], read=read_project_settings, change=document),
    "drover.yml": Reader(samples=[_DROVER], read=older_settings("drover.yml")),
    "settings.spindrift": Reader(samples=[_SPINDRIFT], read=older_settings("settings.spindrift")),
    "index.json": Reader(samples=[json.dumps(_PAGE).encode()], read=page_response, change=json_page, brief=20),
    "index.html": Reader(samples=[_HTML], read=page_response, change=html_page, brief=20),
    "HTTP": Reader(samples=_RESPONSES, read=read_response, brief=20),
    "AWS": Reader(samples=_AWS, read=read_aws, change=document, brief=10),
    ".gitignore": Reader(samples=_IGNORED, read=read_patterns),
    "dist-info": Reader(samples=[*_TEXTS, b"[console_scripts]\na = b:c\n", b'{"dir_info": {"editable": true}, "url": "file:///x"}'], read=read_installed_texts),
    "env": Reader(samples=[b"AB=1\nexport BC='x y'\n# c\nCD=\"d\\n\" # e\n"], read=read_variables_file),
    "event": Reader(samples=_EVENTS, read=read_event_file, change=document),
    "Lambda event": Reader(samples=_EVENTS, read=read_lambda_event, change=document),
    "answer": Reader(samples=_ANSWERS, read=read_answer, change=document),
}  # fmt: skip
