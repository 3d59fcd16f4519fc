"""Blocks in YAML: for AWS SAM, the Serverless Framework and GitHub's workflows."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from wherry.settings.foreign.serverless import layer_resource

if TYPE_CHECKING:
    from wherry.pipeline.blocks.facts import Facts

__all__ = ["github", "sam", "serverless"]


def _quoted(text: str) -> str:
    """A string of YAML, in quotes where it would mean something else without."""
    plain = re.fullmatch(r"[A-Za-z][\w./-]*", text, re.ASCII)
    words = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
    return text if plain and text.lower() not in words else json.dumps(text)


def _logical_ids(facts: Facts) -> dict[str, str]:
    """An ID for each package that CloudFormation allows, and that no other has."""
    taken: dict[str, str] = {}
    for package in (*facts.functions, *facts.layers):
        words = re.findall(r"[A-Za-z0-9]+", package.name)
        first = "".join(word[0].upper() + word[1:] for word in words) or package.kind.title()
        name, number = first, 2
        while name in taken.values():
            name, number = f"{first}{number}", number + 1
        taken[package.name] = name
    return taken


def sam(facts: Facts) -> str:
    """A template whose functions and layers are finished zip files."""
    ids = _logical_ids(facts)
    runtime, architecture = facts.target.runtime.name, str(facts.target.architecture)
    lines = ["Transform: AWS::Serverless-2016-10-31", "Resources:"]
    for package in facts.functions:
        lines += [
            f"  {ids[package.name]}:",
            "    Type: AWS::Serverless::Function",
            "    Properties:",
            f"      CodeUri: {_quoted(package.path)}",
            f"      Handler: {_quoted(package.handler or '')}",
            f"      Runtime: {runtime}",
            f"      Architectures: [{architecture}]",
        ]
        if package.layers:
            lines.append("      Layers:")
        lines += [
            f"        - !Ref {ids[layer]}" if layer in ids else f"        - {layer}"
            for layer in package.layers
        ]
    for package in facts.layers:
        lines += [
            f"  {ids[package.name]}:",
            "    Type: AWS::Serverless::LayerVersion",
            "    Properties:",
            f"      LayerName: {_quoted(package.name)}",
            f"      ContentUri: {_quoted(package.path)}",
            f"      CompatibleRuntimes: [{runtime}]",
            f"      CompatibleArchitectures: [{architecture}]",
        ]
    return "\n".join(lines) + "\n"


def serverless(facts: Facts) -> str:
    """A service whose functions and layers are finished zip files."""
    lines = [
        f"service: {_quoted(re.sub(r'[^A-Za-z0-9-]+', '-', facts.name))}",
        'frameworkVersion: "3"',
        "provider:",
        "  name: aws",
        f"  runtime: {facts.target.runtime.name}",
        f"  architecture: {facts.target.architecture}",
        "package:",
        "  individually: true",
    ]
    layers = {package.name for package in facts.layers}
    if facts.functions:
        lines.append("functions:")
    for package in facts.functions:
        lines += [
            f"  {_quoted(package.name)}:",
            f"    handler: {_quoted(package.handler or '')}",
            "    package:",
            f"      artifact: {_quoted(package.path)}",
        ]
        if package.layers:
            lines.append("    layers:")
        lines += [
            f"      - Ref: {layer_resource(layer)}" if layer in layers else f"      - {layer}"
            for layer in package.layers
        ]
    if layers:
        lines.append("layers:")
    for package in facts.layers:
        lines += [
            f"  {_quoted(package.name)}:",
            "    package:",
            f"      artifact: {_quoted(package.path)}",
            f"    compatibleRuntimes: [{facts.target.runtime.name}]",
            f"    compatibleArchitectures: [{facts.target.architecture}]",
        ]
    return "\n".join(lines) + "\n"


def github(facts: Facts) -> str:
    """A workflow that builds with a cache, keeps the packages, and deploys a stage if there is one."""
    version = facts.target.runtime.name.removeprefix("python")
    folder = next(iter((*facts.functions, *facts.layers))).path.rpartition("/")[0] or "."
    lines = [
        "name: Packages for AWS Lambda",
        "on: [push]",
        "permissions:",
        "  contents: read",
        *(["  id-token: write"] if facts.stages else []),
        "jobs:",
        "  packages:",
        "    runs-on: ubuntu-latest",
        "    env:",
        "      WHERRY_CACHE_DIR: ${{ github.workspace }}/.cache/wherry",
        "    steps:",
        "      - uses: actions/checkout@v4",
        "      - uses: actions/setup-python@v5",
        "        with:",
        f'          python-version: "{version}"',
        "      - run: pip install wherry",
        "      - id: inputs",
        '        run: echo "key=$(wherry digest --quiet | sha256sum | cut -c1-64)" >> "$GITHUB_OUTPUT"',
        "      - uses: actions/cache@v4",
        "        with:",
        "          path: .cache/wherry",
        "          key: wherry-${{ runner.os }}-${{ steps.inputs.outputs.key }}",
        "          restore-keys: wherry-${{ runner.os }}-",
        "      - run: wherry build",
        "      - uses: actions/upload-artifact@v4",
        "        with:",
        "          name: packages",
        f"          path: {folder}/*.zip",
    ]
    if facts.stages:
        lines += [
            "      - uses: aws-actions/configure-aws-credentials@v4",
            "        with:",
            "          role-to-assume: ${{ vars.AWS_ROLE }}",
            "          aws-region: ${{ vars.AWS_REGION }}",
            "        if: github.ref == 'refs/heads/main'",
            f"      - run: wherry deploy {facts.stages[0]}",
            "        if: github.ref == 'refs/heads/main'",
        ]
    return "\n".join(lines) + "\n"
