"""`manage`: configuration, variables, tags and layers of others, as the settings of a stage give them."""

from __future__ import annotations

import json
import os
import traceback
from typing import TYPE_CHECKING, Any

import pytest

import wherry
from support.aws_faults import QUOTED
from support.deployments import ALIAS, FUNCTION, LAYER, Site
from support.zips import zip_bytes
from wherry.errors import AwsError
from wherry.settings.model import MANAGEABLE

if TYPE_CHECKING:
    from pathlib import Path

    from support.aws_faults import Call
    from support.command import Finished

SECRETS = {
    "env": 'from-the-shell-5e1f!"\\ü',
    "ssm": "from-a-parameter-77aa",
    "secret": "from-a-secret-91cd",
    "json": "from-json-0b2e",
}
ALL = list(MANAGEABLE)
ENVIRONMENT: dict[str, Any] = {
    "LOG_LEVEL": "info",
    "TOKEN": {"env": "SHOP_TOKEN"},
    "DB_URL": {"ssm": "/shop/db-url"},
    "KEY": {"secret": "shop/key"},
    "PASSWORD": {"secret": "shop/json", "key": "password"},
}
VALUES = {
    "LOG_LEVEL": "info",
    "TOKEN": SECRETS["env"],
    "DB_URL": SECRETS["ssm"],
    "KEY": SECRETS["secret"],
    "PASSWORD": SECRETS["json"],
}


class Stage:
    """The site, with what is managed."""

    def __init__(self, site: Site) -> None:
        self.site, self.account = site, site.account
        self.role = site.account.role()
        self.outputs: list[str] = []
        site.shell["SHOP_TOKEN"] = SECRETS["env"]
        parameters = self.account.client("ssm")
        parameters.put_parameter(Name="/shop/db-url", Value=SECRETS["ssm"], Type="SecureString")
        self.parameters = parameters
        self.secrets = self.account.client("secretsmanager")
        self.secrets.create_secret(Name="shop/key", SecretString=SECRETS["secret"])
        document = json.dumps({"password": SECRETS["json"], "port": 5432, "other": {}})
        self.secrets.create_secret(Name="shop/json", SecretString=document)

    def write(self, says: str = "one", **function: Any) -> None:
        given = {"manage": ALL, "role": self.role, **function}
        self.site.write(says=says, **{key.replace("_", "-"): item for key, item in given.items()})

    def run(self, command: str, *arguments: str, code: int = 0) -> Finished:
        done = self.site.run(command, "staging", *arguments, code=code)
        self.outputs += [done.out, done.err]
        return done

    @property
    def configuration(self) -> dict[str, Any]:
        return self.account.configuration(FUNCTION)

    @property
    def variables(self) -> dict[str, str]:
        found: dict[str, str] = self.configuration.get("Environment", {}).get("Variables", {})
        return found


@pytest.fixture
def stage(new_site: Site) -> Stage:
    return Stage(new_site)


def test_a_function_is_created_with_all_and_updated_in_one_call(stage: Stage) -> None:
    """Every part in one `CreateFunction`, then in one `UpdateFunctionConfiguration`; nothing to do in between."""
    stage.write(
        memory=512, timeout=9, environment=ENVIRONMENT, ephemeral_storage=1024, tracing="PassThrough",
        description="Takes orders", tags={"team": "shop"},
    )  # fmt: skip
    stage.run("deploy")
    found = stage.configuration
    assert (found["MemorySize"], found["Timeout"]) == (512, 9)
    assert found["EphemeralStorage"] == {"Size": 1024}
    assert stage.variables == VALUES
    assert found["Description"] == "Takes orders"
    assert stage.account.functions.list_tags(Resource=found["FunctionArn"])["Tags"] == {
        "team": "shop"
    }

    stage.site.proxy.forget()
    stage.run("plan", "--exit-code")
    assert stage.site.proxy.mutations == []

    stage.write(
        memory=1024, timeout=10, environment={**ENVIRONMENT, "LOG_LEVEL": "debug"},
        ephemeral_storage=1024, tracing="PassThrough", description="Takes all orders",
        tags={"team": "shop", "cost": "7"},
    )  # fmt: skip
    planned = stage.run("plan").out
    assert (
        "  update the configuration: memory 512 → 1024 MB, timeout 9 → 10 s, "
        'description "Takes orders" → "Takes all orders", environment\n' in planned
    )
    assert "      ~ LOG_LEVEL = debug\n" in planned
    assert "        TOKEN (not changed: from the variable SHOP_TOKEN)\n" in planned
    assert "  set tags: cost = 7\n" in planned
    stage.site.proxy.forget()
    stage.run("deploy")
    assert stage.site.proxy.mutations == [
        "UpdateFunctionConfiguration", "TagResource", "PublishVersion", "UpdateAlias",
    ]  # fmt: skip
    assert stage.variables == {**VALUES, "LOG_LEVEL": "debug"}
    assert stage.account.configuration(FUNCTION, ALIAS)["MemorySize"] == 1024
    stage.run("plan", "--exit-code")


