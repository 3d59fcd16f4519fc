"""Arbitrary bytes in; only Wherry's own errors out."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.locks import RELEASES, content_hash, lock_context, target, write
from wherry.errors import WherryError
from wherry.lock.model import LockRequest
from wherry.lock.read import read_lock

if TYPE_CHECKING:
    from pathlib import Path

    from support.index import Index

HASH = "0" * 64
POETRY = (
    '[tool.poetry]\nname = "shop"\n[tool.poetry.dependencies]\nalpha = {version = "*", extras = ["x"]}\n'
    '[tool.poetry.extras]\nmore = []\n[tool.poetry.group.dev.dependencies]\ngamma = "*"\n'
)
LOCKED = f"""\
[[package]]
name = "alpha"
version = "1.1"
optional = false
python-versions = ">=3.8"
groups = ["main", "dev"]
markers = {{main = "python_version >= \\"3.8\\" or extra == \\"more\\"", dev = "os_name == \\"nt\\""}}
files = [{{file = "alpha-1.1-py3-none-any.whl", hash = "sha256:{HASH}"}}]

[package.dependencies]
beta = [{{version = ">=1", optional = true, markers = "extra == \\"x\\""}}, "^2.0"]

[package.extras]
x = ["beta (>=1)"]

[package.source]
type = "legacy"
url = "https://host/simple"
reference = "main"

[[package]]
name = "beta"
version = "2.0"
optional = false
python-versions = "*"
groups = ["main"]
files = []

[package.source]
type = "git"
url = "https://host/beta"
reference = "main"
resolved_reference = "abc"

[extras]
more = ["beta"]

[metadata]
lock-version = "2.1"
python-versions = "*"
content-hash = "{content_hash(POETRY)}"
"""
PDM_PYPROJECT = (
    '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["alpha>=1", "beta[x]"]\n'
    "[project.optional-dependencies]\nmore = [\"beta; os_name == 'nt'\"]\n"
    '[dependency-groups]\ndev = ["beta", {include-group = "two"}]\ntwo = ["-e ./b#egg=b"]\n[tool.pdm]\n'
)
# What PDM hashes, as in `lock/pdm/test_reader.py`.
_HASHED = {
    "sources": [],
    "dependencies": ["alpha>=1", "beta[x]"],
    "dev-dependencies": {"dev": ["beta", {"include-group": "two"}], "two": ["-e ./b#egg=b"]},
    "optional-dependencies": {"more": ["beta; os_name == 'nt'"]},
    "requires-python": ">=3.9",
    "resolution": {},
}
PDM = f"""\
[metadata]
groups = ["default", "dev", "more"]
strategy = ["static_urls"]
lock_version = "4.5.0"
content_hash = "sha256:{hashlib.sha256(json.dumps(_HASHED, sort_keys=True).encode()).hexdigest()}"

[[metadata.targets]]
requires_python = ">=3.9"
platform = "manylinux_2_17_x86_64"

[[package]]
name = "alpha"
version = "1.1"
requires_python = ">=3.8"
groups = ["default", "dev"]
marker = "python_version >= \\"3.8\\""
dependencies = ["beta>=1; os_name != 'nt'"]
files = [{{file = "alpha-1.1-py3-none-any.whl", hash = "sha256:{HASH}"}}]

[[package]]
name = "beta"
version = "2.0"
extras = ["x"]
groups = ["default"]
dependencies = ["beta==2.0", "repo @ git+https://host/r"]

[[package]]
name = "beta"
version = "2.0"
groups = ["default"]
files = [{{url = "https://host/beta-2.0-py3-none-any.whl", hash = "sha256:{HASH}"}}]

[[package]]
name = "repo"
version = "1"
groups = ["default"]
git = "https://host/r"
ref = "v1"
revision = "abc"
"""
PYLOCK = f"""\
lock-version = "1.0"
created-by = "x"
requires-python = ">=3.8"
environments = ["sys_platform == 'linux'"]
extras = ["more"]
dependency-groups = ["dev"]
default-groups = ["dev"]

