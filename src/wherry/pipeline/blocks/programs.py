"""Blocks for the AWS CDK and for Terraform."""

from __future__ import annotations

import json
import keyword
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.pipeline.blocks.facts import Facts, PackageFacts

__all__ = ["cdk", "terraform"]

_TRUST = (
    '{ Effect = "Allow", Action = "sts:AssumeRole", '
    'Principal = { Service = "lambda.amazonaws.com" } }'
)


def _identifiers(facts: Facts) -> dict[str, str]:
    """A name for each package that both languages allow, and that no other has."""
    taken: dict[str, str] = {}
    for package in (*facts.layers, *facts.functions):
        name = re.sub(r"\W+", "_", package.name, flags=re.ASCII)
        if not name[:1].isalpha() or keyword.iskeyword(name):
            name = f"{package.kind}_{name}"
        while name in taken.values():
            name += "_"
        taken[package.name] = name
    return taken


def cdk(facts: Facts) -> str:
    """A stack in Python: handlers, layers, runtime and architecture come from the settings."""
    words = re.findall(r"[A-Za-z0-9]+", facts.name)
    stack = "".join(word[0].upper() + word[1:] for word in words)
    stack = f"{'' if stack[:1].isalpha() else 'Project'}{stack}Stack"
    names = _identifiers(facts)
    # A layer is made with the first function that takes it.
    packages = [("function", package) for package in facts.functions]
    taken = {name for package in facts.functions for name in package.layers}
    packages += [("layer", package) for package in facts.layers if package.name not in taken]
    lines = [
        "from aws_cdk import Stack",
        "from constructs import Construct",
        "",
        "from wherry.cdk import Project",
        "",
        "",
        f"class {stack}(Stack):",
        "    def __init__(self, scope: Construct, id: str, **options) -> None:",
        "        super().__init__(scope, id, **options)",
        '        project = Project(self, "Project", root=".")',
    ]
    lines += [
        f"        self.{names[package.name]} = project.{kind}({json.dumps(package.name)})"
        for kind, package in packages
    ]
    return "\n".join(lines) + "\n"


def terraform(facts: Facts) -> str:
    """A module for each package, and the function or layer that takes it."""
    names = _identifiers(facts)
    parts = [_layer(package, names, facts) for package in facts.layers]
    parts += [_function(package, names, facts) for package in facts.functions]
    source = "# ./wherry is a copy of integrations/terraform of Wherry's repository.\n"
    return source + "\n".join(parts)


def _assign(indent: str, pairs: dict[str, str]) -> list[str]:
    """Assignments as `terraform fmt` writes them."""
    width = max(map(len, pairs))
    return [f"{indent}{key:<{width}} = {value}" for key, value in pairs.items()]


def _module(package: PackageFacts, name: str, facts: Facts) -> list[str]:
    kind = "aws_lambda_function" if package.kind == "function" else "aws_lambda_layer_version"
    folder, _, file = package.path.rpartition("/")
    pairs = {
        "source": '"./wherry/build-at-apply"',
        "project": "path.module",
        "name": json.dumps(package.name),
    }
    if package.handler is not None:
        pairs["handler"] = json.dumps(package.handler)
    pairs["runtime"] = json.dumps(facts.target.runtime.name)
    pairs["architecture"] = json.dumps(str(facts.target.architecture))
    if package.inputs:
        pairs["inputs"] = json.dumps(package.inputs)
    if (folder, file) != ("dist/lambda", f"{package.name}.zip"):
        pairs["output"] = json.dumps(folder or ".")
    pairs["live_code_sha256"] = f"{kind}.{name}.code_sha256"
    return [f'module "{name}" {{', *_assign("  ", pairs), "}", ""]


def _layer(package: PackageFacts, names: dict[str, str], facts: Facts) -> str:
    name = names[package.name]
    pairs = {
        "layer_name": json.dumps(package.name),
        "filename": f"module.{name}.filename",
        "source_code_hash": f"module.{name}.source_code_hash",
        "compatible_runtimes": f"[module.{name}.runtime]",
        "compatible_architectures": f"[module.{name}.architecture]",
    }
    lines = [*_module(package, name, facts), f'resource "aws_lambda_layer_version" "{name}" {{']
    return "\n".join([*lines, *_assign("  ", pairs), "}", ""])


def _function(package: PackageFacts, names: dict[str, str], facts: Facts) -> str:
    name = names[package.name]
    pairs = {
        "function_name": json.dumps(package.name),
        "role": f"aws_iam_role.{name}.arn",
        "filename": f"module.{name}.filename",
        "source_code_hash": f"module.{name}.source_code_hash",
        "handler": f"module.{name}.handler",
        "runtime": f"module.{name}.runtime",
        "architectures": f"[module.{name}.architecture]",
    }
    if package.layers:
        layers = [
            f"aws_lambda_layer_version.{names[layer]}.arn" if layer in names else json.dumps(layer)
            for layer in package.layers
        ]
        pairs["layers"] = f"[{', '.join(layers)}]"
    lines = [*_module(package, name, facts), f'resource "aws_lambda_function" "{name}" {{']
    lines += [*_assign("  ", pairs), "}", ""]
    lines += [
        f'resource "aws_iam_role" "{name}" {{',
        f"  name = {json.dumps(package.name)}",
        "  assume_role_policy = jsonencode({",
        '    Version   = "2012-10-17"',
        f"    Statement = [{_TRUST}]",
        "  })",
        "}",
        "",
    ]
    return "\n".join(lines)
