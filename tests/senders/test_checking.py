"""Every wrong field is named with its sentence, and all of them at once."""

from __future__ import annotations

import dataclasses

import pytest

from portal.delivery.types import Auth, Security
from portal.errors import Invalid
from portal.secret import Secret
from portal.services.senders import Stored, port_note
from portal.services.senders.advice import notes


def faults(validate, values, **more) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        validate(values, **more)
    return {each.field: each.detail for each in refused.value.errors}


def stored(validate, values) -> Stored:
    fields = dataclasses.replace(validate(values), secrets={})
    return Stored(fields=fields, secrets=frozenset({"password"}))


def test_a_form_becomes_typed_fields(validate, form):
    fields = validate(
        form(
            ehlo_name="Portal.Example.ORG",
            allowed_from="@Example.com, kim@example.net",
            pacing={"per_minute": "300", "max_connections": 2},
            mail_from="bounce@example.org",
        )
    )

    assert (fields.host, fields.port) == ("smtp.example.org", 587)
    assert (fields.security, fields.auth) == (Security.STARTTLS, Auth.PASSWORD)
    assert fields.password == Secret("open sesame")
    assert fields.ehlo_name == "portal.example.org"
    assert fields.allowed_from == ("example.com", "kim@example.net")
    assert (fields.pacing.per_minute, fields.pacing.max_connections) == (300, 2)
    assert fields.mail_from == "bounce@example.org"


def test_all_that_is_wrong_is_said_at_once(validate):
    found = faults(
        validate,
        {
            "provider": "klingon",
            "host": "http://smtp.example.org",
            "port": "many",
            "security": "ssl",
            "auth": "magic",
            "from_address": "nobody",
            "pacing": {"per_hour": 0, "per_year": 3},
            "colour": "red",
        },
    )

    assert set(found) == {
        "name",
        "provider",
        "host",
        "port",
        "security",
        "auth",
        "from_address",
        "pacing.per_hour",
        "pacing.per_year",
        "colour",
    }
    assert found["port"] == "A port is a number from 1 to 65535."
    assert found["security"] == "Choose starttls, tls or none."
    assert found["colour"] == "There is no field “colour”."


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", "127.1"),
        ("host", "smtp.example.org:587"),
        ("host", "a..b"),
        ("port", 0),
        ("port", 65536),
        ("port", True),
        ("port", "²"),
        ("port", 587.0),
        ("username", "app\r\nRSET"),
        ("username", "a\0b"),
        ("password", "a\0b"),
        ("password", "x" * 5000),
        ("from_address", "kim@example.org\r\nBcc: x@example.net"),
        ("from_address", "Kim <kim@example.org>"),
        ("from_name", "=?utf-8?q?Kim?="),
        ("reply_to_address", "kim"),
        ("mail_from", "<>"),
        ("ehlo_name", "two words"),
        ("local_address", "eth0"),
        ("relay_ips", ["192.0.2.1", "somewhere"]),
        ("blocklists", "https://zen.spamhaus.org/"),
        ("blocklists", ["list.internal"]),
        (
            "blocklists",
            ["a.example", "b.example", "c.example", "d.example", "e.example"],
        ),
        ("allowed_from", ["*"]),
        ("mechanism", "NTLM"),
        ("ca", "no certificate"),
        ("on_lost_reply", "guess"),
        ("dkim", {"selectors": ["a b"]}),
        ("dkim", {"selectors": ["_domainkey.example.org"]}),
        ("pacing", "fast"),
        ("client_cert", "-----BEGIN CERTIFICATE-----"),
        ("dkim_signing", "yes"),
        ("fallback_after", 0),
        ("name", "x" * 101),
        ("name", 7),
        ("region", "eu west"),
    ],
)
def test_a_wrong_value_is_refused_under_its_own_name(validate, form, field, value):
    found = faults(validate, form(**{field: value}))

    assert [name.partition(".")[0] for name in found] == [field]
    assert all(each.endswith((".", "?")) for each in found.values())


@pytest.mark.parametrize(
    "typed", ["Pm", "pm._domainkey", "pm._domainkey.example.org", "pm._DomainKey.x."]
)
def test_a_selector_is_cut_out_of_the_name_that_consoles_show(validate, form, typed):
    assert validate(form(dkim={"selectors": typed})).dkim.selectors == ("pm",)


