"""The supply of a package: which project says what it needs, and whose code it holds."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from wherry.compose.recipe import SupplyKey, SupplyOptions
from wherry.settings.model import FunctionSettings, Settings

SETTINGS = Settings(groups=("lambda",), extras=("x",), lock="all.txt")
MAIN = SupplyKey(groups=("lambda",), extras=("x",), lock="all.txt")
OPTIONS = SupplyOptions(is_project=lambda root: root in {".", "services"})


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, MAIN),
        ({"package": "api"}, {"package": "api"}),
        ({"root": "."}, {"code": "."}),
        ({"root": ".", "package": "api"}, {"package": "api"}),
        ({"root": "plain"}, {"code": "plain"}),
        ({"root": "plain", "package": "api"}, {"code": "plain", "package": "api"}),
        ({"root": "plain", "lock": "a.txt"}, {"code": "plain", "lock": "a.txt"}),
        ({"root": "plain", "groups": ()}, {"code": "plain", "groups": ()}),
        ({"root": "services"}, SupplyKey(project="services", code="services")),
        ({"root": "services", "package": "api"}, SupplyKey(project="services", package="api")),
        (
            {"root": "services", "lock": "a.txt", "groups": ("g",)},
            SupplyKey(project="services", code="services", lock="a.txt", groups=("g",)),
        ),
    ],
)
def test_the_supply_of_a_function(
    settings: dict[str, str], key: SupplyKey | dict[str, str]
) -> None:
    content = FunctionSettings(**settings)  # type: ignore[arg-type]
    expected = key if isinstance(key, SupplyKey) else replace(MAIN, **key)
    assert OPTIONS.supply(content, SETTINGS) == expected


def test_options_are_for_all_packages() -> None:
    options = SupplyOptions(
        groups=("g",), package="api", lock="b.txt", is_project=OPTIONS.is_project
    )
    assert options.supply(FunctionSettings(lock="a.txt"), SETTINGS) == SupplyKey(
        package="api", groups=("lambda", "g"), extras=("x",), lock="b.txt"
    )
    # A folder is not the member of a workspace that an option names.
    assert options.supply(FunctionSettings(root="services"), SETTINGS) == SupplyKey(
        project="services", code="services", groups=("g",), lock="b.txt"
    )
    assert MAIN.needs == MAIN
    assert SupplyKey(code="plain", groups=("g",)).needs == SupplyKey(groups=("g",))
