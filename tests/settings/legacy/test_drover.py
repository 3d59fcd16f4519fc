"""drover.yml in Wherry's terms: every key of its documentation. (D1, D10)"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.projects import write_files
from wherry.errors import ProjectError, SettingsError, WherryError
from wherry.settings.legacy.read import find_legacy, is_legacy, translate
from wherry.settings.read import read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.settings.legacy import Translation

DOCUMENTED = """\
stages:
  staging:
    region_name: us-east-1
    function_name: basic-lambda
    compatible_runtime: python3.8
    function_file_patterns:
      - '^basic_lambda.*'
    function_extra_paths:
      - instance
    upload_bucket:
      region_name: us-east-1
      bucket_name: drover-examples
"""
EVERYTHING = r"""
stages:
  production:
    region_name: eu-west-1
    function_name: shop
    compatible_runtime: python3.13
    function_file_patterns: ['^shop/', '.*\.toml$']
    function_extra_paths: [instance, /etc/shop]
    requirements_layer_name: shared
    supplemental_layer_arns:
      - arn:aws:lambda:eu-west-1:123456789012:layer:one:3
      - arn:aws-cn:lambda:eu-west-1:123456789012:layer:two:14
    package_exclude_patterns: ['.*\.md$']
    upload_bucket:
      region_name: eu-central-1
      bucket_name: deployments
      prefix: /lambda/shop/
"""
MINIMAL = """\
stages:
  dev:
    region_name: us-east-1
    function_name: f
    compatible_runtime: python3.13
    function_file_patterns: ['f']
