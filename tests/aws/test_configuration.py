"""The configuration that is wanted, and AWS's description of a function: what follows from both."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.aws.attached import attached_by_settings, parse_description, record_layers
from wherry.aws.configuration import Configuration, Variable, rest_digest
from wherry.aws.model import ObservedFunction, ObservedVersion, Snapshot
from wherry.errors import AwsError
from wherry.settings.references import Origin, VariableSetting

NAMES = st.sampled_from(["AA", "BB", "CC", "DD"])
TEXTS = st.sampled_from(["", "x", "y"])


def variable(origin: Origin, text: str) -> Variable:
    value = None if origin is Origin.REMOVED else text
    return Variable(setting=VariableSetting(origin=origin, text=text), value=value)


WANTED = st.builds(
    Configuration,
    values=st.fixed_dictionaries(
        {},
        optional={
            "memory": st.sampled_from([128, 512]),
            "timeout": st.sampled_from([3, 9]),
            "ephemeral-storage": st.sampled_from([512, 1024]),
            "tracing": st.sampled_from(["Active", "PassThrough"]),
            "snap-start": st.sampled_from(["None", "PublishedVersions"]),
            "description": TEXTS,
            "logging.group": st.sampled_from(["/a", "/b"]),
            "logging.format": st.sampled_from(["JSON", "Text"]),
        },
    ),
    variables=st.dictionaries(NAMES, st.builds(variable, st.sampled_from([*Origin]), TEXTS)),
)
OBSERVED = st.fixed_dictionaries(
    {"Role": st.just("r")},
    optional={
        "MemorySize": st.sampled_from([128, 512]),
        "Timeout": st.sampled_from([3, 9]),
        "EphemeralStorage": st.just({"Size": 1024}),
        "TracingConfig": st.just({"Mode": "Active"}),
        "SnapStart": st.just({"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}),
        "Description": TEXTS,
        "LoggingConfig": st.sampled_from([
            {"LogFormat": "Text", "LogGroup": "/a"},
            {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "LogGroup": "/c"},
        ]),
        "Environment": st.builds(lambda given: {"Variables": given}, st.dictionaries(NAMES, TEXTS)),
    },
)  # fmt: skip


@given(wanted=WANTED, observed=OBSERVED)
def test_afterwards_it_is_as_it_should_be(wanted: Configuration, observed: dict[str, Any]) -> None:
    after = wanted.after(observed)
    assert wanted.holds(after)
    assert not wanted.value_changes(after)
    assert {change.change for change in wanted.variable_changes(after)} <= {"same"}
    # What AWS is given, and nothing else, makes the difference.
    assert {**observed, **wanted.arguments(observed)} == after
    changed = any(change.change != "same" for change in wanted.variable_changes(observed))
    assert bool(wanted.arguments(observed)) == bool(wanted.value_changes(observed) or changed)
    # Variables of others stay.
    before = observed.get("Environment", {}).get("Variables", {})
    now = after.get("Environment", {}).get("Variables", {})
    for name in before.keys() - wanted.variables.keys():
        assert now[name] == before[name]
    assert now.keys() <= before.keys() | wanted.variables.keys()
    if wanted.holds(observed):
        assert rest_digest(after) == rest_digest(observed)


def test_levels_are_not_sent_with_plain_text() -> None:
    wanted = Configuration(values={"logging.format": "Text"})
    observed = {"LoggingConfig": {"LogFormat": "JSON", "SystemLogLevel": "INFO", "LogGroup": "/a"}}
    assert wanted.arguments(observed) == {"LoggingConfig": {"LogFormat": "Text", "LogGroup": "/a"}}


def test_versions_that_differ_in_an_empty_variable_are_not_the_same() -> None:
    with_it = {"Environment": {"Variables": {"AA": "", "BB": "x"}}}
    assert rest_digest(with_it) != rest_digest({"Environment": {"Variables": {"BB": "x"}}})


def test_variables_that_aws_does_not_tell_are_never_overwritten() -> None:
    error = {"ErrorCode": "AccessDeniedException", "Message": "the key is denied"}
    wanted = Configuration(variables={"AA": variable(Origin.PLAIN, "x")})
    for ask in (wanted.after, wanted.variable_changes, wanted.arguments):
        with pytest.raises(AwsError, match="does not show the variables"):
            ask({"Environment": {"Error": error}})
    assert Configuration(values={"memory": 512}).arguments({"Environment": {"Error": error}}) == {
        "MemorySize": 512
    }


OTEL, THEIRS = (f"arn:aws:lambda:eu-west-1:123456789012:layer:{name}:3" for name in ("otel", "x"))


def test_the_record_of_layers_in_a_description() -> None:
    assert record_layers("shop 1.0", ()) == "shop 1.0"
    recorded = record_layers("shop 1.0", [OTEL, THEIRS])
    text, marks = parse_description(recorded)
    assert (text, len(marks)) == ("shop 1.0", 2)
    # Another version of the layer is the same layer.
    assert record_layers("shop 1.0", [OTEL.replace(":3", ":4"), THEIRS]) == recorded
    long = record_layers("x" * 256, [OTEL])
    assert len(long) == 256
    assert parse_description(long)[1] == parse_description(record_layers("", [OTEL]))[1]
    assert parse_description("mine [wherry layers: zz]") == (
        "mine [wherry layers: zz]",
        frozenset(),
    )


def test_a_layer_is_the_settings_only_while_no_version_was_without_it() -> None:
    marks = parse_description(record_layers("", [OTEL]))[1]

    def attached(*versions: tuple[tuple[str, ...], frozenset[str]]) -> frozenset[str]:
        def snapshot(layers: tuple[str, ...]) -> Snapshot:
            return Snapshot(
                code_sha256="a", layers=layers, runtime=None, handler=None, architecture="arm64"
            )

        return attached_by_settings(
            ObservedFunction(
                aws_name="f",
                arn="arn:aws:lambda:eu-west-1:123456789012:function:f",
                latest=snapshot((OTEL, THEIRS)),
                versions=tuple(
                    ObservedVersion(number=number, snapshot=snapshot(layers), attached=record)
                    for number, (layers, record) in enumerate(versions, 1)
                ),
            )
        )

    both, none = (OTEL, THEIRS), frozenset[str]()
    assert attached((both, marks)) == {OTEL}
    assert attached((both, marks), (both, none)) == {OTEL}
    assert attached((both, marks), ((THEIRS,), none)) == none
    assert attached((both, none)) == none
    assert attached() == none
