"""The routes of functions in `template.yaml` and `serverless.yml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from wherry.files import ProjectFiles
from wherry.settings.foreign.find import read_description

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = """\
Parameters:
  Base: {{Type: String, Default: /v1}}
  Payload: {{Type: String, Default: '1.0'}}
Resources:
  Api: {{Type: AWS::Serverless::Api, Properties: {{StageName: prod}}}}
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: hello/
      Handler: app.lambda_handler
      Runtime: python3.12
      Events:
        Event:
          {event}
"""
SERVICE = "service: shop\nprovider: {name: aws, runtime: python3.12}\ncustom: {base: v1}\n"


def routes(path: Path) -> list[str]:
    description = read_description(path, ProjectFiles())
    assert description is not None
    return [f"{each.service} {each.route}" for each in description.functions[0].routes]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("{Type: Api, Properties: {Path: /hello, Method: get}}", ["rest GET /hello"]),
        ("{Type: Api, Properties: {Path: '/{proxy+}', Method: ANY, RestApiId: !Ref Api}}", ["rest /{proxy+}"]),
        ("{Type: Api, Properties: {Path: !Sub '${Base}/{id}', Method: Post}}", ["rest POST /v1/{id}"]),
        ("{Type: HttpApi, Properties: {Path: /hello, Method: get}}", ["http GET /hello"]),
        ("{Type: HttpApi, Properties: {Path: /hello}}", ["http /hello"]),
        ("{Type: HttpApi}", ["http $default"]),
        ("{Type: HttpApi, Properties: {PayloadFormatVersion: '1.0'}}", ["http-1.0 $default"]),
        ("{Type: HttpApi, Properties: {Path: /a, Method: get, PayloadFormatVersion: 1.0}}", ["http-1.0 GET /a"]),
        ("{Type: HttpApi, Properties: {Path: /a, PayloadFormatVersion: !Ref Payload}}", ["http-1.0 /a"]),
        ("{Type: HttpApi, Properties: {Path: /a, PayloadFormatVersion: '2.0'}}", ["http /a"]),
        ("{Type: Api, Properties: {Path: /a, Method: get, PayloadFormatVersion: '1.0'}}", ["rest GET /a"]),
        ("{Type: Api, Properties: {Path: !ImportValue x, Method: get}}", []),
        ("{Type: Api, Properties: {Path: [1], Method: {a: b}}}", []),
        ("{Type: SQS, Properties: {Queue: x}}", []),
        ("[]", []),
    ],
)  # fmt: skip
def test_of_sam(event: str, expected: list[str], tmp_path: Path) -> None:
    write_files(tmp_path, {"template.yaml": TEMPLATE.format(event=event)})
    assert routes(tmp_path / "template.yaml") == expected


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ("[{http: {path: orders/{id}, method: get}}]".replace("orders/{id}", "'orders/{id}'"), ["rest GET /orders/{id}"]),
        ("[{http: 'POST /orders'}]", ["rest POST /orders"]),
        ("[{http: 'ANY {proxy+}'}, {http: 'any /'}]", ["rest /{proxy+}", "rest /"]),
        ("[{httpApi: 'GET /orders/{id}'}]", ["http GET /orders/{id}"]),
        ("[{httpApi: '*'}]", ["http $default"]),
        ("[httpApi]", ["http $default"]),
        ("[{httpApi: {method: '*', path: '/a'}}, {httpApi: {path: '*'}}]", ["http /a", "http $default"]),
        ("[{http: {path: '${self:custom.base}/a', method: GET}}]", ["rest GET /v1/a"]),
        ("[{http: {path: '${ssm:x}', method: GET}}, {sqs: x}, {schedule: rate(1 day)}, 7, null]", []),
        ("nothing", []),
    ],
)  # fmt: skip
def test_of_serverless(events: str, expected: list[str], tmp_path: Path) -> None:
    text = f"{SERVICE}functions:\n  a:\n    handler: b.c\n    events: {events}\n"
    write_files(tmp_path, {"serverless.yml": text})
    assert routes(tmp_path / "serverless.yml") == expected


@pytest.mark.parametrize(
    ("provider", "function", "expected"),
    [
        ("{payload: '1.0'}", "{}", "http-1.0"),
        ("{payload: 1.0}", "{}", "http-1.0"),
        ("{payload: '${self:custom.format}'}", "{}", "http-1.0"),
        ("{payload: '2.0'}", "{}", "http"),
        ("{cors: true}", "{payload: '1.0'}", "http-1.0"),
        ("{payload: '1.0'}", "{payload: '2.0'}", "http"),
        ("[]", "x", "http"),
    ],
)
def test_the_payload_format_of_serverless(
    provider: str, function: str, expected: str, tmp_path: Path
) -> None:
    service = (
        f"service: shop\nprovider: {{name: aws, runtime: python3.12, httpApi: {provider}}}\n"
        "custom: {format: '1.0'}\nfunctions:\n  hello:\n    handler: app.handler\n"
        f"    httpApi: {function}\n    events: [{{httpApi: 'GET /a'}}, httpApi, {{http: 'GET /b'}}]\n"
    )
    write_files(tmp_path, {"serverless.yml": service})
    assert routes(tmp_path / "serverless.yml") == [
        f"{expected} GET /a",
        f"{expected} $default",
        "rest GET /b",
    ]


GATEWAY = """\
Resources:
  Hello:
    Type: AWS::Lambda::Function
    Properties: {Code: hello/, Handler: app.lambda_handler, Runtime: python3.12}
  Hook: {Type: AWS::ApiGatewayV2::Integration, Properties: {ApiId: !Ref Api, PayloadFormatVersion: VERSION, IntegrationUri: URI}}
  Get: {Type: AWS::ApiGatewayV2::Route, Properties: {RouteKey: GET /a, Target: TARGET}}
  Any: {Type: AWS::ApiGatewayV2::Route, Properties: {RouteKey: $default, Target: TARGET}}
  Other: {Type: AWS::ApiGatewayV2::Route, Properties: {RouteKey: GET /b, Target: !Ref Elsewhere}}
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: HTTP}}
"""


@pytest.mark.parametrize(
    "target", ["!Sub 'integrations/${Hook}'", "!Join [/, [integrations, !Ref Hook]]"]
)
@pytest.mark.parametrize(
    "uri",
    [
        "!GetAtt Hello.Arn",
        "!Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Hello.Arn}/invocations'",
        "!Join ['', [x, !GetAtt [Hello, Arn], /invocations]]",
    ],
)
@pytest.mark.parametrize(("version", "service"), [("'1.0'", "http-1.0"), ("2.0", "http")])
def test_routes_of_resources(
    target: str, uri: str, version: str, service: str, tmp_path: Path
) -> None:
    text = GATEWAY.replace("TARGET", target).replace("URI", uri).replace("VERSION", version)
    write_files(tmp_path, {"template.yaml": text})
    assert routes(tmp_path / "template.yaml") == [f"{service} GET /a", f"{service} $default"]


def test_an_api_with_a_function_as_its_target(tmp_path: Path) -> None:
    target = "{ProtocolType: HTTP, Target: !GetAtt Hello.Arn"
    write_files(tmp_path, {"template.yaml": GATEWAY.replace("{ProtocolType: HTTP", target)})
    assert routes(tmp_path / "template.yaml") == ["http $default"]


LOOP = """\
Parameters:
  Names: {Type: CommaDelimitedList, Default: "Orders, Users"}