def test_what_the_stand_in_forgets_is_sent(stage: Stage) -> None:
    stage.write(
        logging={"format": "JSON", "level": "DEBUG", "group": "/shop/api"},
        snap_start=True,
        tracing="Active",
    )
    stage.run("deploy")
    created = next(call for call in stage.site.proxy.calls if call.operation == "CreateFunction")
    assert created.body["TracingConfig"] == {"Mode": "Active"}
    assert created.body["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert created.body["LoggingConfig"] == {
        "LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "LogGroup": "/shop/api",
    }  # fmt: skip


def test_variables_of_others_stay_and_secrets_are_compared_in_memory(stage: Stage) -> None:
    stage.write(environment={"TOKEN": {"env": "SHOP_TOKEN"}, "OLD": "x"})
    stage.run("deploy")
    variables = {**stage.variables, "THEIRS": "secret of theirs"}
    stage.account.functions.update_function_configuration(
        FunctionName=FUNCTION, Environment={"Variables": variables}
    )
    stage.site.shell["SHOP_TOKEN"] = "other-3c3c"
    stage.write(environment={"TOKEN": {"env": "SHOP_TOKEN"}, "OLD": {"remove": True}, "NEW": ""})
    document = json.loads(stage.run("plan", "--json").out)
    (update,) = [
        one
        for one in document["functions"][0]["actions"]
        if one["action"] == "update-configuration"
    ]
    assert update["why"] == ["environment"]
    assert sorted(update["variables"], key=lambda one: str(one["name"])) == [
        {"name": "NEW", "change": "new", "value": "", "origin": "plain", "source": None},
        {"name": "OLD", "change": "removed", "value": None, "origin": "remove", "source": None},
        {"name": "TOKEN", "change": "changed", "value": None, "origin": "env", "source": "SHOP_TOKEN"},
    ]  # fmt: skip
    stage.run("deploy", "--json")
    assert stage.variables == {"TOKEN": "other-3c3c", "THEIRS": "secret of theirs", "NEW": ""}
    stage.run("plan", "--exit-code")
    text = "\n".join(stage.outputs)
    assert "other-3c3c" not in text
    assert "theirs" not in text
    assert SECRETS["env"] not in text


def test_variables_of_others_are_in_no_error(stage: Stage) -> None:
    """AWS takes all of them at once, and quotes them where they are too many."""
    stage.write(environment={"LEVEL": "info", "OLD": "x"})
    stage.run("deploy")
    others = {"THEIRS": "secret of theirs", "PIN": "4711", "ONE": "1"}
    stage.account.functions.update_function_configuration(
        FunctionName=FUNCTION, Environment={"Variables": {**stage.variables, **others}}
    )
    stage.write(environment={"LEVEL": "debug-1", "OLD": "x"})
    stage.site.proxy.inject(QUOTED, operation="UpdateFunctionConfiguration")
    said = stage.run("deploy", code=1).err
    assert '"LEVEL": "debug-1"' in said
    assert '"THEIRS": "…"' in said
    assert '"PIN": "…"' in said
    assert '"ONE": "…"' in said
    assert "secret of theirs" not in said
    assert "4711" not in said


def test_secrets_are_in_no_file_output_or_traceback(stage: Stage, tmp_path: Path) -> None:
    """Also when AWS quotes what it was sent, and when a library's user prints the traceback and the values."""
    stage.write(environment=ENVIRONMENT)
    stage.run("plan", "--verbose")
    stage.run("plan", "--json")
    stage.run("deploy", "--verbose")
    stage.site.shell["SHOP_TOKEN"] = "another-9d9d"
    stage.site.proxy.inject(QUOTED, operation="UpdateFunctionConfiguration")
    assert "…" in stage.run("deploy", code=1).err
    stage.site.proxy.inject(QUOTED, operation="UpdateFunctionConfiguration", at=1)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, text in stage.site.environment.items():
            patch.setenv(name, text)
        planned = wherry.plan(stage.site.root, "staging")
        with pytest.raises(AwsError) as caught:
            wherry.deploy(stage.site.root, "staging")
    shown = "".join(traceback.format_exception(caught.value))
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for secret in (*SECRETS.values(), "another-9d9d"):
        for text in (secret, json.dumps(secret)[1:-1]):
            assert text not in "\n".join(stage.outputs)
            assert text not in f"{shown} {planned!r}"
            assert not any(text.encode() in data for data in files)


