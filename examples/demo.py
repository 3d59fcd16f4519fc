"""Build the example project and call its handler out of the written package (`make demo`)."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent / "flask-api"


def wherry(*arguments: str | Path) -> int:
    print("$ wherry", *arguments, flush=True)
    return subprocess.run([sys.executable, "-m", "wherry", *arguments], check=False).returncode


def main() -> int:
    machine = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
    # The package is called by the interpreter at hand, so it is built for its version.
    options: list[str | Path] = [
        "--project",
        PROJECT.relative_to(Path.cwd()),
        "--runtime",
        f"python{sys.version_info.major}.{sys.version_info.minor}",
        "--architecture",
        machine,
    ]
    if code := wherry("build", *options):
        return code
    if platform.system() != "Linux":
        print("The package holds code compiled for Linux: it is not called on this system.")
        return 0
    order = '{"item": "wherry", "quantity": 2}'
    return wherry("invoke", "api", *options, "--http", "GET", "/") or wherry(
        "invoke", "api", *options, "--http", "POST", "/orders", "--data", order
    )


if __name__ == "__main__":
    sys.exit(main())
