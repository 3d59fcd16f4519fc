"""The verdicts of checks about applications of PyPI, which work."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import wherry
from support.judged import VERSION, install, normalized
from support.zips import HANDLER
from wherry.store import Store

pytestmark = pytest.mark.real

# Applications whose own code is judged as a project's: as if it had never been installed.
PROJECTS = {
    "bandit": "bandit",
    "celery": "celery",
    "chalice": "chalice",
    "cookiecutter": "cookiecutter",
    "csvkit": "csvkit",
    "datasette": "datasette",
    "flask-appbuilder": "flask_appbuilder",
    "flask-restx": "flask_restx",
    "glances": "glances",
    "httpbin": "httpbin",
    "httpie": "httpie",
    "jc": "jc",
    "litecli": "litecli",
    "locust": "locust",
    "mkdocs": "mkdocs",
    "pypiserver": "pypiserver",
    "radicale": "radicale",
    "scrapy": "scrapy",
    "sqlfluff": "sqlfluff",
    "sqlite-utils": "sqlite_utils",
    "twine": "twine",
    "wagtail": "wagtail",
}


def test_real_projects_have_no_findings(tmp_path: Path) -> None:
    assert len(PROJECTS) >= 20
    store = Store(tmp_path / "store")
    wrong = {}
    for name, module in PROJECTS.items():
        folder = install(tmp_path / name, [name])
        (record,) = (
            path
            for path in folder.glob("*.dist-info/RECORD")
            if normalized(path.parent.name.split("-")[0]) == name
        )
        shutil.rmtree(record.parent)
        shutil.rmtree(folder / "bin", ignore_errors=True)
        (folder / "app.py").write_text(f"import {module}\n{HANDLER}")
        archive = tmp_path / f"{name}.zip"
        subprocess.run(["zip", "-qr0", str(archive), "."], cwd=folder, check=True)
        report = wherry.check(
            files=[archive], handler="app.handler", runtime=f"python{VERSION}", architecture="x86_64", store=store
        )  # fmt: skip
        shutil.rmtree(folder)
        archive.unlink()
        if report.findings:
            wrong[name] = report.findings
    assert wrong == {}