def test_the_same_fault_of_several_is_said_once(validate, form):
    with pytest.raises(Invalid) as refused:
        validate(form(relay_ips="one two three"))

    assert [each.field for each in refused.value.errors] == ["relay_ips"]


def test_a_name_without_an_address_is_no_reply_to(validate, form):
    assert list(faults(validate, form(reply_to_name="Help"))) == ["reply_to_address"]


def test_a_password_is_taken_byte_for_byte_and_its_blanks_are_mentioned(
    validate, form, installation
):
    fields = validate(form(password=" pässword\t"))

    assert fields.password == Secret(" pässword\t")
    [note] = notes(fields, installation.catalogue.get("generic_smtp"))
    assert (note.field, "blank" in note.detail) == ("password", True)


def test_a_secret_that_looks_like_another_is_mentioned_not_refused(
    validate, form, installation
):
    fields = validate(
        form(provider="sendgrid", auth="api_key", username="", password="hunter2")
    )

    assert fields.username == "apikey"
    [note] = notes(fields, installation.catalogue.get("sendgrid"))
    assert note.field == "password"
    assert "hunter2" not in note.detail


def test_a_server_token_is_asked_once_and_stands_nowhere_in_the_settings(
    validate, form
):
    token = "0a1b2c3d-0000-4000-8000-0123456789ab"

    for username in ("", token):
        fields = validate(form(provider="postmark", username=username, password=token))
        assert fields.username == ""
        assert token not in repr(fields) + str(fields.settings())


def test_the_sandbox_has_no_host_no_port_and_no_secret(validate, form):
    fields = validate(form(provider="sandbox", host="127.0.0.1", port=2525))

    assert (fields.host, fields.port, fields.password) == (None, None, None)
    assert (fields.security, fields.auth) == (Security.NONE, Auth.NONE)


def test_without_signing_in_nothing_of_it_is_kept(validate, form):
    fields = validate(form(auth="none", security="none"))

    assert (fields.username, fields.password) == ("", None)


def test_a_secret_in_clear_needs_the_operators_word(validate, form, installation):
    found = faults(validate, form(security="none", port=2525))

    assert list(found) == ["security"]
    assert "PORTAL_CLEARTEXT_AUTH=smtp.example.org:2525" in found["security"]


class TestStoredSecret:
    """An empty secret means the stored one only where that was meant to go."""

    def test_it_stays_while_nothing_it_is_bound_to_changes(self, validate, form):
        known = stored(validate, form())

        fields = validate(form(password=None, from_name="Other"), stored=known)

        assert fields.password is None
        assert fields.from_name == "Other"

    @pytest.mark.parametrize(
        ("field", "value", "word"),
        [
            ("host", "evil.example.net", "host"),
            ("port", 2525, "port"),
            ("username", "root", "user name"),
            ("security", "tls", "encryption"),
        ],
    )
    def test_a_change_of_where_it_goes_asks_again(
        self, validate, form, field, value, word
    ):
        known = stored(validate, form())

        found = faults(validate, form(password="", **{field: value}), stored=known)

        assert list(found) == ["password"]
        assert f"A change of {word} asks for it again" in found["password"]

    def test_another_authority_asks_again(self, validate, form, authority):
        known = stored(validate, form())

        found = faults(validate, form(password="", ca=authority), stored=known)

        assert list(found) == ["password"]

    def test_a_new_sender_has_none(self, validate, form):
        assert faults(validate, form(password=""))["password"].startswith("Type the")

    def test_a_sender_that_had_none_asks_too(self, validate, form):
        known = stored(validate, form(auth="none"))
        known = dataclasses.replace(known, secrets=frozenset())

        assert list(faults(validate, form(password=""), stored=known)) == ["password"]


@pytest.fixture
def authority() -> str:
    import trustme

    return trustme.CA().cert_pem.bytes().decode()


@pytest.mark.parametrize(
    ("port", "security", "said"),
    [
        (465, "starttls", True),
        (587, "tls", True),
        (25, "none", False),
        (587, "starttls", False),
        (465, "tls", False),
        (2526, "tls", False),
        (None, "tls", False),
    ],
)
def test_a_port_and_an_encryption_that_seldom_meet_are_mentioned(port, security, said):
    assert bool(port_note(port, security)) is said
