"""Applications of Chalice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from wherry.files import ProjectFiles
from wherry.settings.foreign.find import read_description

if TYPE_CHECKING:
    from pathlib import Path

UNKNOWN = ("app.py does not show what it registers: add the functions of events to the settings",)


@pytest.mark.parametrize(
    ("app", "handlers", "warnings"),
    [
        ("app = Chalice('shop')\n@app.route('/')\ndef index(): ...\n", {"shop": "app.app"}, ()),
        (
            "app: Server = server.make()\n@app.route('/')\ndef index(): ...\n@app.schedule('rate(1 hour)')\ndef nightly(event): ...\n",
            {"shop": "app.app", "nightly": "app.nightly"},
            (),
        ),
        ("app = make_app()\n", {"shop": "app.app"}, UNKNOWN),
        ("from chalicelib.shop import app\n", {"shop": "app.app"}, UNKNOWN),
        ("import app_of_others\ndef f():\n    app = 1\n", None, ()),
        # What a newer Python than this one understands.
        ("app = Chalice('shop')\n@app.route('/')\ndef index():\n    return ?\n", {"shop": "app.app"}, ()),
    ],
)  # fmt: skip
def test_applications(
    tmp_path: Path, app: str, handlers: dict[str, str] | None, warnings: tuple[str, ...]
) -> None:
    """The application is the `app` of `app.py`, whatever makes it."""
    write_files(tmp_path, {".chalice/config.json": '{"app_name": "shop"}', "app.py": app})
    description = read_description(tmp_path / ".chalice/config.json", ProjectFiles())
    if handlers is None:
        assert description is None
        return
    assert description is not None
    assert {each.name: each.settings["handler"] for each in description.functions} == handlers
    assert description.warnings == warnings
