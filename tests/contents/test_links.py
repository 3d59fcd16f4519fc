"""Symbolic links in archives of others."""

from __future__ import annotations

from wherry.bundle.entry import inline
from wherry.contents.links import follow_links
from wherry.contents.model import File


def files_of(texts: dict[str, str], links: dict[str, str]) -> dict[str, File]:
    files = {}
    for path, text in (texts | links).items():
        place = f"/var/task/{path}"
        payload = inline(path, text.encode(), owner="app").payload
        files[place] = File(path, place, "app", payload, is_link=path in links)
    return files


def test_files_and_folders_behind_links() -> None:
    links = {"app.py": "src/app.py", "shared": "libraries", "libraries/deep": "/var/task/other"}
    files = files_of(
        {"src/app.py": "", "libraries/a.py": "", "libraries0.py": "", "other/b.py": ""}, links
    )
    found = follow_links(files)
    assert not found["/var/task/app.py"].is_link
    assert found["/var/task/app.py"].path == "app.py"
    assert {place.removeprefix("/var/task/") for place in found.keys() - files.keys()} == {
        "shared/a.py",
        "shared/deep",
        "shared/deep/b.py",
        "libraries/deep/b.py",
    }


def test_links_that_lead_nowhere_or_round() -> None:
    files = files_of({"a.py": ""}, {"gone": "nowhere", "round": ".", "loop": "loop", "up": "../.."})
    assert "/var/task/a.py" in follow_links(files)


def test_links_add_only_so_many_files() -> None:
    """Thousands of links to a folder of thousands of files would be millions."""
    texts = {f"many/{number}.py": "" for number in range(3000)}
    links = {f"link{number}": "many" for number in range(3000)}
    files = files_of(texts, links)
    assert len(follow_links(files)) <= len(files) + 100_000
    # As many links to nowhere as files are compared with none of them.
    nowhere = files_of(
        {f"{number}.py": "" for number in range(30_000)},
        {f"link{number}": "nowhere" for number in range(30_000)},
    )
    assert follow_links(nowhere).keys() == nowhere.keys()