"""


def translated(root: Path, text: str | bytes, **options: str | None) -> Translation:
    write_files(root, {"drover.yml": text, "instance/config.toml": ""})
    return translate(root / "drover.yml", **options)


def refused(root: Path, text: str | bytes, **options: str | None) -> str:
    with pytest.raises(SettingsError) as caught:
        translated(root, text, **options)
    return str(caught.value)


def test_the_documented_example(tmp_path: Path) -> None:
    """The runtime that AWS has no more is carried: what the user asks for goes before it. (D1)"""
    found = translated(tmp_path, DOCUMENTED, install_path="install")
    assert found.table == {
        "runtime": "python3.8",
        "install-path": "install",
        "functions": {
            "basic-lambda": {
                "layers": ["basic-lambda-requirements"],
                "include-regex": ["^basic_lambda.*"],
                "extra-paths": [{"path": "instance", "to": ""}],
                "project": False,
            }
        },
        "layers": {"basic-lambda-requirements": {"exclude-regex": ["^basic_lambda.*"]}},
    }
    assert found.stages == {
        "staging": {
            "region": "us-east-1",
            "bucket": "s3://drover-examples",
            "manage": ["code", "layers", "runtime"],
            "functions": {"basic-lambda": {"name": "basic-lambda", "layers": "exclusive"}},
            "layers": {"basic-lambda-requirements": {"name": "basic-lambda-requirements"}},
        }
    }
    assert found.where == "drover.yml, stage staging"


def test_every_key(tmp_path: Path) -> None:
    """(D1)"""
    found = translated(tmp_path, EVERYTHING)
    assert found.table == {
        "runtime": "python3.13",
        "functions": {
            "shop": {
                "layers": [
                    "arn:aws:lambda:eu-west-1:123456789012:layer:one:3",
                    "arn:aws-cn:lambda:eu-west-1:123456789012:layer:two:14",
                    "shared",
                ],
                "include-regex": ["^shop/", r".*\.toml$"],
                "exclude-regex": [r".*\.md$"],
                "extra-paths": [{"path": "instance", "to": ""}],
            }
        },
        "layers": {"shared": {"exclude-regex": ["^shop/", r".*\.toml$", r".*\.md$"]}},
    }
    assert found.stages["production"] == {
        "region": "eu-west-1",
        "bucket": "s3://deployments/lambda/shop",
        "bucket-region": "eu-central-1",
        "manage": ["code", "layers", "runtime"],
        "functions": {"shop": {"name": "shop", "layers": "exclusive"}},
        "layers": {"shared": {"name": "shared"}},
    }
    settings_ = read_settings(found.table, found.where)
    assert settings_.functions["shop"].layers[-1] == "shared"


def test_the_note_shows_the_table(tmp_path: Path) -> None:
    """And says what of the file building does not need."""
    notes = translated(tmp_path, EVERYTHING).notes
    assert notes == (
        (
            "`drover.yml` is read as these settings of Wherry:\n"
            "\n"
            "  [tool.wherry]\n"
            '  runtime = "python3.13"\n'
            "\n"
            "  [tool.wherry.functions.shop]\n"
            "  layers = [\n"
            '    "arn:aws:lambda:eu-west-1:123456789012:layer:one:3",\n'
            '    "arn:aws-cn:lambda:eu-west-1:123456789012:layer:two:14",\n'
            '    "shared",\n'
            "  ]\n"
            "  include-regex = [\"^shop/\", '.*\\.toml$']\n"
            "  exclude-regex = ['.*\\.md$']\n"
            '  extra-paths = [{ path = "instance", to = "" }]\n'
            "\n"
            "  [tool.wherry.layers.shared]\n"
            "  exclude-regex = [\"^shop/\", '.*\\.toml$', '.*\\.md$']"
        ),
        "region, bucket and names on AWS are not needed for building",
    )
    assert translated(tmp_path, EVERYTHING).warnings == (
        "`function_extra_paths` names `/etc/shop`, which does not exist",
    )


def test_defaults(tmp_path: Path) -> None:
    found = translated(tmp_path, MINIMAL)
    assert "exclude-regex" not in found.table["functions"]["f"]
    assert list(found.table["layers"]) == ["f-requirements"]
    assert "bucket" not in found.stages["dev"]


def test_without_patterns_all_goes_into_the_layer(tmp_path: Path) -> None:
    found = translated(tmp_path, MINIMAL.replace("['f']", "[]"))
    assert found.table["functions"]["f"]["include-regex"] == ["(?!)"]
    assert found.table["layers"] == {"f-requirements": {}}


def test_excludes_may_be_none_at_all(tmp_path: Path) -> None:
    found = translated(tmp_path, MINIMAL + "    package_exclude_patterns: []\n")
    assert "exclude-regex" not in found.table["functions"]["f"]


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("shop", "shop"),
        ("shop.api v2", "shop-api-v2"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:shop", "shop"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:shop:live", "shop"),
        ("123456789012:function:shop", "shop"),
    ],
)
def test_names_of_functions_become_names_of_files(tmp_path: Path, name: str, plain: str) -> None:
    found = translated(tmp_path, MINIMAL.replace("function_name: f", f"function_name: {name}"))
    assert list(found.table["functions"]) == [plain]
    assert found.stages["dev"]["functions"] == {plain: {"name": name, "layers": "exclusive"}}
    read_settings(found.table, "here")


def test_a_layer_of_the_functions_name(tmp_path: Path) -> None:
    found = translated(tmp_path, MINIMAL + "    requirements_layer_name: f\n")
    assert list(found.table["layers"]) == ["f-requirements"]
    assert found.stages["dev"]["layers"] == {"f-requirements": {"name": "f"}}
    read_settings(found.table, "here")


def test_yaml_of_people(tmp_path: Path) -> None:
    """Anchors, merges, a byte order mark, comments, empty values."""
    text = """\ufeff# ours
base: &base
  region_name: us-east-1
  compatible_runtime: python3.12
  function_file_patterns: &patterns ['^a/']
stages:
  prod: {<<: *base, function_name: p, upload_bucket: }
  dev:
    <<: *base
    function_name: d
    compatible_runtime: python3.13
    package_exclude_patterns: *patterns
