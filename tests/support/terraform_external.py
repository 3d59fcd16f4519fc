"""A provider ``external`` for the real Terraform, as HashiCorp documents its data source; run by ``support.terraform``.

It is started with an interpreter that has the distribution ``tf``, which speaks Terraform's protocol for plugins.

https://registry.terraform.io/providers/hashicorp/external/latest/docs/data-sources/external
"""

from __future__ import annotations

import json
import shutil
import subprocess

from tf.iface import DataSource, Provider
from tf.runner import run_provider
from tf.schema import Attribute, Schema
from tf.types import List, Map, String


class External(DataSource):  # type: ignore[misc]
    """Data of a program, which gets a JSON object of strings on stdin and prints another one."""

    def __init__(self, provider):
        pass

    @classmethod
    def get_name(cls):
        return ""

    @classmethod
    def get_schema(cls):
        return Schema(
            attributes=[
                Attribute("program", List(String()), required=True),
                Attribute("working_dir", String(), optional=True),
                Attribute("query", Map(String()), optional=True),
                Attribute("result", Map(String()), computed=True),
                Attribute("id", String(), computed=True),
            ]
        )

    def read(self, ctx, config):
        program = [word for word in config["program"] if word]
        query = {key: value for key, value in (config["query"] or {}).items() if value is not None}
        if not program or shutil.which(program[0]) is None:
            ctx.diagnostics.add_error("External Program Lookup Failed", str(program))
            return None
        done = subprocess.run(
            program,
            input=json.dumps(query),
            cwd=config["working_dir"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            ctx.diagnostics.add_error("External Program Execution Failed", done.stderr)
            return None
        try:
            result = json.loads(done.stdout)
        except ValueError:
            result = None
        if not isinstance(result, dict) or not all(isinstance(v, str) for v in result.values()):
            ctx.diagnostics.add_error("Unexpected External Program Results", done.stdout)
            return None
        return {**config, "result": result, "id": "-"}


class ExternalProvider(Provider):  # type: ignore[misc]
    def full_name(self):
        return "registry.terraform.io/hashicorp/external"

    def get_model_prefix(self):
        return "external"

    def get_provider_schema(self, diags):
        return Schema()

    def validate_config(self, diags, config):
        pass

    def configure_provider(self, diags, config):
        pass

    def get_data_sources(self):
        return [External]

    def get_resources(self):
        return []


if __name__ == "__main__":
    run_provider(ExternalProvider())
