"""The settings that `wherry init` writes for projects of each kind: as their authors would have written them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from wherry.settings.init.write import init

if TYPE_CHECKING:
    from pathlib import Path

HANDLER = "def lambda_handler(event, context):\n    return 1\n"

PROJECTS: dict[str, tuple[dict[str, str], str]] = {
    "sam_hello": (
        {
            "template.yaml": (
                "Globals:\n"
                "  Function:\n"
                "    Timeout: 3\n"
                "Resources:\n"
                "  HelloWorldFunction:\n"
                "    Type: AWS::Serverless::Function\n"
                "    Properties:\n"
                "      CodeUri: hello_world/\n"
                "      Handler: app.lambda_handler\n"
                "      Runtime: python3.12\n"
                "      Architectures: [arm64]\n"
                "Outputs:\n"
                "  Arn: {Value: !GetAtt HelloWorldFunction.Arn}\n"
            ),
            "hello_world/__init__.py": "",
            "hello_world/app.py": HANDLER,
            "hello_world/requirements.txt": "requests\n",
            "tests/unit/test_handler.py": HANDLER,
        },
        (
            'runtime = "python3.12"  # as in template.yaml\n'
            'architecture = "arm64"  # as in template.yaml\n'
            "\n"
            "[functions.HelloWorldFunction]\n"
            'root = "hello_world"\n'
            'handler = "app.lambda_handler"\n'
        ),
    ),
    "sam_layers_and_missing_code": (
        {
            "template.yaml": (
                "Resources:\n"
                "  Orders:\n"
                "    Type: AWS::Serverless::Function\n"
                "    Properties: {CodeUri: orders, Handler: app.lambda_handler, Runtime: python3.12, Layers: [!Ref Shared]}\n"
                "  Other:\n"
                "    Type: AWS::Serverless::Function\n"
                "    Properties: {CodeUri: orders, Handler: app.gone, Runtime: python3.12}\n"
                "  Gone:\n"
                "    Type: AWS::Serverless::Function\n"
                "    Properties: {CodeUri: gone, Handler: app.lambda_handler, Runtime: python3.12}\n"
                "  Shared:\n"
                "    Type: AWS::Serverless::LayerVersion\n"
                "    Metadata: {BuildMethod: python3.12}\n"
                "    Properties: {ContentUri: layers/shared}\n"
            ),
            "orders/app.py": HANDLER,
            "layers/shared/util.py": "",
        },
        (
            'runtime = "python3.12"  # as in template.yaml\n'
            'architecture = "x86_64"  # or arm64, which costs less\n'
            "\n"
            "[functions.Orders]\n"
            'root = "orders"\n'
            'handler = "app.lambda_handler"\n'
            'layers = ["Shared"]\n'
            "\n"
            "[layers.Shared]\n"
            'root = "layers/shared"\n'
        ),
    ),
    # SAM installs what the folder of a function or of a layer names, and nothing else.
    "sam_requirements_of_the_project": (
        {
            "template.yaml": (
                "Globals: {Function: {Handler: app.lambda_handler, Runtime: python3.12}}\n"
                "Resources:\n"
                "  Bare: {Type: AWS::Serverless::Function, Properties: {CodeUri: bare, Layers: [!Ref Shared]}}\n"
                "  Own: {Type: AWS::Serverless::Function, Properties: {CodeUri: own}}\n"
                "  Made: {Type: AWS::Serverless::Function, Properties: {CodeUri: made}, Metadata: {BuildMethod: makefile}}\n"
                "  Shared: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: shared}}\n"
            ),
            "requirements.txt": "pytest\n",
            "bare/app.py": HANDLER,
            "made/app.py": HANDLER,
            "own/app.py": HANDLER,
            "own/requirements.txt": "idna\n",
            "shared/python/util.py": "",
        },
        (
            'runtime = "python3.12"  # as in template.yaml\n'
            'architecture = "x86_64"  # or arm64, which costs less\n'
            "\n"
            "[functions.Bare]\n"
            'root = "bare"\n'
            'handler = "app.lambda_handler"\n'
            'layers = ["Shared"]\n'
            "include = []\n"
            "\n"
            "[functions.Own]\n"
            'root = "own"\n'
            'handler = "app.lambda_handler"\n'
            "\n"
            "[functions.Made]\n"
            'root = "made"\n'
            'handler = "app.lambda_handler"\n'
            "\n"
            "[layers.Shared]\n"
            'root = "shared/python"\n'
            "include = []\n"
        ),
    ),
    "serverless": (
        {
            "serverless.yml": (
                "service: todos\n"
                "provider: {name: aws, runtime: python3.12}\n"
                "plugins: [serverless-python-requirements]\n"
                "functions:\n"
                "  create: {handler: todos/create.create}\n"
                "  list: {handler: todos/list.list}\n"
            ),
            "todos/create.py": "def create(event, context): ...\n",
            "todos/list.py": "def list(event, context): ...\n",
            "requirements.txt": "pynamodb\n",
        },
        (
            'runtime = "python3.12"  # as in serverless.yml\n'
            'architecture = "x86_64"  # or arm64, which costs less\n'
            'exclude = ["/serverless.yml"]\n'
            "\n"
            "[functions.create]\n"
            'handler = "todos.create.create"\n'
            "\n"
            "[functions.list]\n"
            'handler = "todos.list.list"\n'
        ),
    ),
    "zappa_flask": (
        {
            "zappa_settings.json": '{"dev": {"app_function": "my_app.app", "project_name": "my-app", "runtime": "python3.13", "s3_bucket": "x"}}',
            "my_app.py": ("from flask import Flask\napp = Flask(__name__)\n"),
            "requirements.txt": ("flask\nzappa\n"),
        },
        (
            'runtime = "python3.13"  # as in zappa_settings.json\n'
            'architecture = "x86_64"  # or arm64, which costs less\n'
            'exclude = ["/zappa_settings.json"]\n'
            "\n"
            "[functions.my-app]\n"
            'app = "my_app:app"\n'
        ),
    ),
    "chalice": (
        {
            ".chalice/config.json": '{"version": "2.0", "app_name": "helloworld", "stages": {"dev": {"api_gateway_stage": "api"}}}',
            "app.py": (
                "from chalice import Chalice\n"
                "app = Chalice(app_name='helloworld')\n"
                "@app.route('/')\n"
                "def index():\n"
                "    return {}\n"
            ),
            "requirements.txt": "",
            "requirements-dev.txt": ("chalice==1.32.0\npytest\n"),
            "tests/test_app.py": "",
        },
        (
            'runtime = "python3.13"  # as asked\n'
            'architecture = "x86_64"  # or arm64, which costs less\n'
            'exclude = ["/*", "!/app.py", "!/chalicelib/"]  # Chalice ships nothing else of the project\n'
            "\n"
            "[functions.helloworld]\n"
            'handler = "app.app"\n'
            'extra-distributions = ["chalice==1.32.0"]\n'
            "exclude = [\n"
            '  "blessed",\n'
            '  "botocore",\n'
            '  "click",\n'
            '  "inquirer",\n'
            '  "pip",\n'
            '  "pyyaml",\n'
            '  "setuptools",\n'
            '  "wcwidth",\n'
            '  "wheel",\n'
            "]\n"
        ),
    ),
    "function_folders": (
        {
            "src/orders/app.py": (
                "from shared.util import f\ndef lambda_handler(event, context):\n    return 1\n"
            ),
            "src/orders/requirements.txt": "idna\n",
            "src/users/app.py": (
                "from shared.util import f\ndef lambda_handler(event, context):\n    return 1\n"
            ),
            "src/users/requirements.txt": "idna\n",
            "src/shared/__init__.py": "",
            "src/shared/util.py": "f = 1\n",
        },
        (
            'runtime = "python3.13"  # as asked\n'
            'architecture = "x86_64"  # or arm64, which costs less\n'
            "\n"
            "[functions.orders]\n"
            'root = "src/orders"\n'
            'handler = "app.lambda_handler"  # a handler in src/orders/app.py\n'
            'layers = ["shared"]\n'
            "\n"
            "[functions.users]\n"
            'root = "src/users"\n'
            'handler = "app.lambda_handler"  # a handler in src/users/app.py\n'
            'layers = ["shared"]\n'
            "\n"
            "[layers.shared]\n"
            "include = []\n"
            'extra-paths = [{ path = "src/shared", to = "shared" }]\n'
        ),
    ),
    "function_folders_with_a_layer": (
        {
            "functions/orders/handler.py": (
                "import util\ndef lambda_handler(event, context):\n    return 1\n"
            ),
            "functions/orders/requirements.txt": "idna\n",
            "functions/users/handler.py": (
                "import util\ndef lambda_handler(event, context):\n    return 1\n"
            ),
            "functions/users/requirements.txt": "idna\n",
            "layers/shared/util.py": "f = 1\n",
            "layers/shared/requirements.txt": "six\n",
        },
        (
            'runtime = "python3.13"  # as asked\n'
            'architecture = "x86_64"  # or arm64, which costs less\n'
            "\n"
            "[functions.orders]\n"
            'root = "functions/orders"\n'
            'handler = "handler.lambda_handler"  # a handler in functions/orders/handler.py\n'
            'layers = ["shared"]\n'
            "\n"
            "[functions.users]\n"
            'root = "functions/users"\n'
            'handler = "handler.lambda_handler"  # a handler in functions/users/handler.py\n'
            'layers = ["shared"]\n'
            "\n"
            "[layers.shared]\n"
            'root = "layers/shared"\n'
        ),
    ),
    "workspace": (
        {
            "pyproject.toml": ('[tool.uv.workspace]\nmembers = ["packages/*"]\n'),
            "packages/api/pyproject.toml": (
                "[project]\n"
                'name = "api"\n'
                'version = "1"\n'
                'requires-python = ">=3.11,<3.13"\n'
                "[build-system]\n"
                'requires = ["uv_build"]\n'
                'build-backend = "uv_build"\n'
            ),
            "packages/api/src/api/main.py": "def handler(event, context): ...\n",
            "packages/shared/pyproject.toml": ('[project]\nname = "shared"\nversion = "1"\n'),
            "packages/shared/shared.py": "f = 1\n",
        },
        (
            "[tool.wherry]\n"
            'runtime = "python3.12"  # the newest that requires-python admits\n'
            'architecture = "x86_64"  # or arm64, which costs less\n'
            "\n"
            "[tool.wherry.functions.api]\n"
            'package = "api"\n'
            'handler = "api.main.handler"  # a handler in packages/api/src/api/main.py\n'
        ),
    ),
    "helpers": (
        {
            "requirements.txt": "",
            "app/main.py": (
                "from app.handlers import create\n"
                "def lambda_handler(event, context):\n"
                "    return 1\n"
                "def create_order(event, context): ...\n"
            ),
            "app/handlers/create.py": "def create(event, context): ...\n",
            "app/util.py": "def validate(event, context): ...\n",
            "tests/test_main.py": HANDLER,
        },
        (
            'runtime = "python3.13"  # as asked\n'
            'architecture = "x86_64"  # or arm64, which costs less\n'
            'exclude = ["/tests/"]\n'
            "\n"
            "[functions.shop]\n"
            'handler = "app.main.lambda_handler"  # a handler in app/main.py\n'
        ),
    ),
    "names_of_handlers": (
        {
            "requirements.txt": "",
            "shop.py": (
                "def create(event, context): ...\n"
                "def on_handler(event, context): ...\n"
                "def handler(event, context): ...\n"
            ),
        },
        (
            'runtime = "python3.13"  # as asked\n'
            'architecture = "x86_64"  # or arm64, which costs less\n'
            "\n"
            "[functions.shop]\n"
            'handler = "shop.handler"  # a handler in shop.py\n'
        ),
    ),
    "beside_the_wheel": (
        {
            "pyproject.toml": (
                "[project]\n"
                'name = "shop"\n'
                'version = "1"\n'
                "[build-system]\n"
                'requires = ["hatchling"]\n'
                'build-backend = "hatchling.build"\n'
            ),
            "src/shop/__init__.py": "",
            "lambda_function.py": HANDLER,
            "src/tool.py": HANDLER,
        },
        (
            "[tool.wherry]\n"
            'runtime = "python3.13"  # as asked\n'
            'architecture = "x86_64"  # or arm64, which costs less\n'
            'include = ["/lambda_function.py"]  # the project\'s wheel does not hold it\n'
            "\n"
            "[tool.wherry.functions.shop]\n"
            'handler = "lambda_function.lambda_handler"  # a handler in lambda_function.py\n'
        ),
    ),
    # Serverless packages the folder, whatever a wheel of it would hold.
    "serverless_beside_a_wheel": (
        {
            "serverless.yml": (
                "provider: {name: aws, runtime: python3.12}\n"
                "functions:\n"
                "  inside: {handler: shop/api.handler}\n"
                "  outside: {handler: handlers/jobs.handler}\n"
            ),
            "pyproject.toml": (
                "[project]\n"
                'name = "shop"\n'
                'version = "1"\n'
                "[build-system]\n"
                'requires = ["hatchling"]\n'
                'build-backend = "hatchling.build"\n'
            ),
            "shop/__init__.py": "",
            "shop/api.py": "def handler(event, context): ...\n",
            "handlers/jobs.py": "def handler(event, context): ...\n",
        },
        (
            "[tool.wherry]\n"
            'runtime = "python3.12"  # as in serverless.yml\n'
            'architecture = "x86_64"  # or arm64, which costs less\n'
            "build-project = false  # a wheel of the project would not hold the code\n"
            'exclude = ["/serverless.yml"]\n'
            "\n"
            "[tool.wherry.functions.inside]\n"
            'handler = "shop.api.handler"\n'
            "\n"
            "[tool.wherry.functions.outside]\n"
            'handler = "handlers.jobs.handler"\n'
        ),
    ),
    # `poetry init` names a backend; it would find no module of that name.
    "no_module_for_the_backend": (
        {
            "pyproject.toml": (
                "[tool.poetry]\n"
                'name = "shop"\n'
                "[build-system]\n"
                'requires = ["poetry-core"]\n'
                'build-backend = "poetry.core.masonry.api"\n'
            ),
            "handlers/jobs.py": HANDLER,
            "tests/test_jobs.py": "",
        },
        (
            "[tool.wherry]\n"
            'runtime = "python3.13"  # as asked\n'
            'architecture = "x86_64"  # or arm64, which costs less\n'
            "build-project = false  # a wheel of the project would not hold the code\n"
            'exclude = ["/tests/"]\n'
            "\n"
            "[tool.wherry.functions.shop]\n"
            'handler = "handlers.jobs.lambda_handler"  # a handler in handlers/jobs.py\n'
        ),
    ),
    "left_out_by_git": (
        {
            "requirements.txt": "",
            ".gitignore": "/out/\n",
            "out/app.py": HANDLER,
            "shop.py": HANDLER,
        },
        (
            'runtime = "python3.13"  # as asked\n'
            'architecture = "x86_64"  # or arm64, which costs less\n'
            "\n"
            "[functions.shop]\n"
            'handler = "shop.lambda_handler"  # a handler in shop.py\n'
        ),
    ),
}


@pytest.mark.parametrize("name", PROJECTS)
def test_what_is_written(tmp_path: Path, name: str) -> None:
    """Where no file names a runtime, it is asked for, so that a new one changes nothing here."""
    files, expected = PROJECTS[name]
    write_files(tmp_path / "shop", files)
    runtime = "python3.13" if "# as asked" in expected else None
    assert init(tmp_path / "shop", write=False, runtime=runtime).text == expected
