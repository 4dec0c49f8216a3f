"""The catalogue holds together, and an operator can change it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from portal.providers.catalogue import Catalogue
from portal.providers.types import Group, UsernameRule

NEW = """
name = "Harbour relay"
kind = "relay"
group = "other"
rank = 9
card = "Our own"
hosts = [{ host = "relay.harbour.example" }]
ports = [{ port = 587, security = "starttls", recommended = true }]
[auth]
methods = ["password"]
"""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


def test_it_has_every_provider_and_the_sandbox(catalogue):
    ids = {each.id for each in catalogue.all()}

    assert len(ids) == 43
    assert {"amazon_ses", "sendgrid", "postmark", "mailgun_us", "mailgun_eu"} <= ids
    assert {"microsoft365", "gmail", "google_workspace_relay", "generic_smtp"} <= ids
    assert "sandbox" in ids


def test_cards_stand_in_groups_and_never_share_a_place(catalogue):
    providers = catalogue.all()

    groups = [each.group for each in providers]
    assert groups == sorted(groups, key=list(Group).index)
    assert len({(each.group, each.rank) for each in providers}) == len(providers)
    assert providers[0].id == "microsoft365"


def test_every_provider_can_be_shown_and_filled_in(catalogue):
    for each in catalogue.all():
        assert each.name and each.card_line and each.auth_methods, each.id
        assert each.confidence or each.id == "sandbox"
        if each.id == "sandbox":
            continue
        assert [port.recommended for port in each.ports].count(True) == 1, each.id
        assert each.docs and each.card_host, each.id
        signs_in = {"password", "api_key"} & set(each.auth_methods)
        if signs_in and each.kind != "local_test" and each.id != "outlook_com":
            assert each.secret_label and each.secret_hint, each.id
            assert each.username_rule is not UsernameRule.NONE, each.id
        if each.username_rule is UsernameRule.LITERAL:
            assert each.username_value, each.id


def test_implicit_tls_stands_on_its_ports_only(catalogue):
    """A slip in a file would send STARTTLS to 465 for everybody."""
    for each in catalogue.all():
        for choice in each.ports:
            if choice.security == "tls":
                assert choice.port in (465, 2465, 8465, 443), each.id
            if choice.port in (587, 2525, 2587):
                assert choice.security == "starttls", each.id


def test_the_rules_of_replies_are_clauses_without_a_stop(catalogue):
    for each in catalogue.all():
        for rule in each.rules:
            assert not rule.meaning.endswith("."), rule
            assert re.compile(rule.match, re.IGNORECASE)


def test_microsoft_s_card_says_when_passwords_end(catalogue):
    microsoft = catalogue.get("microsoft365")

    assert microsoft and "ends by default in December 2026" in microsoft.card_line


@pytest.mark.parametrize(
    ("host", "id_"),
    [
        ("smtp.office365.com", "microsoft365"),
        ("SMTP.SendGrid.net.", "sendgrid"),
        ("email-smtp.eu-central-1.amazonaws.com", "amazon_ses"),
        ("email-smtp.ca-west-1.amazonaws.com", "amazon_ses"),
        ("acme-com.mail.protection.outlook.com", "microsoft365_connector"),
        ("pro1.mail.ovh.net", "ovh"),
        ("mail.acme.example", None),
        ("localhost", None),
        ("127.0.0.1", None),
        ("smtp.sendgrid.net.evil.example", None),
    ],
)
def test_a_host_tells_its_provider(catalogue, host, id_):
    found = catalogue.by_host(host)

    assert (found.id if found else None) == id_


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("postfix", {"generic_smtp"}),
        ("smtp-relay.gmail.com", {"google_workspace_relay"}),
        ("mailgun eu", {"mailgun_eu"}),
        ("no such thing", set()),
    ],
)
def test_a_search_finds_names_aliases_and_hosts(catalogue, words, ids):
    assert {each.id for each in catalogue.search(words)} == ids
    assert "microsoft365" in {each.id for each in catalogue.search("365")}


def test_a_region_has_its_host(catalogue):
    ses = catalogue.get("amazon_ses")

    assert ses.host_in("eu-west-1") == "email-smtp.eu-west-1.amazonaws.com"
    assert ses.host_in("ca-west-1") == "email-smtp.ca-west-1.amazonaws.com"
    assert ses.host_in("mars-1") is None
    assert ses.host_in(None) == "email-smtp.us-east-1.amazonaws.com"
    assert catalogue.get("generic_smtp").host_in(None) is None


def test_an_operator_s_file_adds_a_provider(tmp_path: Path):
    (tmp_path / "harbour.toml").write_text(NEW)

    added = Catalogue.load(tmp_path).get("harbour")

    assert added and added.name == "Harbour relay"
    assert added.recommended and added.recommended.port == 587


def test_an_operator_s_file_changes_what_it_names_and_nothing_else(tmp_path: Path):
    (tmp_path / "postmark.toml").write_text("[limits]\nmessage_size_mb = 40\n")

    changed = Catalogue.load(tmp_path).get("postmark")
    ours = Catalogue.load().get("postmark")

    assert changed.limits.message_size_mb == 40
    assert changed.limits.recipients_per_message == ours.limits.recipients_per_message
    assert changed.hosts == ours.hosts


def test_a_folder_that_is_not_there_adds_nothing(tmp_path: Path):
    assert len(Catalogue.load(tmp_path / "none").all()) == 43


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("harbour.toml", "name = ", "not TOML"),
        ("harbour.toml", NEW + '[username]\nrul = "any"\n', "unknown key “rul”"),
        ("harbour.toml", NEW.replace("starttls", "ssl"), "ports.0.security"),
        ("harbour.toml", NEW.replace("587", "70000"), "70000 is no port"),
        ("harbour.toml", NEW.replace("name =", "nam ="), "there is no key “nam”"),
        ("harbour.toml", NEW.partition("kind")[0], "“kind” is missing"),
        ("harbour.toml", NEW + '[secret]\npattern = "("\n', "no regular expression"),
        ("harbour.toml", "auth = 1\n" + NEW.partition("[auth]")[0], "not a table"),
        ("Har bour.toml", NEW, "small letters"),
        ("harbour.toml", NEW + '[oauth]\ntoken_url = "x"\n', "oauth.grants"),
    ],
)
def test_a_broken_file_is_left_out_with_one_sentence(tmp_path, name, text, said):
    """It names the file and the field; the portal goes on with what it has."""
    (tmp_path / name).write_text(text)

    loaded = Catalogue.load(tmp_path)

    (sentence,) = loaded.problems
    assert sentence.startswith(f"The provider file {tmp_path / name} is left out: ")
    assert said in sentence and sentence.endswith(".")
    assert "\n" not in sentence
    assert len(loaded.all()) == 43


def test_a_broken_change_leaves_ours_as_it_is(tmp_path):
    (tmp_path / "postmark.toml").write_text("[limits]\nmessage_size = 40\n")
    (tmp_path / "harbour.toml").write_text(NEW)

    heard: list[str] = []

    loaded = Catalogue.load(tmp_path, heard.append)

    assert loaded.get("postmark") == Catalogue.load().get("postmark")
    assert loaded.get("harbour") is not None
    assert "limits.message_size" in loaded.problems[0]
    assert heard == list(loaded.problems)


def test_an_operator_s_tables_merge_at_every_depth(tmp_path):
    scope = "https://mail.example/.default"
    text = f'[oauth.scopes]\nclient_credentials = "{scope}"\n'
    (tmp_path / "microsoft365.toml").write_text(text)

    changed = Catalogue.load(tmp_path).get("microsoft365").oauth

    assert changed.scopes["client_credentials"] == scope
    assert "offline_access" in changed.scopes["refresh_token"]
    assert changed.steps
