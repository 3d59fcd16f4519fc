"""Plans of many functions."""

from __future__ import annotations

from wherry.aws.plan import PartLines, together


def part(name: str, *actions: str) -> PartLines:
    return PartLines(
        kind="function", name=name, title=f"function {name} (shop-{name})", actions=actions
    )


def moved(number: int) -> str:
    return f"move alias live: version {number} → the new version"


def test_functions_with_which_the_same_happens_are_told_together() -> None:
    """Sizes and versions may differ; what stands below an action may not."""
    layer = [
        "update the configuration: layers",
        "    - arn:layer:7",
        "    + the new version of deps",
    ]
    parts = [
        part("api", "update the code, 1.2 KiB: code", *layer, moved(3)),
        part("mail"),
        part("jobs", "update the code, 812 B: code", *layer, moved(12)),
        part("odd", "update the code, 812 B: code", *layer[:1], "    - arn:layer:8", *layer[2:], moved(3)),
        part("pay", "update the code, 812 B: code", *layer, moved(3)),
        part("log"),
    ]  # fmt: skip
    assert [*together(parts)] == [
        "3 functions (api, jobs, pay)",
        "  update the code, …: code",
        "  update the configuration: layers",
        "      - arn:layer:7",
        "      + the new version of deps",
        "  move alias live: version … → the new version",
        "function mail (shop-mail): as it should be",
        "function log (shop-log): as it should be",
        "function odd (shop-odd)",
        "  update the code, 812 B: code",
        "  update the configuration: layers",
        "      - arn:layer:8",
        "      + the new version of deps",
        "  move alias live: version 3 → the new version",
    ]
    assert [*together([part("a"), part("b"), part("c")])] == [
        "3 functions (a, b, c): as it should be"
    ]


def test_thirty_functions_are_a_few_lines() -> None:
    parts = [part(f"f{number}", "publish a version", moved(number)) for number in range(30)]
    assert len([*together(parts)]) == 3
