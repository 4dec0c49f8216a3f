"""`portal sender apply` and `export`, as a deployment uses them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from portal.cli import main
from portal.config import Settings
from portal.services.senders.sealing import open_secrets
from portal.store import database
from portal.store.models import Route, SenderVersion
from portal.store.vault import open_vault
from tests.relays.tokens import TokenServer

SENDER = {
    "name": "Acme mail",
    "provider": "generic_smtp",
    "host": "smtp.example.org",
    "port": 587,
    "security": "starttls",
    "auth": "password",
    "username": "app",
    "password": "open sesame",
    "from_address": "app@example.org",
}


@pytest.fixture
def portal(settings: Settings) -> Callable[..., Result]:
    """`portal("sender", …)` on this test's database; its exit status is 0."""

    def run(*words: str, status: int = 0, **env: str) -> Result:
        where = {"PORTAL_INSTANCE": str(settings.instance), **env}
        result = CliRunner().invoke(main, words, env=where)
        assert result.exit_code == status, result.output
        return result

    return run


@pytest.fixture
def tenant(portal) -> str:
    portal("tenant", "add", "Acme Inc")
    return "acme-inc"


@pytest.fixture
def apply(portal, tenant, tmp_path) -> Callable[..., Any]:
    """`apply({…}, "--activate")` and what it says in JSON."""

    def run(values: object, *words: str, status: int = 0, **env: str) -> Any:
        file = tmp_path / "sender.json"
        file.write_text(json.dumps(values))
        where = ("--tenant", tenant, "--json")
        result = portal(
            "sender", "apply", str(file), *where, *words, status=status, **env
        )
        return json.loads(result.stdout) if status == 0 else result.stderr

    return run


def test_the_answer_has_its_three_words(apply):
    first = apply(SENDER)

    assert list(first) == ["id", "version", "active"]
    assert (first["version"], first["active"]) == (1, False)


def test_a_change_is_the_next_version_of_the_same_sender(apply):
    first = apply(SENDER, "--activate")
    second = apply({**SENDER, "port": 2525}, "--activate")

    assert second == {"id": first["id"], "version": 2, "active": True}


def test_the_same_file_again_changes_nothing(apply, settings):
    first = apply(SENDER, "--activate")

    again = apply(SENDER, "--activate")
    without = apply(SENDER)

    assert first == again == without


def test_activating_later_takes_the_version_that_is_there(apply):
    apply(SENDER)

    assert apply(SENDER, "--activate")["version"] == 1
    assert apply(SENDER)["active"] is True


def test_a_secret_comes_from_a_file_beside_it(apply, tmp_path, monkeypatch):
    (tmp_path / "secret").write_bytes(b" with blanks \r\n")
    values = {**SENDER, "password_file": "secret"}
    del values["password"]
    monkeypatch.chdir("/")

    assert apply(values)["version"] == 1
    (tmp_path / "secret").write_bytes(b" with blanks ")
    assert apply(values)["version"] == 1  # one line break was no part of it
    (tmp_path / "secret").write_bytes(b"another")
    assert apply(values)["version"] == 2


def test_an_authority_comes_from_a_file_too(apply, tmp_path, authority):
    (tmp_path / "ca.pem").write_text(authority.pem)

    assert apply({**SENDER, "ca_file": "ca.pem"})["version"] == 1
    assert apply({**SENDER, "ca": authority.pem})["version"] == 1


def test_a_secret_comes_from_the_environment(apply):
    values = {**SENDER, "password_env": "RELAY_PASSWORD"}
    del values["password"]

    assert apply(values, RELAY_PASSWORD="open sesame")["version"] == 1
    assert apply(SENDER)["version"] == 1
    assert "RELAY_PASSWORD, which is not set" in apply(values, status=2)


def test_without_a_secret_the_stored_one_stays(apply):
    apply(SENDER)
    values = {**SENDER, "from_name": "Acme"}
    del values["password"]

    assert apply(values)["version"] == 2
    assert "password" in apply({**values, "host": "smtp.example.net"}, status=2)


def test_what_the_provider_presets_may_be_left_out(apply, portal):
    made = apply(
        {
            "name": "Grid",
            "provider": "sendgrid",
            "password": "SG.abc",
            "from_address": "app@example.org",
        }
    )

    exported = json.loads(portal("sender", "export", made["id"]).stdout)
    assert (exported["host"], exported["port"]) == ("smtp.sendgrid.net", 587)
    assert (exported["username"], exported["auth"]) == ("apikey", "api_key")


def test_every_wrong_field_is_named(apply):
    said = apply({**SENDER, "port": 0, "from_address": "x", "colour": 1}, status=2)

    assert all(name in said for name in ("port: ", "from_address: ", "colour: "))
    assert "open sesame" not in said


@pytest.mark.parametrize("content", ["", "{", "[]", '"text"', "[" * 100_000])
def test_a_file_that_is_no_object_is_one_sentence(portal, tenant, tmp_path, content):
    file = tmp_path / "bad.json"
    file.write_text(content)

    result = portal("sender", "apply", str(file), "--tenant", tenant, status=2)

    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1


