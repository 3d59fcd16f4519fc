"""Run a handler out of a written deployment package: python invoke.py PACKAGE.zip MODULE.FUNCTION EVENT.json

The package is unzipped into a temporary folder, as Lambda unzips it into /var/task, and the handler runs in
an interpreter that sees this folder and the standard library, and nothing that is installed here.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile

RUNNER = """
import importlib, json, sys
task, handler, event = sys.argv[1:]
sys.path.insert(0, task)
module, _, function = handler.rpartition(".")
with open(event, encoding="utf-8") as file:
    result = getattr(importlib.import_module(module), function)(json.load(file), None)
print(json.dumps(result, indent=2))
"""


def main() -> int:
    package, handler, event = sys.argv[1:]
    with tempfile.TemporaryDirectory() as task:
        with zipfile.ZipFile(package) as archive:
            archive.extractall(task)
        # -I and -S leave out the environment's variables and its site-packages.
        command = [sys.executable, "-I", "-S", "-B", "-c", RUNNER, task, handler, event]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
