"""Events of operations: EventBridge, schedules, logs, alarms, workflows, calls of other functions.

After the AWS Lambda developer guide and the guides of EventBridge, CloudWatch and Step Functions.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

from wherry.invoke.variables import ACCOUNT
from wherry.sample_events.choices import Choices, Event, Kind, compact, encoded, new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["OPERATIONS", "log_data", "notification"]


def notification(
    choices: Choices,
    *,
    source: str,
    type: str,  # noqa: A002
    detail: Any,
    resources: Sequence[str] = (),
) -> Event:
    """An event of EventBridge."""
    return {
        "version": "0",
        "id": new_id(),
        "detail-type": type,
        "source": source,
        "account": ACCOUNT,
        "time": choices.iso(0),
        "region": choices.region,
        "resources": list(resources),
        "detail": detail,
    }


def _eventbridge(choices: Choices) -> Event:
    return notification(
        choices,
        source=choices.source or "my.application",
        type=choices.type or "Order Placed",
        detail=choices.document({"id": 7}),
    )


def _scheduled(choices: Choices) -> Event:
    return notification(
        choices,
        source="aws.events",
        type="Scheduled Event",
        detail=choices.document({}),
        resources=[choices.arn("events", f"rule/{choices.name or 'my-schedule'}")],
    )


def log_data(choices: Choices) -> bytes:
    """Lines of a log group, compressed as subscriptions deliver them."""
    message = choices.text("[ERROR] ValueError: example")
    lines = [
        {
            "id": f"{(choices.milliseconds << 150) + number:056d}",
            "timestamp": choices.milliseconds,
            "message": message,
        }
        for number in range(choices.records)
    ]
    document = {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": choices.name or "/aws/lambda/my-function",
        "logStream": choices.now.strftime("%Y/%m/%d/[$LATEST]0123456789abcdef0123456789abcdef"),
        "subscriptionFilters": ["my-subscription"],
        "logEvents": lines,
    }
    return gzip.compress(compact(document).encode(), mtime=0)


def _logs(choices: Choices) -> Event:
    return {"awslogs": {"data": encoded(log_data(choices))}}


def _alarm(choices: Choices) -> Event:
    name, state = choices.name or "my-alarm", choices.type or "ALARM"
    here, ahead = choices.iso().replace("Z", "+0000"), "OK" if state == "ALARM" else "ALARM"
    return {
        "source": "aws.cloudwatch",
        "alarmArn": choices.arn("cloudwatch", f"alarm:{name}"),
        "accountId": ACCOUNT,
        "time": here,
        "region": choices.region,
        "alarmData": {
            "alarmName": name,
            "state": {
                "value": state,
                "reason": "Threshold Crossed: 1 datapoint was greater than the threshold (1.0).",
                "reasonData": compact({"version": "1.0", "threshold": 1.0}),
                "timestamp": here,
            },
            "previousState": {
                "value": ahead,
                "reason": "example",
                "reasonData": compact({"version": "1.0", "threshold": 1.0}),
                "timestamp": here,
            },
            "configuration": {
                "description": "example",
                "metrics": [
                    {
                        "id": "m1",
                        "metricStat": {
                            "metric": {
                                "namespace": "AWS/Lambda",
                                "name": "Errors",
                                "dimensions": {"FunctionName": "my-function"},
                            },
                            "period": 60,
                            "stat": "Sum",
                            "unit": "Count",
                        },
                        "returnData": True,
                    }
                ],
            },
        },
    }


def _dashboard(choices: Choices) -> Event:
    parameters = choices.document({"example": "parameter"})
    span = {"start": choices.milliseconds - 3_600_000, "end": choices.milliseconds}
    return {
        **parameters,
        "widgetContext": {
            "dashboardName": choices.name or "my-dashboard",
            "widgetId": "widget-1",
            "domain": f"https://{choices.region}.console.aws.amazon.com",
            "accountId": ACCOUNT,
            "locale": "en",
            "timezone": {"label": "UTC", "offsetISO": "+00:00", "offsetInMinutes": 0},
            "period": 300,
            "isAutoPeriod": True,
            "timeRange": {
                "mode": "relative",
                **span,
                "relativeStart": 3_600_000,
                "zoom": dict(span),
            },
            "theme": "light",
            "linkCharts": True,
            "title": "My widget",
            "forms": {"all": {}},
            "params": parameters,
            "width": 588,
            "height": 369,
        },
    }


def _step_functions(choices: Choices) -> Event:
    return {
        "input": choices.document({"id": 7}),
        "token": encoded(new_id().encode()),
        "context": {
            "Execution": {
                "Id": _execution(choices),
                "Input": choices.document({"id": 7}),
                "Name": "my-execution",
                "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/my-state-machine-role",
                "StartTime": choices.iso(),
            },
            "State": {"EnteredTime": choices.iso(), "Name": "My task", "RetryCount": 0},
            "StateMachine": {
                "Id": choices.arn("states", f"stateMachine:{choices.name or 'my-machine'}"),
                "Name": choices.name or "my-machine",
            },
        },
    }


def _step_functions_status(choices: Choices) -> Event:
    status = choices.type or "SUCCEEDED"
    return notification(
        choices,
        source="aws.states",
        type="Step Functions Execution Status Change",
        detail={
            "executionArn": _execution(choices),
            "stateMachineArn": choices.arn(
                "states", f"stateMachine:{choices.name or 'my-machine'}"
            ),
            "name": "my-execution",
            "status": status,
            "startDate": choices.milliseconds - 1000,
            "stopDate": None if status == "RUNNING" else choices.milliseconds,
            "input": choices.text(compact({"id": 7})),
            "inputDetails": {"included": True},
            "output": compact({}) if status == "SUCCEEDED" else None,
            "outputDetails": {"included": True} if status == "SUCCEEDED" else None,
        },
        resources=[_execution(choices)],
    )


def _execution(choices: Choices) -> str:
    return choices.arn("states", f"execution:{choices.name or 'my-machine'}:my-execution")


def _destination(choices: Choices) -> Event:
    failed = choices.type != "Success"
    return {
        "version": "1.0",
        "timestamp": choices.iso(),
        "requestContext": {
            "requestId": new_id(),
            "functionArn": choices.arn(
                "lambda", f"function:{choices.name or 'my-function'}:$LATEST"
            ),
            "condition": choices.type or "RetriesExhausted",
            "approximateInvokeCount": 3 if failed else 1,
        },
        "requestPayload": choices.document({"id": 7}),
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            **({"functionError": "Unhandled"} if failed else {}),
        },
        "responsePayload": {
            "errorMessage": "example",
            "errorType": "ValueError",
            "stackTrace": [],
        }
        if failed
        else {},
    }


OPERATIONS = (
    Kind(
        name="eventbridge",
        summary="an event of a bus of EventBridge",
        make=_eventbridge,
        options=("body", "type", "source"),
    ),
    Kind(
        name="scheduled",
        summary="a schedule of EventBridge, every few minutes or at a time",
        make=_scheduled,
        options=("name", "body"),
    ),
    Kind(
        name="cloudwatch-logs",
        summary="lines of a log group that is subscribed to",
        make=_logs,
        options=("body", "name", "records"),
    ),
    Kind(
        name="cloudwatch-alarm",
        summary="an alarm of CloudWatch that calls the function",
        make=_alarm,
        options=("name", "type"),
        types=("ALARM", "OK", "INSUFFICIENT_DATA"),
    ),
    Kind(
        name="cloudwatch-dashboard",
        summary="a custom widget of a dashboard of CloudWatch",
        make=_dashboard,
        options=("body", "name"),
    ),
    Kind(
        name="step-functions",
        summary="a task of Step Functions that waits for its token",
        make=_step_functions,
        options=("body", "name"),
    ),
    Kind(
        name="step-functions-status",
        summary="an execution of Step Functions began or ended, by way of EventBridge",
        make=_step_functions_status,
        options=("type", "name", "body"),
        types=("SUCCEEDED", "RUNNING", "FAILED", "TIMED_OUT", "ABORTED"),
    ),
    Kind(
        name="destination",
        summary="an asynchronous call of another function that failed or succeeded",
        make=_destination,
        options=("type", "name", "body"),
        types=("RetriesExhausted", "EventAgeExceeded", "Success"),
    ),
)
