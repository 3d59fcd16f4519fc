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
