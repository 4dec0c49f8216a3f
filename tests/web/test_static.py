"""The files of others stand unmodified, and the script and icons are found."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VENDOR = ROOT / "static" / "vendor"
FOLDERS = {"static/vendor": "htmx.min.js", "tests/vendor": "axe.min.js"}
ROW = re.compile(r"^\| `(?P<file>[^`]+)` .*`(?P<sha256>[0-9a-f]{64})` \|$", re.M)


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_hashes_of_the_readme_are_those_of_the_files(folder: str):
    """htmx, the font and axe are what their makers published."""
    place = ROOT / folder
    rows = ROW.findall((place / "README.md").read_text())

    found = {
        file: hashlib.sha256((place / file).read_bytes()).hexdigest()
        for file, _ in rows
    }

    assert found == dict(rows)
    assert FOLDERS[folder] in found


def test_htmx_is_of_the_version_that_the_readme_names():
    readme = (VENDOR / "README.md").read_text()
    version = re.search(r"htmx\.org@([\d.]+)", readme)

    assert version
    assert version[1].encode() in (VENDOR / "htmx.min.js").read_bytes()


def test_every_icon_that_a_template_names_is_in_the_sprite():
    sprite = (ROOT / "static" / "icons.svg").read_text()
    there = set(re.findall(r'<symbol id="i-([a-z0-9-]+)"', sprite))
    named: set[str] = set()
    for path in (ROOT / "templates").rglob("*.html"):
        named |= set(re.findall(r'\bicon\("([a-z0-9-]+)"', path.read_text()))

    assert len(named) > 10
    assert named - there == set()


def test_a_static_file_stays_in_the_browser_until_it_changes(nobody):
    """Its address holds a fingerprint; without one it is asked for again."""
    page = nobody.get("/sign-in").text
    style = re.search(r'href="(/static/portal\.css\?v=[0-9a-f]{12})"', page)
    assert style

    kept = nobody.get(style[1])
    plain = nobody.get("/static/portal.css")

    assert "immutable" in kept.headers["Cache-Control"]
    assert kept.headers["Content-Type"].startswith("text/css")
    assert "immutable" not in plain.headers.get("Cache-Control", "")