"""
    prod = translated(tmp_path, text, stage="prod")
    dev = translated(tmp_path, text.replace("\n", "\r\n"), stage="dev")
    assert (prod.table["runtime"], dev.table["runtime"]) == ("python3.12", "python3.13")
    assert dev.table["functions"]["d"]["exclude-regex"] == ["^a/"]
    assert list(prod.stages) == ["prod"]


def test_stages(tmp_path: Path) -> None:
    """(D10)"""
    two = MINIMAL + MINIMAL.removeprefix("stages:\n").replace("dev:", "prod:")
    assert list(translated(tmp_path, two, stage="prod").stages) == ["prod"]
    assert refused(tmp_path, two) == (
        "`drover.yml` has several stages\n"
        "  ╰─▶ `drover.yml` has `dev`, `prod`\n"
        "hint: choose one: --stage dev"
    )
    assert refused(tmp_path, two, stage="pro") == (
        "there is no stage `pro`\n  ╰─▶ `drover.yml` has `dev`, `prod`\nhint: did you mean `prod`?"
    )
    assert "hint" not in refused(tmp_path, MINIMAL, stage="zzz")


def test_all_problems_at_once(tmp_path: Path) -> None:
    """With their lines; those of other stages too. (D10)"""
    text = """\
stages:
  staging:
    region_nam: us-east-1
    function_name: 3
    function_file_patterns:
      - '^basic_lambda('
      - 4
    function_extra_paths: instance
    supplemental_layer_arns: [foo]
    package_exclude_patterns: ['[z']
  other: 3
stage: {}
"""
    assert refused(tmp_path, text, stage="staging") == (
        "the settings in drover.yml are wrong\n"
        "  ├─▶ line 3: stages.staging.region_nam: there is no such setting\n"
        "  ├─▶ line 3: stages.staging.region_name: it is missing\n"
        "  ├─▶ line 3: stages.staging.compatible_runtime: it is missing\n"
        "  ├─▶ line 4: stages.staging.function_name: expected a string\n"
        "  ├─▶ line 6: stages.staging.function_file_patterns[0]: `^basic_lambda(` is not a regular "
        "expression: missing ), unterminated subpattern at position 13\n"
        "  ├─▶ line 7: stages.staging.function_file_patterns[1]: expected a string\n"
        "  ├─▶ line 8: stages.staging.function_extra_paths: expected a list of strings\n"
        "  ├─▶ line 9: stages.staging.supplemental_layer_arns[0]: `foo` is not the ARN of a layer "
        "version (arn:aws:lambda:…:layer:NAME:1)\n"
        "  ├─▶ line 10: stages.staging.package_exclude_patterns[0]: `[z` is not a regular expression: "
        "unterminated character set at position 0\n"
        "  ├─▶ line 11: stages.other: expected a mapping of settings\n"
        "  ╰─▶ line 12: stage: there is no such setting\n"
        "hint: did you mean `stages`, `stages.staging.region_name`?"
    )


def test_keys_that_are_not_indented(tmp_path: Path) -> None:
    """As the example comes out where its indentation is lost."""
    text = MINIMAL + "    upload_bucket:\n    region_name: us-east-1\n    bucket_name: x\n"
    assert refused(tmp_path, text) == (
        "the settings in drover.yml are wrong\n"
        "  ├─▶ line 8: stages.dev.region_name: it is already set at line 3\n"
        "  ╰─▶ line 9: stages.dev.bucket_name: there is no such setting\n"
        "hint: keys of a mapping inside another are indented deeper than its name"
    )


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("stages: [a", "`drover.yml` is not valid YAML"),
        ("stages:\n\t- a", "`drover.yml` is not valid YAML\n  ╰─▶ line 2, column 1: "),
        ("a: *b", "undefined alias"),
        ("a: 1\n---\nb: 1", "line 2, column 1: but found another document"),
        (b"\xff\xfe", "`drover.yml` is not UTF-8"),
        (b"a: \x00", "`drover.yml` is not valid YAML"),
        ("- a", "`drover.yml` holds no settings"),
        ("3", "`drover.yml` holds no settings"),
        ("", "`drover.yml` holds no settings"),
        ("{}", "`drover.yml` holds no settings"),
        ("stages: {}", "line 1: stages: there is no stage"),
        ("stages:", "line 1: stages: it is missing"),
        ("stages: 3", "line 1: stages: expected a mapping of settings"),
        ("stages: {a: !!python/object:os.system {}}", "the settings in drover.yml are wrong"),
        ("stages: &a {<<: *a}", "drover.yml"),
        ("stages: {a: {<<: 3}}", "line 1: stages.a.<<: expected a mapping"),
        ("[" * 3000, "it is nested too deeply"),
        ("#" * (1 << 21), "it is larger than 1 MiB"),
        ("? {a: b}\n: c\n", "drover.yml"),
    ],
)
def test_no_yaml_and_no_settings(tmp_path: Path, text: str | bytes, error: str) -> None:
    """(D10)"""
    assert error in refused(tmp_path, text)


def test_no_file(tmp_path: Path) -> None:
    """(D10)"""
    with pytest.raises(ProjectError) as caught:
        translate(tmp_path / "drover.yml")
    assert caught.value.hint == "name the file: --config FILE"
    with pytest.raises(ProjectError):
        translate(tmp_path)


def test_aliases_do_not_grow(tmp_path: Path) -> None:
    """A billion laughs are no laugh at all."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 20)}]" for n in range(1, 20)]
    text = "\n".join([*lines, "stages: {s: {function_file_patterns: *a19}}"])
    assert "expected a string" in refused(tmp_path, text)


