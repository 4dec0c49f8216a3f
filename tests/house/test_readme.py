"""What the README promises is there: commands, settings, pictures, examples."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from portal.config.environment import NAMES
from tests.serving import environment, run, serving

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_two_plain_lines_install_run_and_test():
    """Each is one line that makes its own environment, and CI runs the second."""
    lines = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)

    assert len(lines) == 2
    assert lines[0].endswith("portal serve")
    assert lines[1].endswith("pytest")
    ci = (ROOT / ".ci" / "run").read_text()
    assert "grep -m 1 -E '^python3 -m venv .*pytest$' README.md" in ci


def test_the_table_has_every_setting_and_no_other():
    """A new PORTAL_ variable is written down, a removed one is not kept."""
    assert set(re.findall(r"PORTAL_[A-Z_]+", README)) == set(NAMES)


@pytest.mark.parametrize("document", ["README.md", "docs/security.md"])
def test_links_and_pictures_lead_somewhere(document: str):
    """Every relative link of a document names a file of this repository."""
    path = ROOT / document
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8"))

    assert [link for link in links if not (path.parent / link).is_file()] == []


def test_the_sender_of_the_readme_can_be_applied(tmp_path: Path):
    """Its two commands and its JSON work as they stand, and put it in use."""
    (example,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    (tmp_path / "sender.json").write_text(example)
    (tmp_path / json.loads(example)["password_file"]).write_text("0" * 32)
    (tmp_path / "password").write_text("a sentence is fine\n")
    commands = re.findall(r"^portal ((?:setup|sender apply) .*)$", README, re.MULTILINE)
    assert len(commands) == 2

    answers = [
        run(*command.split(), folder=tmp_path, env=environment())
        for command in commands
    ]

    assert answers[0] == {"user": "kim@example.org", "tenant": "production"}
    assert (answers[1]["version"], answers[1]["active"]) == (1, True)


def test_the_mail_of_the_readme_is_accepted(tmp_path: Path):
    """The body of its curl command gets a 202, and without a sender is captured."""
    (body,) = re.findall(r"-d '(\{.*?\})'", README)
    (tmp_path / "password").write_text("a sentence is fine\n")
    owner = ("--email", "kim@example.org", "--password-file", "password")
    at = {"folder": tmp_path, "env": environment()}
    run("setup", *owner, "--tenant", "production", **at)
    key = run("key", "add", "--tenant", "production", **at)["key"]

    with serving(tmp_path) as portal:
        portal.ready()
        answer = portal.ask("POST", "/send", key=key, body=json.loads(body))
        pages = [portal.ask("GET", page).status for page in ("/docs", "/openapi.json")]

    assert (answer.status, answer.json()["captured"]) == (202, True)
    assert pages == [200, 200]
