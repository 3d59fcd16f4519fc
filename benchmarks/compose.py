"""Compose and write one package out of what is remembered of its wheels; prints the seconds it took."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

from wherry.bundle.bundle import Bundle
from wherry.bundle.wheel import wheel_bundle
from wherry.bundle.writer import write_package
from wherry.store import Store


def main() -> int:
    lock, output = Path(sys.argv[1]), Path(sys.argv[2])
    store = Store.default()
    stored = [
        found
        for digest in re.findall(r'sha256 = "([0-9a-f]{64})"', lock.read_text())
        if (found := store.find_by({"sha256": digest})) is not None
    ]
    begin = time.perf_counter()
    bundles = [
        wheel_bundle(file, filename=f"{number}.whl", owner=f"owner{number}", store=store)
        for number, file in enumerate(stored)
    ]
    write_package(Bundle().merge(*bundles), output)
    print(time.perf_counter() - begin)
    return 0


if __name__ == "__main__":
    sys.exit(main())