def test_whose_file_it_is(tmp_path: Path) -> None:
    """By what it holds, whatever it is called."""
    write_files(tmp_path, {"deploy.yaml": MINIMAL, "x.yml": "package: {name: a}", "y.yml": "a: 1"})
    assert translate(tmp_path / "deploy.yaml").where == "deploy.yaml, stage dev"
    assert translate(tmp_path / "x.yml").where == "x.yml"
    with pytest.raises(SettingsError, match="not of a tool that Wherry knows"):
        translate(tmp_path / "y.yml")
    assert is_legacy(tmp_path / "drover.yml")
    assert not is_legacy(tmp_path / "other.toml")


def test_finding_it(tmp_path: Path) -> None:
    assert find_legacy(tmp_path) is None
    write_files(tmp_path, {"settings.spindrift": ""})
    assert find_legacy(tmp_path) == tmp_path / "settings.spindrift"
    write_files(tmp_path, {"drover.yml": ""})
    with pytest.raises(SettingsError, match="several older tools"):
        find_legacy(tmp_path)


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6), st.dates()
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["region_name", "prefix", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = ["region_name", "function_name", "compatible_runtime", "function_file_patterns"]
KEYS += ["function_extra_paths", "supplemental_layer_arns", "upload_bucket", "odd"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=70)
@given(
    document=st.one_of(
        VALUES,
        st.fixed_dictionaries(
            {
                "stages": st.dictionaries(
                    st.sampled_from("ab"), st.dictionaries(st.sampled_from(KEYS), VALUES)
                )
            }
        ),
        st.dictionaries(
            st.sampled_from(["package", "output"]),
            st.dictionaries(st.sampled_from(["type", "name", "entry", "runtime", "path"]), VALUES),
        ),
    )
)
def test_whatever_is_in_it(tmp_path: Path, document: object) -> None:
    """Settings that can be read, or an error of ours. (D10)"""
    import yaml

    path = tmp_path / "any.yml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    try:
        found = translate(
            path, stage="a" if isinstance(document, dict) and "stages" in document else None
        )
    except WherryError as error:
        assert error.message
    else:
        read_settings(found.table, found.where)