def test_a_missing_file_and_an_unknown_tenant_are_usage(portal, tenant, tmp_path):
    missing = str(tmp_path / "none.json")
    portal("sender", "apply", missing, "--tenant", tenant, status=2)
    (tmp_path / "s.json").write_text(json.dumps(SENDER))

    said = portal(
        "sender", "apply", str(tmp_path / "s.json"), "--tenant", "nobody", status=2
    )

    assert "There is no tenant “nobody”." in said.stderr


def test_two_ways_to_give_one_secret_are_refused(apply):
    said = apply({**SENDER, "password_file": "x"}, status=2)

    assert "password or password_file, not both" in said


def test_an_export_has_no_secret_and_applies_again(apply, portal):
    made = apply(SENDER, "--activate")

    exported = json.loads(portal("sender", "export", made["id"]).stdout)

    assert "password" not in exported
    assert "open sesame" not in json.dumps(exported)
    assert apply(exported) == made


def test_an_unknown_sender_is_not_exported(portal, tenant):
    portal("sender", "export", "nobody", status=2)


def test_the_secret_is_sealed_and_the_route_moves(portal, settings, tmp_path):
    portal("tenant", "add", "Acme Inc")
    (tmp_path / "s.json").write_text(json.dumps(SENDER))
    file = str(tmp_path / "s.json")
    portal("sender", "apply", file, "--tenant", "acme-inc", "--activate")

    database.attach(settings)
    try:
        with database.connection():
            version = SenderVersion.get()
            assert Route.get().active_version_id == version.id
            found = open_secrets(open_vault(settings), version)
            assert found["password"].reveal() == "open sesame"
    finally:
        database.detach()


OAUTH = {
    "grant": "refresh_token",
    "token_url": "https://login.example.org/token",
    "client_id": "0a1b",
}


def test_secrets_inside_of_oauth_come_from_files_and_the_environment(apply, tmp_path):
    (tmp_path / "refresh").write_text("first\n")
    signs_in = {k: v for k, v in SENDER.items() if k not in ("username", "password")}
    told = {"refresh_token_file": "refresh", "client_secret_env": "HUSH"}
    values = {**signs_in, "auth": "oauth2", "oauth": {**OAUTH, **told}}
    plain = {"refresh_token": "first", "client_secret": "hush"}

    assert apply(values, HUSH="hush")["version"] == 1
    assert apply({**values, "oauth": {**OAUTH, **plain}})["version"] == 1
    assert apply({**values, "oauth": OAUTH})["version"] == 1
    assert "oauth.client_secret_env names HUSH" in apply(values, status=2)
    both = {**values, "oauth": {**OAUTH, **told, "client_secret": "x"}}
    said = apply(both, HUSH="hush", status=2)
    assert "oauth.client_secret or oauth.client_secret_env, not both" in said
    (tmp_path / "refresh").write_text("second\n")
    assert apply(values, HUSH="hush")["version"] == 2


def test_a_service_account_and_a_certificate_come_from_their_files(
    apply, portal, tmp_path, authority
):
    client = authority.clients["good"]
    account = TokenServer().service_account("https://oauth2.example.org/token")
    for name, text in (
        ("cert.pem", client.certificate),
        ("key.pem", client.key),
        ("google.json", account),
    ):
        (tmp_path / name).write_text(text)
    certified = {"client_cert_file": "cert.pem", "client_key_file": "key.pem"}
    scope = "https://mail.google.com/"
    google = {"grant": "jwt_bearer", "scope": scope}
    base = {**SENDER, "password": None, "username": None}

    made = apply({**base, "auth": "client_cert", **certified})
    again = apply({**base, "auth": "client_cert", **certified})
    other = apply(
        {
            **base,
            "name": "Google",
            "auth": "oauth2",
            "oauth": {**google, "service_account_file": "google.json"},
        }
    )

    assert made == again
    exported = portal("sender", "export", made["id"]).stdout
    assert json.loads(exported)["client_cert"] == client.certificate
    assert "PRIVATE KEY" not in exported
    exported = portal("sender", "export", other["id"]).stdout
    assert "PRIVATE KEY" not in exported
    assert json.loads(exported)["oauth"]["scope"] == scope


def test_microsoft_is_filled_in_around_what_a_file_says(apply, portal):
    own = {"token_url": "https://login.microsoftonline.com/acme/oauth2/v2.0/token"}
    values = {
        "name": "Office",
        "provider": "microsoft365",
        "from_address": "app@example.org",
        "oauth": {**own, "client_id": "0a1b", "client_secret": "hush"},
    }

    exported = json.loads(portal("sender", "export", apply(values)["id"]).stdout)

    assert (exported["auth"], exported["host"]) == ("oauth2", "smtp.office365.com")
    assert exported["oauth"]["grant"] == "client_credentials"
    assert exported["oauth"]["scope"] == "https://outlook.office365.com/.default"
    del values["oauth"]["token_url"]
    assert "oauth.token_url: Put your own value" in apply(values, status=2)
    by_password = {**values, "name": "Old", "username": "a@b.example", "password": "x"}
    made = apply({k: v for k, v in by_password.items() if k != "oauth"})
    exported = json.loads(portal("sender", "export", made["id"]).stdout)
    assert exported["auth"] == "password"