def test_what_is_missing_is_one_error_before_anything_changes(stage: Stage) -> None:
    stage.site.shell["EMPTY"] = ""
    stage.write(
        environment={
            "AA": {"env": "SHOP_MISSING"}, "BB": {"env": "EMPTY"}, "CC": {"ssm": "/shop/missing"},
            "DD": {"secret": "shop/missing"}, "EE": {"secret": "shop/json", "key": "other"},
            "FF": {"secret": "shop/key", "key": "x"}, "GG": {"secret": "shop/json", "key": "port"},
        },
        layers=["dependencies", {"ssm": "/shop/db-url"}, {"name": "nothing", "version": "latest"}],
    )  # fmt: skip
    for command in ("plan", "deploy"):
        stage.site.proxy.forget()
        said = stage.run(command, code=1).err
        assert said[said.index("error:") :] == (
            "error: stage `staging` cannot be deployed\n"
            "  ├─▶ functions.api.environment.AA: the variable SHOP_MISSING is not set\n"
            "  ├─▶ functions.api.environment.BB: the variable EMPTY is empty\n"
            "  ├─▶ functions.api.environment.CC: there is no parameter /shop/missing\n"
            "  ├─▶ functions.api.environment.DD: there is no secret shop/missing with a text\n"
            "  ├─▶ functions.api.environment.EE: the secret shop/json has no text at `other`\n"
            "  ├─▶ functions.api.environment.FF: the secret shop/key is not a JSON object\n"
            "  ├─▶ functions.api.layers: the parameter /shop/db-url does not hold the ARN of a layer version\n"
            "  ╰─▶ functions.api.layers: there is no version latest of nothing\n"
            "hint: set SHOP_MISSING where `wherry` runs, or take the value from elsewhere\n"
            "      set EMPTY where `wherry` runs, or take the value from elsewhere\n"
            "      parameters and secrets are those of the stage's account and region\n"
        )
        assert [
            one for one in stage.site.proxy.calls if one.service == "lambda" and one.mutates
        ] == []


def test_values_that_are_not_managed_are_for_the_creation_and_warned_of(stage: Stage) -> None:
    stage.write(manage=["code", "layers"], memory=512, environment=ENVIRONMENT)
    stage.run("deploy")
    assert (stage.configuration["MemorySize"], stage.variables) == (512, VALUES)
    del stage.site.shell["SHOP_TOKEN"]
    stage.write(
        manage=["code", "layers"], memory=256, environment={**ENVIRONMENT, "ZONE": {"env": "ZONE"}}
    )
    done = stage.run("plan", "--exit-code")
    assert (
        f"function `{FUNCTION}` stays other than the settings say (memory 512 → 256 MB, ZONE): put "
        '"memory", "environment" into `manage`' in done.err.replace("\n", " ")
    )


def test_a_no_op_makes_four_calls_and_reads_parameters_once(stage: Stage) -> None:
    """Ten parameters with one call, also a version of one."""
    many = {f"P{number}": {"ssm": f"/shop/p{number}"} for number in range(9)}
    for name, setting in many.items():
        stage.parameters.put_parameter(Name=setting["ssm"], Value=name.lower(), Type="String")
    for value in ("first-4c", "second-5d"):
        stage.parameters.put_parameter(
            Name="/shop/other", Value=value, Type="SecureString", Overwrite=True
        )
    stage.write(
        manage=[part for part in ALL if part != "tags"], memory=512,
        environment={
            **ENVIRONMENT, "SAME": {"ssm": "/shop/db-url"}, "FIRST": {"ssm": "/shop/other:1"}, **many,
        },
    )  # fmt: skip
    stage.run("deploy")
    assert (stage.variables["SAME"], stage.variables["FIRST"]) == (SECRETS["ssm"], "first-4c")
    assert [stage.variables[name] for name in many] == [name.lower() for name in many]
    stage.site.proxy.forget()
    stage.run("deploy")
    services = [call.service for call in stage.site.proxy.calls]
    assert (services.count("lambda"), services.count("ssm")) == (4, 2)
    assert services.count("secretsmanager") == 2
    assert len(services) == 8


