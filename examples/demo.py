"""Build the example project and run its handler out of the written package (`make demo`)."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE / "flask-api"
PACKAGE = PROJECT / "dist" / "lambda" / "flask-api.zip"


def say(*command: object) -> None:
    print("$", *command, flush=True)


def main() -> int:
    machine = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
    # The demonstration invokes the package with the interpreter at hand, so it builds for its version.
    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    options: list[str | Path] = [
        "--project",
        PROJECT.relative_to(Path.cwd()),
        "--runtime",
        runtime,
        "--architecture",
        machine,
    ]
    say("wherry", "build", *options)
    built = subprocess.run([sys.executable, "-m", "wherry", "build", *options], check=False)
    if built.returncode:
        return built.returncode
    if platform.system() != "Linux":
        print("The package holds code compiled for Linux: it is not invoked on this system.")
        return 0
    arguments: list[str | Path] = [
        HERE / "invoke.py",
        PACKAGE,
        "shop.api.handler",
        PROJECT / "event.json",
    ]
    say(
        "python",
        *(path.relative_to(Path.cwd()) if isinstance(path, Path) else path for path in arguments),
    )
    return subprocess.run([sys.executable, *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
