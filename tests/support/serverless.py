"""The Serverless Framework 3, against a stand-in for AWS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from support.npm import node_modules

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ENVIRONMENT", "files_of_service", "serverless"]

ENVIRONMENT = {"SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off"}
_PLUGIN = Path(__file__).parents[2] / "integrations" / "serverless" / "wherry.js"
# Its client for AWS is older than AWS_ENDPOINT_URL.
_ENDPOINT = """\
module.exports = class {
  constructor(serverless) {
    const options = { endpoint: process.env.AWS_ENDPOINT_URL, s3ForcePathStyle: true };
    serverless.getProvider("aws").sdk.config.update(options);
  }
};
"""


def serverless() -> Path:
    """The command."""
    return node_modules("serverless@3.40.0") / ".bin" / "serverless"


def files_of_service(block: str, *, region: str, built_by_plugin: bool) -> Mapping[str, str]:
    """The files of a service, for what ``wherry init --for serverless`` printed.

    Args:
        block: that text.
        region: of the stand-in.
        built_by_plugin: whether the framework builds, by Wherry's plugin; else the user does, before.
    """
    plugins = ["./endpoint"]
    if built_by_plugin:
        plugins.insert(0, "./wherry")
        block = block.replace("dist/lambda/", ".serverless/")
    block = block.replace("  name: aws\n", f"  name: aws\n  region: {region}\n")
    return {
        "serverless.yml": f"{block}plugins: [{', '.join(plugins)}]\n",
        "endpoint.js": _ENDPOINT,
        "wherry.js": _PLUGIN.read_text(),
    }