[[packages]]
name = "alpha"
version = "1.0"
marker = "'more' in extras"
index = "https://host/simple"
sdist = {{name = "alpha-1.0.tar.gz", url = "https://host/alpha-1.0.tar.gz", hashes = {{sha256 = "{HASH}"}}}}
wheels = [{{url = "https://host/alpha-1.0-py3-none-any.whl", size = 3, hashes = {{sha256 = "{HASH}"}}}}]

[[packages]]
name = "shared"
directory = {{path = "../shared", editable = true}}

[tool.wherry.inputs]
"pyproject.toml" = "sha256:0"
"""
UV_PYPROJECT = (
    '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["alpha>=1"]\n'
    "[project.optional-dependencies]\nmore = [\"beta; os_name == 'nt'\"]\n"
    '[dependency-groups]\ndev = ["beta", {include-group = "more"}]\nmore = ["alpha"]\n'
    '[tool.uv.sources]\nbeta = {path = "b"}\n[tool.uv.workspace]\nmembers = ["b"]\n'
)
UV = f"""\
version = 1
revision = 3
requires-python = ">=3.11"

[manifest]
members = ["shop"]

[[package]]
name = "alpha"
version = "1.1"
source = {{ registry = "https://host/simple" }}
wheels = [{{ url = "https://host/alpha-1.1-py3-none-any.whl", hash = "sha256:{HASH}", size = 8 }}]

[[package]]
name = "shop"
version = "1"
source = {{ virtual = "." }}
dependencies = [{{ name = "alpha" }}]

[package.metadata]
requires-dist = [{{ name = "alpha", extras = ["x"], specifier = ">=1", marker = "os_name == 'nt' and extra == 'more'" }}]
provides-extras = ["more"]

