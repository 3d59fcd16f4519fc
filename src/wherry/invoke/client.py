"""AWS's runtime client, as it is in ``/var/runtime``: pinned by hash, with its dependencies.

It is awslambdaric, which AWS publishes on PyPI and runs in its own runtimes. Its transport is a compiled module;
where there is no wheel of it (macOS, a free-threaded Python) ``runtime_client`` replaces that module.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wherry.bundle.bundle import Bundle
from wherry.bundle.entry import inline
from wherry.errors import FetchError
from wherry.invoke.unpack import unpack_bundle
from wherry.structs import Struct
from wherry.wheels.pinned import PinnedFile, pinned_bundles

if TYPE_CHECKING:
    from wherry.context import Context
    from wherry.invoke.interpreter import Interpreter

__all__ = ["PINNED_AS_OF", "RuntimeClient", "client_files", "prepare_client"]

PINNED_AS_OF = "2026-11-21"
"""The day on which the files below were taken from PyPI. 4.0.4 is the last awslambdaric for Python 3.9."""


class RuntimeClient(Struct, frozen=True, kw_only=True):
    """AWS's runtime client, unpacked in what becomes ``/var/runtime``; with its own compiled transport, or Wherry's."""

    folder: Path
    version: str
    compiled: bool


def client_files(interpreter: Interpreter) -> tuple[PinnedFile, ...]:
    """The wheels of the runtime client for this interpreter, awslambdaric first."""
    key = _key(interpreter)
    # Where no wheel is for this interpreter, any of the newest holds the same Python files.
    oldest = interpreter.version[:2] == (3, 9)
    python, machine = key if key in _AWSLAMBDARIC else ("39" if oldest else "314", "x86_64")
    client = f"awslambdaric-{'4.0.4' if oldest else '4.2.2'}-cp{python}-cp{python}"
    client += f"-manylinux2014_{machine}.manylinux_2_17_{machine}.whl"
    simplejson, tags = _SIMPLEJSON_ANY, "py3-none-any"
    if key in _SIMPLEJSON:
        older = "manylinux_2_5_x86_64.manylinux1_x86_64." if machine == "x86_64" else ""
        tags = f"cp{python}-cp{python}-{older}manylinux_2_17_{machine}.manylinux2014_{machine}"
        simplejson = _SIMPLEJSON[python, machine]
    return (
        PinnedFile(client, _AWSLAMBDARIC[python, machine]),
        PinnedFile(f"simplejson-3.20.2-{tags}.whl", simplejson),
        _SNAPSHOT_RESTORE,
    )


def prepare_client(
    interpreter: Interpreter, context: Context, *, beside: Bundle | None = None
) -> RuntimeClient:
    """Unpack the runtime client for this interpreter in the store, with files that ``/var/runtime`` holds too.

    Raises:
        FetchError: it cannot be fetched.
        StoreError: the store cannot be written.
    """
    files = client_files(interpreter)
    compiled = _key(interpreter) in _AWSLAMBDARIC
    try:
        bundles = pinned_bundles(files, context)
    except FetchError as error:
        raise type(error)(
            "AWS's runtime client, which runs functions locally, cannot be fetched",
            where=[error.message, *error.where],
            hint=error.hint,
        ) from error
    own = ["bootstrap.py"]
    if not compiled:
        own.append("runtime_client.py")
        bundles[0] = bundles[0].filter(lambda entry: not entry.path.endswith(".so"))
    here = Path(__file__).parent
    bundles.append(
        Bundle.of(inline(name, (here / name).read_bytes(), owner="wherry") for name in own)
    )
    if beside is not None:
        bundles.append(beside)
    folder = unpack_bundle(bundles[0].merge(*bundles[1:]), context.store)
    return RuntimeClient(folder=folder, version=files[0].version, compiled=compiled)


def _key(interpreter: Interpreter) -> tuple[str, str] | None:
    """Python's version and the machine, if the interpreter loads extension modules for glibc on Linux."""
    python = "".join(map(str, interpreter.version[:2]))
    for machine in ("x86_64", "aarch64"):
        if interpreter.suffix == f".cpython-{python}-{machine}-linux-gnu.so":
            return python, machine
    return None


