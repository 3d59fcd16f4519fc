"""The laws of composing, for whatever distributions and settings: a function and its layers are one package."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import tomli_w
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from support.composing import Lambda, composed, contents, distribution, package_of, settings_of
from wherry.bundle.writer import write_package
from wherry.errors import ConflictError
from wherry.events import Warned

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.compose.model import Composition, Distribution

NAMES = ("alpha", "alpha-extras", "beta", "gamma", "native")


def _files(name: str, traits: set[str], version: str) -> dict[str, str]:
    module = name.replace("-", "_")
    files = {
        f"{module}/__init__.py": f"# {name} {version}\n",
        f"{module}/same.py": "# never changes\n",
        f"{module}/deep/__init__.py": "",
        f"{module}/deep/data.json": f'"{name}"\n',
    }
    if "namespace" in traits:
        files[f"spread/{module}.py"] = "# of a namespace\n"
    if "shared" in traits:
        files |= {"shared/__init__.py": "", f"shared/{module}.py": "# of a regular package\n"}
    if "extends" in traits:
        extend = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
        files |= {"grown/__init__.py": extend, f"grown/{module}.py": "# of an old namespace\n"}
    if "module" in traits:
        files[f"{module}_alone.py"] = "# a module\n"
    if "script" in traits:
        files["bin/run"] = "#!/bin/sh\n"
    if "licence" in traits:
        files["LICENSE"] = f"{name}\n"  # a conflict, unless it is alone
    if "libraries" in traits:
        files[f"{module}.libs/libx.so"] = "ELF\n"
    return files


TRAITS = st.sets(
    st.sampled_from(["namespace", "shared", "extends", "module", "script", "licence", "libraries"])
)


@st.composite
def supplies(draw: st.DrawFn, *, conflicts: bool = True) -> list[Distribution]:
    """Some distributions, and the project's own code."""
    traits = TRAITS if conflicts else TRAITS.map(lambda them: them - {"licence"})
    found = [
        distribution(
            name,
            _files(name, draw(traits), "1"),
            executable=["bin/run"] if draw(st.booleans()) else [],
        )
        for name in draw(st.sets(st.sampled_from(NAMES)))
    ]
    own = {"shop/__init__.py": "", "shop/api.py": "# handler\n", "config.json": "{}\n"}
    if draw(st.booleans()):
        own |= {"spread/shop.py": "# the project's part\n", "bin/run": "#!/bin/sh\n"}
    return draw(st.permutations([*found, distribution("shop", own, own=True)]))


PATTERNS = st.lists(st.sampled_from(["*", "*", "alph*", "b*", "*a"]), max_size=2, unique=True)
PATHS = st.lists(
    st.sampled_from(["same.py", "/alpha/", "*.json", "deep/", "shared/a*", "LICENSE"]), max_size=2
)


@st.composite
def tables(draw: st.DrawFn, *, paths: bool) -> dict[str, Any]:
    """``[tool.wherry]`` with some layers that stand on each other, and functions that take some."""
    layers: dict[str, Any] = {}
    for number in range(draw(st.integers(0, 3))):
        layout = draw(st.sampled_from(["python", "python", "site-packages"]))
        same = [name for name, other in layers.items() if other["layout"] == layout]
        layers[f"layer{number}"] = {
            "layout": layout,
            "include": draw(PATTERNS),
            "exclude": draw(st.lists(st.sampled_from(["alph*", "b*"]), max_size=1)),
            "project": draw(st.booleans()),
            "layers": draw(st.lists(st.sampled_from(same), unique=True)) if same else [],
            **({"exclude-files": draw(PATHS)} if paths else {}),
        }
    functions = {
        f"function{number}": {
            "layers": draw(st.lists(st.sampled_from(list(layers)), unique=True)) if layers else [],
            **({"exclude-files": draw(PATHS)} if paths else {}),
            **({} if draw(st.booleans()) else {"exclude": draw(PATTERNS)}),
        }
        for number in range(draw(st.integers(1, 2)))
    }
    return {"functions": functions, "layers": layers, "conflicts": {"LICENSE": "alpha"}}


def compose_or_conflict(supply: list[Distribution], table: dict[str, Any]) -> Composition | None:
    try:
        return composed(supply, settings_of(tomli_w.dumps(table)))
    except ConflictError:
        event("conflict")
        return None


def alone(supply: list[Distribution], table: dict[str, Any], name: str) -> dict[str, Any]:
    """What one package with everything would hold, from the function's own settings."""
    functions = {name: {**table["functions"][name], "layers": []}}
    return contents(
        package_of(composed(supply, tomli_w.dumps({**table, "functions": functions})), name).bundle
    )


@settings(max_examples=100)
@given(supplies(), tables(paths=True))
def test_a_function_and_its_layers_are_what_one_package_would_be(
    supply: list[Distribution], table: dict[str, Any]
) -> None:
    """Every file that one package would hold is found, with its own content, where Python looks for it."""
    composition = compose_or_conflict(supply, table)
    if composition is None:
        return
    for name in table["functions"]:
        single = alone(supply, table, name)
        unpacked = Lambda.of(composition, name)
        seen = unpacked.seen()
        assert {path: seen.get(path) for path in single} == single
        # And what is there besides was put there by a layer.
        below = {path for place in unpacked.places[1:] for path in place}
        assert set(unpacked.task) <= single.keys()
        assert seen.keys() <= single.keys() | below


