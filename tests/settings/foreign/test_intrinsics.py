"""Intrinsic functions of CloudFormation."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.settings.foreign.intrinsics import Intrinsics

TEMPLATE: dict[str, Any] = {
    "Parameters": {"Stage": {"Default": "dev"}, "Asked": {"Type": "String"}},
    "Mappings": {"Folders": {"dev": {"Code": "src/dev"}}},
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("src", "src"),
        ({"Ref": "Stage"}, "dev"),
        ({"Ref": "Asked"}, None),
        ({"Ref": "Given"}, "given"),
        ({"Ref": "Layer"}, None),
        ({"Fn::Sub": "src/${Stage}/${ Given }/${!Literal}"}, "src/dev/given/${!Literal}"),
        ({"Fn::Sub": ["${A}-${Stage}", {"A": {"Ref": "Given"}}]}, "given-dev"),
        ({"Fn::Sub": "${AWS::Region}"}, None),
        ({"Fn::Join": ["/", ["src", {"Ref": "Stage"}]]}, "src/dev"),
        ({"Fn::Join": ["/", ["src", {"Ref": "Asked"}]]}, None),
        ({"Fn::FindInMap": ["Folders", {"Ref": "Stage"}, "Code"]}, "src/dev"),
        ({"Fn::FindInMap": ["Folders", "prod", "Code"]}, None),
        ({"Fn::GetAtt": ["Layer", "Arn"]}, None),
        ({"Bucket": "b"}, {"Bucket": "b"}),
    ],
)
def test_values(value: object, expected: object) -> None:
    assert Intrinsics(TEMPLATE, {"Given": "given"}).value(value) == expected


@pytest.mark.parametrize(
    "value", [{"Ref": "Layer"}, {"Fn::GetAtt": ["Layer", "Arn"]}, {"Fn::GetAtt": "Layer.Arn"}]
)
def test_references_to_resources(value: object) -> None:
    found = Intrinsics(TEMPLATE, {}).value(value, resources={"Layer"})
    assert found == "Layer"


def test_values_within_values_are_found_once() -> None:
    """Ten levels of a hundred names each would be looked up without end."""
    value: object = "x"
    for _ in range(10):
        value = {"Fn::Sub": ["${A}" * 100, {"A": value}]}
    assert Intrinsics(TEMPLATE, {}).value(value) is None
