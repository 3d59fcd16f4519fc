"""Applications of the AWS CDK, run by ``support.cdk`` in an environment of their own; one process for all."""

from __future__ import annotations

import json
import sys
import time
import traceback
from pathlib import Path

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda
from aws_cdk.aws_lambda_python_alpha import BundlingOptions, ICommandHooks

from wherry.cdk import Bundling, Project, PythonFunction, PythonLayerVersion, code

RUNTIME = aws_lambda.Runtime.PYTHON_3_13


@jsii.implements(ICommandHooks)
class Hooks:
    def before_bundling(self, input_dir, output_dir):
        return [f"cd {input_dir}", f"test -f index.py && echo made > {output_dir}/made.txt"]

    def after_bundling(self, input_dir, output_dir):
        return [f"test -f {output_dir}/made.txt", f"rm -f {output_dir}/gone.py"]


class App:
    """A stack, and what comes of it."""

    def __init__(self, folder, name, **context):
        self.folder = Path(folder) / name
        context["aws:cdk:enable-path-metadata"] = True
        self.app = cdk.App(outdir=str(self.folder), context=context)
        self.stack = cdk.Stack(self.app, "S")

    def synth(self):
        self.app.synth()
        template = json.loads((self.folder / "S.template.json").read_text())
        found = {}
        for name, resource in template["Resources"].items():
            if resource["Type"].startswith("AWS::Lambda"):
                properties = resource["Properties"]
                source = properties.get("Code") or properties.get("Content") or {}
                path = resource.get("Metadata", {}).get("aws:cdk:path", name).split("/")
                found["/".join(path[1:-1])] = {
                    "id": name,
                    "type": resource["Type"],
                    "key": source.get("S3Key"),
                    "properties": properties,
                }
        return {"resources": found, "folder": str(self.folder)}


def formats(given):
    """One function for each format of locks."""
    app = App(given["folder"], "formats")
    for name, entry in given["entries"].items():
        PythonFunction(app.stack, name, entry=entry, runtime=RUNTIME, index="shop/api.py")
    return app.synth()


def function(given):
    """A function; the asset and everything around it."""
    app = App(given["folder"], given.get("name", "function"))
    made = PythonFunction(
        app.stack,
        "Api",
        entry=given["entry"],
        runtime=RUNTIME,
        index=given.get("index", "shop/api.py"),
        architecture=getattr(aws_lambda.Architecture, given.get("architecture", "X86_64")),
        memory_size=512,
        environment={"A": "1"},
        bundling=given.get("bundling"),
    )
    assert made.current_version
    result = app.synth()
    (version,) = (
        one["id"] for one in result["resources"].values() if one["type"] == "AWS::Lambda::Version"
    )
    return {**result, "version": version}


def alpha_options(given):
    """K5, K8: the alpha's own object."""
    app = App(given["folder"], "alpha")
    options = BundlingOptions(
        asset_excludes=["secret.py"],
        command_hooks=Hooks(),
        poetry_include_hashes=True,
        environment={"X": "1"},
    )
    PythonFunction(
        app.stack,
        "Api",
        entry=given["entry"],
        runtime=RUNTIME,
        bundling=options,
        timeout=cdk.Duration.seconds(9),
    )
    PythonFunction(
        app.stack,
        "Below",
        entry=given["entry"],
        runtime=RUNTIME,
        bundling=Bundling(asset_excludes=["secret.py"], output_path_suffix="inner"),
    )
    return app.synth()


def layers(given):
    """K2: a layer, a function that takes it, and the project's own layers."""
    app = App(given["folder"], "layers")
    layer = PythonLayerVersion(
        app.stack,
        "Deps",
        entry=given["entry"],
        compatible_runtimes=[aws_lambda.Runtime.PYTHON_3_12, RUNTIME],
        compatible_architectures=[aws_lambda.Architecture.ARM_64, aws_lambda.Architecture.X86_64],
        license="Apache-2.0",
    )
    PythonLayerVersion(app.stack, "ByDefault", entry=given["entry"])
    PythonFunction(
        app.stack, "Api", entry=given["entry"], runtime=RUNTIME, index="shop/api.py", layers=[layer]
    )
    shop = Project(app.stack, "Shop", root=given["project"])
    shop.function("api", memory_size=256)
    shop.function("web")
    aws_lambda.Function(
        app.stack,
        "Code",
        code=code(given["entry"], handler="shop.api.handler", runtime=RUNTIME, scope=app.stack),
        handler="shop.api.handler",
        runtime=RUNTIME,
    )
    return app.synth()


def shop(given):
    """Functions and a layer of a project's settings, with versions: the template, made several times."""
    templates = []
    for number in range(given["times"]):
        app = App(given["folder"], f"shop{number}")
        project = Project(app.stack, "Shop", root=given["entry"])
        for name in ("api", "jobs"):
            assert project.function(name).current_version
        app.synth()
        templates.append((app.folder / "S.template.json").read_text())
    return {"templates": templates}


def not_bundled(given):
    """Behaviour of `cdk ls` and of tests: no stack is bundled."""
    app = App(given["folder"], "not-bundled", **{"aws:cdk:bundling-stacks": []})
    PythonFunction(app.stack, "Api", entry=given["entry"], runtime=RUNTIME)
    PythonLayerVersion(app.stack, "Deps", entry=given["entry"])
    shop = Project(app.stack, "Shop", root=given["entry"])
    shop.function("api")
    shop.layer("deps")
    return app.synth()


def many(given):
    """Twenty functions of one project, and of one request."""
    app = App(given["folder"], "many")
    times = []
    for number in range(20):
        began = time.perf_counter()
        PythonFunction(
            app.stack, f"F{number}", entry=given["entry"], runtime=RUNTIME, index="shop/api.py"
        )
        times.append(time.perf_counter() - began)
    return {**app.synth(), "first": times[0], "rest": sum(times[1:])}


def errors(given):
    """The last lines of tracebacks."""
    found = {}
    for name, options in given["cases"].items():
        app = App(given["folder"], f"error-{name}")
        runtime = getattr(aws_lambda.Runtime, options.pop("runtime", "PYTHON_3_13"))
        construct = PythonLayerVersion if options.pop("layer", False) else PythonFunction
        if construct is PythonLayerVersion:
            options["compatible_architectures"] = [
                aws_lambda.Architecture.ARM_64,
                aws_lambda.Architecture.X86_64,
            ]
            options["compatible_runtimes"] = [runtime]
        else:
            options["runtime"] = runtime
        try:
            construct(app.stack, "Bad", **options)
        except Exception as error:  # noqa: BLE001
            found[name] = "".join(traceback.format_exception_only(type(error), error))
        else:
            found[name] = ""
    return found


def main(given_file, result_file):
    given = json.loads(Path(given_file).read_text())
    results = {name: globals()[case.pop("scenario", name)](case) for name, case in given.items()}
    Path(result_file).write_text(json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