@settings(max_examples=100)
@given(supplies(), tables(paths=False))
def test_their_contents_are_a_partition(supply: list[Distribution], table: dict[str, Any]) -> None:
    """No file twice, unless a package that Python finds in one place alone had to be kept together."""
    composition = compose_or_conflict(supply, table)
    if composition is None:
        return
    repeated = any(
        isinstance(remark, Warned) and "repeat" in remark.text for remark in composition.remarks
    )
    event(f"repeated: {repeated}")
    for name, function in table["functions"].items():
        unpacked = Lambda.of(composition, name)
        below: dict[str, Any] = {}
        for place in reversed(unpacked.places[1:]):
            below |= place
        twice = {path for path, content in unpacked.task.items() if below.get(path) == content}
        if repeated:
            assert all(path.startswith("shared/") for path in twice)
        else:
            assert not twice
        if not function["layers"]:
            assert contents(package_of(composition, name).bundle) == alone(supply, table, name)


@settings(max_examples=70)
@given(supplies(), tables(paths=True))
def test_a_layer_does_not_repeat_what_it_stands_on(
    supply: list[Distribution], table: dict[str, Any]
) -> None:
    composition = compose_or_conflict(supply, table)
    if composition is None:
        return
    for package in composition.packages:
        if package.kind == "layer":
            below: dict[str, Any] = {}
            for name in package.layers:
                below |= contents(package_of(composition, name).bundle)
            assert not below.items() & contents(package.bundle).items()
            assert len(package.bundle)


@settings(max_examples=100)
@given(supplies(), tables(paths=True), st.randoms(use_true_random=False))
def test_the_order_of_tables_and_distributions_does_not_matter(
    supply: list[Distribution], table: dict[str, Any], order: random.Random
) -> None:
    def shuffled(mapping: dict[str, Any]) -> dict[str, Any]:
        keys = list(mapping)
        order.shuffle(keys)
        return {key: mapping[key] for key in keys}

    other = {key: shuffled(value) for key, value in shuffled(table).items()}
    one, two = (
        compose_or_conflict(supply, table),
        compose_or_conflict(order.sample(supply, len(supply)), other),
    )
    assert (one is None) == (two is None)
    if one is not None and two is not None:
        assert {package.name: package for package in one.packages} == {
            package.name: package for package in two.packages
        }


@settings(max_examples=100)
@given(supplies(), tables(paths=False))
def test_building_some_packages_gives_the_same_as_building_all(
    supply: list[Distribution], table: dict[str, Any]
) -> None:
    every = compose_or_conflict(supply, table)
    if every is None:
        return
    for name in (*table["functions"], *table["layers"]):
        some = composed(supply, tomli_w.dumps(table), names=[name])
        for package in some.packages:
            assert package == package_of(every, package.name)


@settings(max_examples=100)
@given(supplies(conflicts=False))
def test_renaming_there_and_back_again(supply: list[Distribution]) -> None:
    """A rename loses nothing, and its inverse undoes it."""
    plain = package_of(composed(supply, "[functions.f]\n"), "f").bundle
    there = package_of(
        composed(supply, '[functions.f.rename]\n"shop" = "store/front"\n'), "f"
    ).bundle
    assert contents(there) == {
        f"store/front{path.removeprefix('shop')}" if path.startswith("shop/") else path: content
        for path, content in contents(plain).items()
    }
    moved = [replace(one, bundle=there) for one in supply if one.own]
    back = composed(moved, '[functions.f.rename]\n"store/front" = "shop"\n')
    assert contents(package_of(back, "f").bundle) == contents(plain)


@settings(max_examples=50)
@given(supplies(conflicts=False))
def test_a_layer_is_its_code_below_a_folder(supply: list[Distribution]) -> None:
    """The prefix alone tells a layer from a package of the same content."""
    composition = composed(
        supply, '[functions.f]\nproject = false\n[layers.l]\n[layers.s]\nlayout = "site-packages"\n'
    )
    code = package_of(composition, "f").bundle
    for name, folder in (("l", "python"), ("s", "python/lib/python3.13/site-packages")):
        layers = [package for package in composition.packages if package.name == name]
        assert [layer.bundle for layer in layers] == ([code.prefix(folder)] if len(code) else [])


def test_the_bytes_are_the_same_when_composed_again(tmp_path: Path) -> None:
    """(A4, A5, S7)"""
    supply = [
        distribution(
            "alpha", _files("alpha", {"script", "namespace"}, "1"), executable=["bin/run"]
        ),
        distribution("shop", {"shop/__init__.py": "", "shop/api.py": ""}, own=True),
    ]
    table = '[functions.f]\nlayers = ["l"]\n[layers.l]\n'
    written = [
        {
            package.name: write_package(
                package.bundle, tmp_path / str(number) / package.name
            ).sha256
            for package in composed(list(order), table).packages
        }
        for number, order in enumerate((supply, supply, supply[::-1]))
    ]
    assert written[0] == written[1] == written[2]
    assert set(written[0]) == {"f", "l"}