def layers_of_others(stage: Stage, *names: str) -> list[str]:
    code = zip_bytes({"python/other.py": ""})
    return [stage.account.layer(name, code) for name in names]


def test_layers_by_parameter_and_by_name_are_pinned(stage: Stage) -> None:
    otel, old, new = layers_of_others(stage, "otel", "observability", "observability")
    stage.parameters.put_parameter(Name="/layers/otel", Value=otel, Type="String")
    named = {"name": "observability", "version": 1}
    stage.write(layers=[named, "dependencies", {"ssm": "/layers/otel"}])
    stage.run("deploy")
    own = stage.account.functions.list_layer_versions(LayerName=LAYER)["LayerVersions"][0]
    ours = own["LayerVersionArn"]
    assert stage.account.layers_of(FUNCTION, ALIAS) == [old, ours, otel]
    stage.write(layers=[{**named, "version": "latest"}, "dependencies", {"ssm": "/layers/otel"}])
    planned = stage.run("plan", "--exit-code", code=3).out
    assert f"      - {old}\n      + {new}\n        {ours}\n        {otel}\n" in planned
    stage.run("deploy")
    assert stage.account.layers_of(FUNCTION, ALIAS) == [new, ours, otel]
    stage.run("plan", "--exit-code")


@pytest.mark.real  # Many deployments.
def test_a_layer_of_others_that_left_the_settings_is_detached(stage: Stage) -> None:
    """Only what the settings attached: the record is in the version; a layer that Terraform adds stays."""
    otel, theirs = layers_of_others(stage, "otel", "theirs")
    stage.write(layers=["dependencies", otel])
    stage.run("deploy")
    ours = stage.account.layers_of(FUNCTION)[0]
    stage.account.functions.update_function_configuration(
        FunctionName=FUNCTION, Layers=[ours, otel, theirs]
    )
    stage.write(says="two", layers=["dependencies", otel])
    stage.run("deploy")
    assert stage.account.layers_of(FUNCTION) == [ours, otel, theirs]
    stage.write(says="two")
    assert f"      - {otel}\n        {ours}\n        {theirs}\n" in stage.run("plan").out
    stage.run("deploy")
    assert stage.account.layers_of(FUNCTION, ALIAS) == [ours, theirs]
    # Somebody attaches it again: it is his.
    stage.account.functions.update_function_configuration(
        FunctionName=FUNCTION, Layers=[ours, theirs, otel]
    )
    stage.write(says="three")
    stage.run("deploy")
    assert stage.account.layers_of(FUNCTION) == [ours, theirs, otel]
    history = json.loads(stage.run("rollback", "--dry-run", "--json").out)
    assert history["functions"][0]["description"] == "shop 1.0"


def test_a_stage_must_list_the_layers_with_which_the_function_was_built(stage: Stage) -> None:
    stage.write(layers=["dependencis"])
    said = stage.run("plan", code=1).err
    assert (
        "  ├─▶ functions.api.layers: `dependencies` is missing, and the function was built without what is in it\n"
        "  ╰─▶ functions.api.layers: there is no layer `dependencis`\n"
        "hint: did you mean `dependencies`?" in said
    )


def test_a_change_by_somebody_else_before_the_version_is_noticed(stage: Stage) -> None:
    """Memory that is managed is part of what is published."""
    stage.write(memory=512)
    stage.run("deploy")
    stage.write(memory=1024)

    def interfere(call: Call) -> None:
        if call.operation == "PublishVersion":
            return
        if call.operation == "UpdateFunctionConfiguration":
            stage.site.proxy.edit = change

    def change(call: Call, data: bytes) -> bytes:
        if call.operation == "UpdateFunctionConfiguration":
            stage.account.functions.update_function_configuration(
                FunctionName=FUNCTION, MemorySize=128
            )
            answer = json.loads(data)
            answer["LastUpdateStatus"] = "InProgress"
            return json.dumps(answer).encode()
        return data

    stage.site.proxy.before = interfere
    said = stage.run("deploy", code=1).err
    assert f"somebody else changed function `{FUNCTION}` meanwhile" in said
    assert list(stage.account.versions(FUNCTION)) == [1]
