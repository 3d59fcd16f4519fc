"""Events of devices: messages to IoT Core, and changes of its registry.

After "Rules for AWS IoT" and "Registry events" of the AWS IoT Core developer guide.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from wherry.invoke.variables import ACCOUNT
from wherry.sample_events.choices import Choices, Event, Kind, new_id

__all__ = ["DEVICES"]


def _iot(choices: Choices) -> Any:
    # A rule hands over what its SQL selects: by default the message as it was published.
    return choices.document({"device": "my-device", "temperature": 21.5})


_GROUP_ID, _THING = "a1b2c3d4-0000-4000-8000-000000000001", "my-thing"
# By the name of the event: its type, the values of `operation`, and what else it has.
_REGISTRY: dict[str, tuple[str, tuple[str, ...], Event]] = {
    "thing": (
        "THING_EVENT",
        ("CREATED", "UPDATED", "DELETED"),
        {
            "thingId": "a1b2c3d4-0000-4000-8000-000000000002",
            "thingName": _THING,
            "versionNumber": 1,
            "thingTypeName": None,
            "attributes": {"colour": "red"},
        },
    ),
    "thing-type": (
        "THING_TYPE_EVENT",
        ("CREATED", "UPDATED", "DELETED"),
        {
            "thingTypeId": "a1b2c3d4-0000-4000-8000-000000000003",
            "thingTypeName": "my-type",
            "isDeprecated": False,
            "deprecationDate": None,
            "searchableAttributes": ["colour"],
            "propagatingAttributes": [],
            "description": "example",
        },
    ),
    "thing-type-association": (
        "THING_TYPE_ASSOCIATION_EVENT",
        ("ADDED", "REMOVED"),
        {
            "thingId": "a1b2c3d4-0000-4000-8000-000000000002",
            "thingName": _THING,
            "thingTypeName": "my-type",
        },
    ),
    "thing-group": (
        "THING_GROUP_EVENT",
        ("CREATED", "UPDATED", "DELETED"),
        {
            "thingGroupId": _GROUP_ID,
            "thingGroupName": "my-group",
            "versionNumber": 1,
            "parentGroupName": None,
            "parentGroupId": None,
            "description": "example",
            "rootToParentThingGroups": [],
            "attributes": {"colour": "red"},
            "dynamicGroupMappingId": None,
        },
    ),
    "thing-group-membership": (
        "THING_GROUP_MEMBERSHIP_EVENT",
        ("ADDED", "REMOVED"),
        {
            "groupArn": "",
            "groupId": _GROUP_ID,
            "thingArn": "",
            "thingId": "a1b2c3d4-0000-4000-8000-000000000002",
            "membershipId": "a1b2c3d4-0000-4000-8000-000000000004",
        },
    ),
    "thing-group-hierarchy": (
        "THING_GROUP_HIERARCHY_EVENT",
        ("ADDED", "REMOVED"),
        {
            "thingGroupId": _GROUP_ID,
            "thingGroupName": "my-group",
            "childGroupId": "a1b2c3d4-0000-4000-8000-000000000005",
            "childGroupName": "my-child-group",
        },
    ),
}


def _registry(name: str, choices: Choices) -> Event:
    kind, operations, rest = _REGISTRY[name]
    event = {
        "eventType": kind,
        "eventId": new_id().replace("-", ""),
        "timestamp": choices.milliseconds,
        "operation": choices.type or operations[0],
        "accountId": ACCOUNT,
        **rest,
    }
    if "groupArn" in event:
        event["groupArn"] = choices.arn("iot", "thinggroup/my-group")
        event["thingArn"] = choices.arn("iot", f"thing/{choices.name or _THING}")
    if "thingName" in event:
        event["thingName"] = choices.name or _THING
    return event


DEVICES = (
    Kind(
        name="iot",
        summary="a message that a rule of IoT Core selects",
        make=_iot,
        options=("body",),
    ),
    *(
        Kind(
            name=f"iot-{name}",
            summary=f"IoT Core: a change in its registry, {kind}",
            make=partial(_registry, name),
            options=("type", "name") if {"thingName", "thingArn"} & rest.keys() else ("type",),
            types=operations,
        )
        for name, (kind, operations, rest) in _REGISTRY.items()
    ),
)
