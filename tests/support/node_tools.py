"""The Serverless Framework with its plugin for Python, in pinned versions: from npm at first use, kept for the next run.

Version 3 has an SDK that does not know ``AWS_ENDPOINT_URL``: a module that Node loads before it says where AWS is.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from support.tools import _alone, _cache

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["serverless", "serverless_environment"]

_PACKAGES = ("serverless@3.40.0", "serverless-python-requirements@6.1.2")
_ENDPOINT = """\
const Module = require("module");
const load = Module._load;
Module._load = function (request, ...rest) {
  const found = load.call(this, request, ...rest);
  if (request === "aws-sdk" || request.startsWith("aws-sdk/")) {
    found?.config?.update({ endpoint: process.env.AWS_ENDPOINT_URL, s3ForcePathStyle: true });
  }
  return found;
};
"""


def serverless() -> Path:
    """The folder ``node_modules`` that has the framework and the plugin."""
    folder = _cache() / "-".join(each.replace("@", "-") for each in _PACKAGES)
    done = folder / "complete"
    with _alone(folder):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            (folder / "package.json").write_text("{}")
            install = ["install", "--no-audit", "--no-fund", "--silent", *_PACKAGES]
            subprocess.run([shutil.which("npm") or "npm", *install], cwd=folder, check=True)
            (folder / "endpoint.js").write_text(_ENDPOINT)
            done.touch()
    return folder / "node_modules"


def serverless_environment() -> dict[str, str]:
    """Variables that let the framework speak to ``AWS_ENDPOINT_URL``, and to nobody else."""
    return {
        "NODE_OPTIONS": f"--require {serverless().parent / 'endpoint.js'}",
        "SLS_TELEMETRY_DISABLED": "1",
        "SLS_NOTIFICATIONS_MODE": "off",
        "CI": "1",
    }
