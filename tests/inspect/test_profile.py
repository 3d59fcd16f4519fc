"""Profiles of initializations: read from files, and arranged as trees whose times add up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import wherry
from support.zips import HANDLER, installed, write_package
from wherry.errors import SettingsError
from wherry.inspect.import_times import ImportTime
from wherry.inspect.profile import RUNTIME, ImportProfile, import_tree, read_profile

if TYPE_CHECKING:
    from pathlib import Path

LOG = b"""\
INIT_START Runtime Version: python:3.13
import time:       100 |        300 | io
import time:        10 |         30 | awslambdaric.bootstrap
import time:       200 |        200 |     grid.core
import time:        50 |         50 |     json
import time:       300 |        550 |   grid
import time:        40 |         40 |   frame
import time:       100 |        690 | data
"""


def taken(module: str, above: str | None, own: int, total: int) -> ImportTime:
    return ImportTime(module=module, imported_by=above, self_seconds=own / 1e6, seconds=total / 1e6)


def test_a_log_becomes_a_tree_whose_times_add_up(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(LOG)
    profile = read_profile(tmp_path / "log")
    assert (profile.function, profile.seconds) == ("", None)
    nodes = import_tree(profile, str.upper)
    assert [tuple(node) for node in nodes] == [
        ("imports", -1, 0, 1020, "", False),
        ("data", 0, 100, 690, "DATA", True),
        ("grid", 1, 300, 550, "GRID", True),
        ("grid.core", 2, 200, 200, "GRID.CORE", False),
        ("json", 2, 50, 50, "JSON", True),
        ("frame", 1, 40, 40, "FRAME", True),
        (RUNTIME, 0, 330, 330, "runtime", False),
    ]


def test_the_document_of_cold_starts_is_a_profile(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(LOG)
    imports = read_profile(tmp_path / "log").imports
    profile = ImportProfile(
        function="api", imports=imports, runtime_seconds=0.33, seconds=1.5, cold_seconds=(1.25, 1.0)
    )
    starts = wherry.ColdStarts(
        function="api", seconds=(1.25, 1.0), peak_memory=None, imports=imports, profile=profile
    )
    (tmp_path / "profile.json").write_text(json.dumps(starts.document()))
    again = read_profile(tmp_path / "profile.json")
    assert import_tree(again, str) == import_tree(profile, str)
    assert again.cold_seconds == (1.25, 1.0)
    root = import_tree(again, str)[0]
    # What no import accounts for is of the root's own.
    assert (root.module, root.total, root.own) == ("api", 1_500_000, 1_500_000 - 330_000 - 690)


def test_what_is_tried_twice_and_what_goes_round_in_circles() -> None:
    imports = (
        taken("a", None, 10, 60),
        taken("b", None, 20, 70),
        # An import that fails is tried by each that needs it.
        taken("fast", "a", 5, 5),
        taken("fast", "b", 5, 50),
        taken("fast", "b", 5, 5),
        taken("fast.core", "fast", 45, 45),
        # No interpreter writes these, but a file can hold them.
        taken("x", "y", 1, 1),
        taken("y", "x", 1, 1),
        taken("z", "nobody", 7, 7),
        taken("self", "self", 1, 1),
    )
    nodes = import_tree(ImportProfile(function="f", imports=imports), str)
    assert [(node.module, node.parent, node.own, node.total) for node in nodes] == [
        ("f", -1, 0, 97),
        ("b", 0, 20, 75),
        ("fast", 1, 10, 55),
        ("fast.core", 2, 45, 45),
        ("a", 0, 10, 15),
        ("fast", 4, 5, 5),
        ("z", 0, 7, 7),
    ]


def test_a_deep_stack_and_many_modules() -> None:
    deep = [taken(f"m{n}", f"m{n - 1}" if n else None, 1, 3000 - n) for n in range(3000)]
    nodes = import_tree(ImportProfile(function="f", imports=tuple(deep)), str)
    assert len(nodes) == 3001
    assert (nodes[0].total, nodes[-1].parent) == (3000, 2999)


GOOD: dict[str, Any] = {
    "function": "api",
    "init_ms": {"all": [1.0]},
    "imports": [{"module": "a", "imported_by": None, "self_ms": 1, "ms": 1}],
}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no times",
        b"{",
        b"{}",
        b"[1]",
        json.dumps({**GOOD, "imports": []}).encode(),
        json.dumps({**GOOD, "imports": [1]}).encode(),
        json.dumps({**GOOD, "imports": {"a": 1}}).encode(),
        json.dumps({**GOOD, "profile": 7}).encode(),
        json.dumps({**GOOD, "init_ms": None}).encode(),
        json.dumps({**GOOD, "imports": [{**GOOD["imports"][0], "ms": "1"}]}).encode(),
        json.dumps({**GOOD, "imports": [{**GOOD["imports"][0], "self_ms": -1}]}).encode(),
        json.dumps({**GOOD, "imports": [{**GOOD["imports"][0], "ms": float("nan")}]}).encode(),
        json.dumps({**GOOD, "imports": [{**GOOD["imports"][0], "module": None}]}).encode(),
        b'{"imports":' + b"[" * 2000,
    ],
)
def test_files_without_import_times(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(SettingsError, match="holds no import times") as caught:
        read_profile(tmp_path / "file")
    assert "--cold 5 --profile --json" in (caught.value.hint or "")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read"):
        read_profile(tmp_path / "none")


def test_the_page_and_the_sums_of_a_profile(tmp_path: Path) -> None:
    files = {
        "app.py": f"import grid\n{HANDLER}",
        **installed("grid", {"grid/__init__.py": "import json", "grid/core.py": ""}, version="2.0"),
    }
    (tmp_path / "log").write_bytes(LOG + b"import time: 5 | 5 | </script><b>&\xff\n")

    def inspected() -> wherry.InspectReport:
        return wherry.inspect(
            files=[write_package(tmp_path / "app.zip", files)],
            handler="app.handler",
            runtime="python3.13",
            architecture="x86_64",
            profile=tmp_path / "log",
            store=wherry.Store(tmp_path / "store"),
        )

    report = inspected()
    # `data` and `frame` are in no file; a module that its package makes belongs to it.
    assert list(report.import_times().items()) == [
        ("grid", 500),
        ("runtime", 330),
        ("(no file)", 145),
        ("standard library", 50),
    ]
    assert report.document()["import_ms"]["grid"] == 0.5
    page = report.html()
    assert page == inspected().html()
    assert page.count("</script>") == 2
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    nodes = data["profile"]["nodes"]
    assert sum(node[2] for node in nodes) == 1025
    assert all(node[1] < index for index, node in enumerate(nodes))
    assert data["profile"]["owners"][nodes[2][3]] == "grid"