# By Python and machine.
_AWSLAMBDARIC = {
    ("39", "aarch64"): "ab7e4aa123dd1e9b1a24628e595dc14ca17a8fe7485824de2aa26a2536dc15f8",
    ("39", "x86_64"): "4531221790509abf378114d2373a0d1f8b76b65920513b9c48d489501293007a",
    ("310", "aarch64"): "4e53dbdf07c2c56824a7c539aeb65d15ea26858c1d7cdc89edf4d976dd50450f",
    ("310", "x86_64"): "71feb2fb303b73642a433154f2ea9eba8dd8c1da0863a3ff4c3916b9945b0de1",
    ("311", "aarch64"): "0bfd063e2b4c3f1c58e5a561fab3a15d71ed85dbfacb0a7a693b8d20f1d1c544",
    ("311", "x86_64"): "ea87f581768a7558b493a59ee9f4de6dcbc6444b888169afa01af71396ed731d",
    ("312", "aarch64"): "1c6c1a9df7b32043f820204c035c0c9496b8203c8a39331712cb5f058ea6be8f",
    ("312", "x86_64"): "f04e362be24ae21f34beb9ad4847f94ebb915ccd5120925a227f721af20a411d",
    ("313", "aarch64"): "bd3ebafddd6c3283a2c7f121164f304273256c7fe3f9847be44d0c5f6fd2d792",
    ("313", "x86_64"): "2215bca01bbdbdfa9579bb4204f55d3e91e6dee589b88f8f9d20a285a790c468",
    ("314", "aarch64"): "702ead5196cf5ff30dcab997e4e4fca7ba020a258fa5ef996ef95955a0abab25",
    ("314", "x86_64"): "a153a632c70b6bb3f2783bcf609e38182740d812a2424be03a26782484ff6610",
}
_SIMPLEJSON = {
    ("39", "aarch64"): "c34e028a2ba8553a208ded1da5fa8501833875078c4c00a50dffc33622057881",
    ("39", "x86_64"): "6a8f1c307edf5fbf0c6db3396c5d3471409c4a40c7a2a466fbc762f20d46601a",
    ("310", "aarch64"): "3e22a5fb7b1437ffb057e02e1936a3bfb19084ae9d221ec5e9f4cf85f69946b6",
    ("310", "x86_64"): "3a97249ee1aee005d891b5a211faf58092a309f3d9d440bc269043b08f662eda",
    ("311", "aarch64"): "51eccc4e353eed3c50e0ea2326173acdc05e58f0c110405920b989d481287e51",
    ("311", "x86_64"): "21e7a066528a5451433eb3418184f05682ea0493d14e9aae690499b7e1eb6b81",
    ("312", "aarch64"): "12a6b2816b6cab6c3fd273d43b1948bc9acf708272074c8858f579c394f4cbc9",
    ("312", "x86_64"): "979ce23ea663895ae39106946ef3d78527822d918a136dbc77b9e2b7f006237e",
    ("313", "aarch64"): "552f55745044a24c3cb7ec67e54234be56d5d6d0e054f2e4cf4fb3e297429be5",
    ("313", "x86_64"): "133ae2098a8e162c71da97cdab1f383afdd91373b7ff5fe65169b04167da976b",
}
_SIMPLEJSON_ANY = "3b6bb7fb96efd673eac2e4235200bfffdc2353ad12c54117e1e4e2fc485ac017"
_SNAPSHOT_RESTORE = PinnedFile(
    "snapshot_restore_py-1.0.0-py3-none-any.whl",
    "38f99e696793790f54658e71c68c7a8a40cea877c81232b5052383b1301aceba",
)
