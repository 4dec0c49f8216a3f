"""`portal explain` and `portal providers`, as a person and a script call them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from portal.cli import main

BLOCKED = """
import sys

class NoStore:
    def find_spec(self, name, path=None, target=None):
        if name == "portal.store" or name.startswith("portal.store."):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, NoStore())
from portal.cli import main
main(sys.argv[1:])
"""
SHAPE = ["cause", "confidence", "temporary", "title", "meaning", "remedy"]
SHAPE += ["repairs", "evidence", "alternatives", "docs"]


@pytest.fixture
def portal(tmp_path, monkeypatch):
    """Runs `portal …` in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PORTAL_INSTANCE", raising=False)

    def run(*words: str, stdin: str | bytes = ""):
        return CliRunner().invoke(main, list(words), input=stdin)

    return run


def test_a_pasted_reply_is_explained_in_words(portal):
    """Title, cause, meaning, remedy and what they were read from."""
    done = portal("explain", "535 5.7.8 Error: authentication failed")

    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "The relay refuses this user name and password"
    assert lines[1].startswith("auth_bad_credentials, ")
    assert "Read from: 535, 5.7.8, the words" in lines


def test_json_is_one_diagnosis(portal):
    done = portal(
        *("explain", "--stage", "banner", "--port", "465", "--security", "starttls"),
        *("--exception", "TimeoutError", "--json", "timed out"),
    )

    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert list(found) == SHAPE
    assert found["cause"] == "plain_on_tls_port"
    assert found["repairs"][0]["set"] == {"security": "tls"}
    assert found["evidence"] == {
        "code": None,
        "enhanced": None,
        "text": "timed out",
        "stage": "banner",
    }


def test_every_option_of_the_contract_is_taken(portal):
    done = portal(
        *("explain", "--stage", "auth", "--code", "535", "--enhanced", "5.7.8"),
        *("--exception", "SMTPAuthenticationError", "--host", "smtp.sendgrid.net"),
        *("--port", "587", "--security", "starttls", "--auth", "api_key", "--json"),
        "Authentication failed: Bad username / password",
    )

    found = json.loads(done.stdout)
    assert found["cause"] == "auth_bad_credentials"
    assert "Twilio SendGrid" in found["meaning"]
    assert "always the word “apikey”" in found["remedy"]
    assert found["docs"].startswith("https://")


def test_jsonl_answers_each_line_in_order(portal):
    """Keys may be null or missing, unknown ones are ignored."""
    given = [
        {"text": "Relay access denied", "stage": "rcpt_to", "code": 554, "id": 7},
        {"text": "refused", "exception": "ConnectionRefusedError", "stage": "connect"},
        {"text": None, "stage": None, "code": None, "host": None, "port": None},
        {"text": "grüß Gott \ud800", "code": "535", "context": {"port": 1}},
    ]
    stdin = "\n".join(json.dumps(each) for each in given) + "\n\n"

    done = portal("explain", "--jsonl", stdin=stdin)

    assert done.exit_code == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["cause"] for each in answers] == [
        "relay_denied_ip_not_allowed",
        "connection_refused",
        "rejected_unspecified",
        "auth_bad_credentials",
    ]
    assert all(list(each) == SHAPE for each in answers)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"\xff", "not a JSON object"),
        (b"[" * 100_000, "not a JSON object"),
        (b'{"text": 5}', "“text” is text or null"),
        (b'{"code": "abc"}', "“code” is a number or null"),
        (b'{"port": 1.5}', "“port” is a number or null"),
    ],
)
def test_a_bad_line_is_named_and_ends_it(portal, line, said):
    done = portal("explain", "--jsonl", stdin=b'{"text": "x"}\n' + line + b"\n")

    assert done.exit_code == 2
    assert done.stderr.startswith("portal: Line 2: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("explain",),
        ("explain", "--jsonl", "text"),
        ("explain", "--jsonl", "--code", "550"),
        ("explain", "--stage", "nowhere", "x"),
        ("explain", "--code", "5", "x"),
        ("explain", "--security", "ssl", "x"),
    ],
)
def test_a_wrong_call_is_a_usage_error(portal, words):
    done = portal(*words)

    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("portal: ")


def test_providers_are_listed_by_group(portal):
    lines = portal("providers").stdout.splitlines()

    assert lines[0] == "Your organisation’s mail"
    assert any(line.startswith("  postmark ") for line in lines)
    assert "Something else" in lines


def test_providers_as_json_are_a_list_with_everything(portal):
    found = json.loads(portal("providers", "--json").stdout)

    assert len(found) == 43
    postmark = next(each for each in found if each["id"] == "postmark")
    assert postmark["hosts"][0]["host"] == "smtp.postmarkapp.com"
    assert postmark["ports"][0] == {
        "port": 587,
        "security": "starttls",
        "recommended": True,
    }
    assert postmark["auth_methods"] == ["api_key"]
    assert postmark["username_rule"] == "server_token"


def test_an_operator_s_provider_is_known_and_a_broken_one_is_a_sentence(
    portal, tmp_path
):
    folder = tmp_path / "instance" / "providers"
    folder.mkdir(parents=True)
    (folder / "postmark.toml").write_text('card = "Ours"\n')
    assert "Postmark: Ours" in portal("providers").stdout

    (folder / "postmark.toml").write_text("card =\n")
    done = portal("providers")

    assert done.exit_code == 0
    assert "postmark.toml is left out: it is not TOML" in done.stderr
    assert "Postmark: " in done.stdout and "Ours" not in done.stdout


@pytest.mark.parametrize("words", [("explain", "550 no"), ("providers", "--json")])
def test_no_database_is_needed(tmp_path, words):
    """With portal.store out of reach, and leaving nothing behind."""
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
