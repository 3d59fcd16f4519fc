"""Files that appear after a build that installed nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.projects import write_files
from support.reporters import Heard
from wherry.events import Warned
from wherry.pipeline.build import build_packages
from wherry.pipeline.request import open_context, read_request
from wherry.store import Store

METADATA = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\n'


def build(root: Path) -> tuple[list[str], bool]:
    """The warnings of a build, and whether it wrote."""
    heard = Heard()
    request = read_request(root, runtime="python3.13")
    context = open_context(request, store=Store(root.parent / "store"), reporter=heard)
    (package,) = build_packages(request, context).packages
    texts = [event.text for event in heard.events if isinstance(event, Warned)]
    return texts, package.changed


@pytest.mark.parametrize("lock", ["requirements.txt", "pylock.toml"])
def test_requirements_of_a_function_folder(lock: str, tmp_path: Path) -> None:
    empty = "# nothing yet\n"
    if lock == "pylock.toml":
        empty = 'lock-version = "1.0"\ncreated-by = "tests"\npackages = []\n'
    files = {"pyproject.toml": METADATA, lock: empty, "app.py": "def handler(e, c): return 1\n"}
    root = write_files(tmp_path / "shop", files)
    assert build(root) == ([], True)
    assert build(root) == ([], False)
    write_files(root, {"functions/a/app.py": "", "functions/a/requirements.txt": "requests\n"})
    for changed in (True, False):
        (text,), wrote = build(root)
        assert text == "no dependencies are installed: `functions/a/requirements.txt` was not read"
        assert wrote is changed