[package.metadata.requires-dev]
dev = [{{ name = "beta", editable = "b" }}]
"""
PIPFILE_LOCK = {
    "_meta": {
        "hash": {"sha256": HASH},
        "pipfile-spec": 6,
        "requires": {"python_version": "3.13"},
        "sources": [{"name": "main", "url": "INDEX", "verify_ssl": True}],
    },
    "default": {
        "alpha": {
            "hashes": [f"sha256:{RELEASES[0].sha256}"],
            "index": "main",
            "version": "==1.0",
            "markers": "python_version >= '3.8'",
        },
        "local": {"path": "./local", "editable": True},
        "sourced": {"git": "https://host/x", "ref": "abc", "subdirectory": "y"},
    },
    "develop": {"alpha": {"version": "==1.0"}},
}
PIPFILE = (
    '[[source]]\nname = "main"\nurl = "http://127.0.0.1:9/simple"\n[packages]\na = {version = "*", extras = ["x"]}\n'
    'b = {git = "git@host:x/y", ref = "r", sys_platform = "== \'linux\'"}\n[pipenv]\nallow_prereleases = true\n'
)
REQUIREMENTS = (
    "--index-url https://host/simple\n-r more.txt\n-c limits.txt\n-e . ; python_version > '3'\n"
    f"alpha[x]==1.0 ; os_name == 'nt' \\\n  --hash=sha256:{HASH}\n-e git+https://host/x@abc#egg=x\n./w.whl\n"
)

# Each format as its file, a sound one, and what it needs beside it.
SAMPLES: dict[str, tuple[str, dict[str, str]]] = {
    "pylock.toml": (PYLOCK, {}),
    "uv.lock": (UV, {"pyproject__toml": UV_PYPROJECT}),
    "poetry.lock": (LOCKED, {"pyproject__toml": POETRY}),
    "pdm.lock": (PDM, {"pyproject__toml": PDM_PYPROJECT}),
    "Pipfile.lock": (json.dumps(PIPFILE_LOCK), {}),
    "requirements.txt": (REQUIREMENTS, {}),
    "requirements.in": (REQUIREMENTS, {}),
    "pyproject.toml": (UV_PYPROJECT, {}),
    "Pipfile": (PIPFILE, {}),
}
WEIRD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True),
    st.text(),
    st.sampled_from(["", ".", "..", "/", "\0", "\ud800", "a\nb", "extra == 'x'", "==", "'", "[" * 500, "(" * 500]),
    st.lists(st.text(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip
SLOW = settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def attempt(root: Path, name: str, data: bytes, *, target_name: str = "python3.13") -> None:
    (root / name).write_bytes(data)
    # Only `Pipfile.lock` needs an index, which is on loopback; the others would have uv ask one.
    context = lock_context(root, target(target_name), offline=name != "Pipfile.lock")
    # Anything else that is raised fails the test.
    with contextlib.suppress(WherryError):
        read_lock(LockRequest(root=root, lock=root / name), context)


@pytest.fixture(params=SAMPLES)
def sample(request: pytest.FixtureRequest, tmp_path: Path, index: Index) -> tuple[Path, str, str]:
    name = request.param
    text, beside = SAMPLES[name]
    return write(tmp_path, **beside), name, text.replace("INDEX", index.simple)


@pytest.fixture(params=[name for name in SAMPLES if not name.startswith("requirements")])
def structured(
    request: pytest.FixtureRequest, tmp_path: Path, index: Index
) -> tuple[Path, str, str]:
    name = request.param
    text, beside = SAMPLES[name]
    return write(tmp_path, **beside), name, text.replace("INDEX", index.simple)


@SLOW
@given(data=st.binary(max_size=200))
def test_arbitrary_bytes(sample: tuple[Path, str, str], data: bytes) -> None:
    root, name, _ = sample
    attempt(root, name, data)


@SLOW
@given(data=st.data())
def test_damaged_text(sample: tuple[Path, str, str], data: st.DataObject) -> None:
    root, name, text = sample
    sound = text.encode()
    start = data.draw(st.integers(0, len(sound)))
    end = data.draw(st.integers(start, min(len(sound), start + 40)))
    middle = data.draw(st.binary(max_size=20) | st.just(sound[start:end] * 2))
    attempt(root, name, sound[:start] + middle + sound[end:])


@SLOW
@given(data=st.data())
def test_odd_values(structured: tuple[Path, str, str], data: st.DataObject) -> None:
    """A sound lock in which one value is of another type, or missing."""
    root, name, text = structured
    document = json.loads(text) if name.endswith("Pipfile.lock") else tomllib.loads(text)
    changed = altered(document, data)
    if name == "Pipfile.lock":
        encoded = json.dumps(changed).encode("utf-8", "replace")
    else:
        try:
            encoded = tomli_w.dumps(changed).encode("utf-8", "replace")
        except TypeError:
            # TOML has no null.
            return
    attempt(
        root, name, encoded, target_name=data.draw(st.sampled_from(["python3.9", "python3.13"]))
    )


def altered(document: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    document = copy.deepcopy(document)
    paths = list(_paths(document))
    path = data.draw(st.sampled_from(paths))
    holder: Any = document
    for key in path[:-1]:
        holder = holder[key]
    if data.draw(st.booleans()) and isinstance(holder, dict):
        del holder[path[-1]]
    else:
        holder[path[-1]] = data.draw(WEIRD)
    return document


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Any:
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in items:
        yield (*path, key)
        yield from _paths(item, (*path, key))


def test_the_samples_are_sound_enough_to_be_worth_damaging(tmp_path: Path, index: Index) -> None:
    """Unless these get past the first checks, damaging them proves nothing."""
    for name in ("pylock.toml", "poetry.lock", "pdm.lock", "Pipfile.lock"):
        text, beside = SAMPLES[name]
        root = write(tmp_path / name, **beside)
        text = text.replace('[tool.wherry.inputs]\n"pyproject.toml" = "sha256:0"\n', "")
        (root / name).write_text(text.replace("INDEX", index.simple))
        request = LockRequest(root=root, lock=root / name)
        assert read_lock(request, lock_context(root)).pylock.packages
