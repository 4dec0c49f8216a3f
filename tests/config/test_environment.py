"""Secrets from files, misspelt names, and the key file's mode."""

from __future__ import annotations

import pytest

from portal.config import Settings
from portal.config.environment import without_line_break
from portal.errors import CannotStart


def load(folder, **variables):
    warnings: list[str] = []
    settings = Settings.load(variables, folder, warn=warnings.append)
    return settings, warnings


@pytest.mark.parametrize(
    ("content", "secret"),
    [("t\n", "t"), ("t\r\n", "t"), ("t\n\n", "t\n"), (" t ", " t "), ("t", "t")],
)
def test_secret_file_loses_one_line_break_and_nothing_else(tmp_path, content, secret):
    (tmp_path / "token").write_bytes(content.encode())

    settings, _ = load(tmp_path, PORTAL_METRICS_TOKEN_FILE="token")

    assert settings.metrics_token.reveal() == secret


def test_lone_carriage_return_stays():
    assert without_line_break("a\r") == "a\r"


@pytest.mark.parametrize(
    "name",
    [
        "PORTAL_MASTER_KEY",
        "PORTAL_DATABASE_URL",
        "PORTAL_DEFAULT_SENDER",
        "PORTAL_METRICS_TOKEN",
    ],
)
def test_secret_from_both_places_is_refused(tmp_path, name):
    with pytest.raises(CannotStart, match=f"either {name} or {name}_FILE"):
        load(tmp_path, **{name: "x", f"{name}_FILE": "y"})


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
def test_secret_file_that_is_missing_empty_or_no_text_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "token").write_bytes(content)

    with pytest.raises(
        CannotStart, match=r"^PORTAL_METRICS_TOKEN_FILE names [^\n]+\.$"
    ):
        load(tmp_path, PORTAL_METRICS_TOKEN_FILE="token")


def test_folder_in_the_place_of_a_secret_file_is_refused(tmp_path):
    with pytest.raises(CannotStart, match="cannot be read: Is a directory"):
        load(tmp_path, PORTAL_METRICS_TOKEN_FILE=str(tmp_path))


def test_key_file_that_others_may_read_is_refused(tmp_path):
    file = tmp_path / "key"
    file.write_text("k1:x")
    file.chmod(0o640)

    with pytest.raises(CannotStart, match=r"PORTAL_MASTER_KEY_FILE.*chmod 600"):
        load(tmp_path, PORTAL_MASTER_KEY_FILE="key")


def test_key_file_of_the_owner_alone_is_read(tmp_path):
    file = tmp_path / "key"
    file.write_text("k1:x\n")
    file.chmod(0o600)

    settings, _ = load(tmp_path, PORTAL_MASTER_KEY_FILE="key")

    assert settings.master_key.reveal() == "k1:x"


def test_unknown_name_is_one_warning_with_the_nearest_known_one(tmp_path):
    _, warnings = load(tmp_path, PORTAL_RELAY_ALOW="x", PORTAL_BASEURL="y", PORTAGE="z")

    assert warnings == [
        "PORTAL_BASEURL is not a setting; the nearest one is PORTAL_BASE_URL.",
        "PORTAL_RELAY_ALOW is not a setting; the nearest one is PORTAL_RELAY_ALLOW.",
    ]


def test_file_form_is_known_for_secrets_alone(tmp_path):
    _, warnings = load(tmp_path, PORTAL_LOG_FILE="/var/log/portal")

    assert len(warnings) == 1
    assert warnings[0].startswith("PORTAL_LOG_FILE is not a setting")
