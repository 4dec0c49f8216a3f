"""The wheel is the whole product: it runs from an empty folder far from its source."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.serving import SET_UP, environment, serving

ROOT = Path(__file__).parents[2]
SOURCE = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md")
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]

pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: a build leaves its traces in the source folder."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("portal", "templates", "static"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in SOURCE:
        shutil.copy(ROOT / name, source)
    flags = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*PIP, "wheel", "-q", *flags, str(source)], check=True, timeout=100)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.parametrize("kind", ["templates", "static", "portal"])
def test_every_file_of_the_source_is_in_it(wheel: Path, kind: str):
    """Each page, each static file, each module, rule and provider of the tree."""
    prefix = "" if kind == "portal" else "portal/"
    wanted = {
        prefix + path.relative_to(ROOT).as_posix()
        for path in (ROOT / kind).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }

    with zipfile.ZipFile(wheel) as archive:
        assert wanted - set(archive.namelist()) == set()
    assert len(wanted) > 5


def test_it_has_the_catalogue_and_the_rules(wheel: Path):
    """Knowledge that is data travels with the code that reads it."""
    with zipfile.ZipFile(wheel) as archive:
        data = [name for name in archive.namelist() if name.endswith(".toml")]

    assert "portal/providers/catalogue/amazon_ses.toml" in data
    assert [name for name in data if name.startswith("portal/diagnosis/")]


def test_it_serves_from_an_empty_folder_elsewhere(wheel: Path, tmp_path: Path):
    """`portal serve` of the wheel makes its instance, and its page has its style."""
    target, empty = tmp_path / "site", tmp_path / "empty"
    flags = ["--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*PIP, "install", "-q", *flags, str(wheel)], check=True, timeout=60)
    empty.mkdir()
    env = environment(PYTHONPATH=str(target))
    assert _where(env, empty).is_relative_to(target)

    with serving(empty, env=env) as portal:
        link = portal.line(SET_UP)
        portal.ready()
        page = portal.ask("GET", link.removeprefix(portal.url))
        style = re.search(rb'href="(/static/[^"]+\.css[^"]*)"', page.body)
        assert style
        css = portal.ask("GET", style.group(1).decode())

    assert page.status == 200
    assert css.status == 200
    assert css.headers["Content-Type"].startswith("text/css")
    assert b"@layer" in css.body
    assert (empty / "instance" / "portal.db").exists()


def _where(env: dict[str, str], folder: Path) -> Path:
    asked = "import portal; print(portal.__file__)"
    command = [sys.executable, "-c", asked]
    return Path(subprocess.check_output(command, cwd=folder, env=env, text=True))