Resources:
  "Fn::ForEach::Functions":
    - Name
    - VALUES
    - "${Name}Function":
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: !Sub "src/${Name}"
          Handler: !Ref Name
          Runtime: python3.12
          Events: {E: {Type: HttpApi, Properties: {Path: "/${Name}", Method: get}}}
"""


@pytest.mark.parametrize("values", ["[Orders, Users]", "!Ref Names"])
def test_loops_of_language_extensions(values: str, tmp_path: Path) -> None:
    text = LOOP.replace("VALUES", values).replace("!Ref Name\n", "'${Name}.run'\n")
    write_files(tmp_path, {"template.yaml": text})
    description = read_description(tmp_path / "template.yaml", ProjectFiles())
    assert description is not None
    assert [
        (each.name, each.folder, each.settings["handler"], each.routes[0].route)
        for each in description.functions
    ] == [
        ("OrdersFunction", "src/Orders", "Orders.run", "GET /Orders"),
        ("UsersFunction", "src/Users", "Users.run", "GET /Users"),
    ]


def test_a_loop_over_what_only_aws_knows(tmp_path: Path) -> None:
    own = "  Own: {Type: AWS::Serverless::Function, Properties: {CodeUri: x, Handler: a.b, Runtime: python3.12}}\n"
    write_files(
        tmp_path, {"template.yaml": LOOP.replace("VALUES", "!Split [x, !ImportValue y]") + own}
    )
    description = read_description(tmp_path / "template.yaml", ProjectFiles())
    assert description is not None
    assert [each.name for each in description.functions] == ["Own"]
    assert "skipped `Fn::ForEach::Functions`" in " ".join(description.warnings)
