"""What a sender that signs in with OAuth 2.0 must say, and what each fault says."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_network

import pytest

from portal.config import AllowRule
from portal.delivery.grants import Grant
from portal.errors import Invalid
from portal.secret import Secret
from portal.services import senders
from portal.services.senders.making import oauth_of, relay_of
from tests.relays.tokens import TokenServer

TOKEN_URL = "https://login.example.org/acme/oauth2/v2.0/token"
ROBOT = {
    "grant": "client_credentials",
    "token_url": TOKEN_URL,
    "client_id": "0a1b",
    "client_secret": " hush ",
    "scope": "https://outlook.office365.com/.default",
}
PERSON = {**ROBOT, "grant": "refresh_token", "refresh_token": "0.AXoA"}
ACCOUNT = {
    "grant": "jwt_bearer",
    "token_url": TOKEN_URL,
    "scope": "https://mail.google.com/",
    "subject": "app@example.org",
}


@pytest.fixture
def oauth_form(form):
    """`oauth_form(ROBOT, client_id="")`: a form that signs in so."""

    def build(oauth, **changes):
        given = {**oauth, **changes}
        return form(auth="oauth2", username=None, password=None, oauth=given)

    return build


@pytest.fixture(scope="module")
def key_file() -> str:
    return TokenServer().service_account("https://oauth2.example.org/token")


def faults(validate, values, **more) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        validate(values, **more)
    return {each.field: each.detail for each in refused.value.errors}


def test_client_credentials_are_settings_and_one_secret(validate, oauth_form):
    fields = validate(oauth_form(ROBOT))

    assert fields.oauth.grant is Grant.CLIENT_CREDENTIALS
    assert fields.secrets == {"oauth.client_secret": Secret(" hush ")}
    assert " hush " not in json.dumps(fields.settings()) + repr(fields)


def test_a_form_may_name_the_parts_with_a_dot(validate, form):
    flat = {f"oauth.{name}": value for name, value in ROBOT.items()}

    fields = validate(form(auth="oauth2", username=None, password=None, **flat))

    assert fields.oauth.token_url == TOKEN_URL
    assert fields.secrets == {"oauth.client_secret": Secret(" hush ")}


def test_a_refresh_token_needs_no_client_secret(validate, oauth_form):
    """RFC 6749 §2.1: a public client has none."""
    fields = validate(oauth_form(PERSON, client_secret=""))

    assert fields.secrets == {"oauth.refresh_token": Secret("0.AXoA")}


@pytest.mark.parametrize("as_object", [True, False])
def test_a_service_account_is_its_json_file(validate, oauth_form, key_file, as_object):
    given = json.loads(key_file) if as_object else key_file

    fields = validate(oauth_form(ACCOUNT, service_account=given))

    kept = json.loads(fields.secrets["oauth.service_account"].reveal())
    assert kept == json.loads(key_file)
    assert oauth_of(fields).subject == "app@example.org"


def test_a_service_account_s_file_may_say_where_its_tokens_are(
    validate, oauth_form, key_file
):
    given = oauth_form(ACCOUNT, token_url="", service_account=key_file)

    assert validate(given).oauth.token_url == "https://oauth2.example.org/token"


@pytest.mark.parametrize(
    ("oauth", "change", "field"),
    [
        (ROBOT, {"grant": ""}, "oauth.grant"),
        (ROBOT, {"grant": "password"}, "oauth.grant"),
        (ROBOT, {"token_url": ""}, "oauth.token_url"),
        (ROBOT, {"token_url": "http://login.example.org/"}, "oauth.token_url"),
        (ROBOT, {"token_url": "https://a:b@example.org/"}, "oauth.token_url"),
        (ROBOT, {"token_url": "https://example.org/#token"}, "oauth.token_url"),
        (ROBOT, {"token_url": "https://example.org:8443/"}, "oauth.token_url"),
        (ROBOT, {"token_url": "https://example.org:x/"}, "oauth.token_url"),
        (ROBOT, {"token_url": "https:///token"}, "oauth.token_url"),
        (ROBOT, {"token_url": "https://127.1/token"}, "oauth.token_url"),
        (ROBOT, {"token_url": "https://x.example/{tenant}/"}, "oauth.token_url"),
        (ROBOT, {"client_id": ""}, "oauth.client_id"),
        (ROBOT, {"client_id": "a\r\nb"}, "oauth.client_id"),
        (ROBOT, {"client_secret": ""}, "oauth.client_secret"),
        (ROBOT, {"client_secret": "x" * 5000}, "oauth.client_secret"),
        (ROBOT, {"scope": 'mail "send"'}, "oauth.scope"),
        (ROBOT, {"audience": "x"}, "oauth.audience"),
        (PERSON, {"refresh_token": ""}, "oauth.refresh_token"),
        (PERSON, {"authorize_url": "http://example.org/"}, "oauth.authorize_url"),
        (ACCOUNT, {}, "oauth.service_account"),
        (ACCOUNT, {"service_account": "not JSON"}, "oauth.service_account"),
        (ACCOUNT, {"service_account": {"web": {}}}, "oauth.service_account"),
        (
            ACCOUNT,
            {"service_account": {"client_email": "a@b.example", "private_key": "x"}},
            "oauth.service_account",
        ),
    ],
)
def test_each_fault_stands_at_its_own_field(validate, oauth_form, oauth, change, field):
    found = faults(validate, oauth_form(oauth, **change))

    assert list(found) == [field]
    assert found[field].endswith((".", "?"))


@pytest.mark.parametrize("change", [{"scope": ""}, {"subject": "nobody"}])
def test_a_service_account_says_for_whom_and_for_what(
    validate, oauth_form, key_file, change
):
    found = faults(validate, oauth_form(ACCOUNT, service_account=key_file, **change))

    assert list(found) == [f"oauth.{name}" for name in change]


def test_another_port_is_the_operator_s_to_permit(validate, oauth_form, installation):
    values = oauth_form(ROBOT, token_url="https://login.example.org:8443/token")

    def judged(*rules: AllowRule):
        return senders.validate(
            values,
            catalogue=installation.catalogue,
            settings=replace(installation.settings, relay_allow=rules),
            stored=None,
        )

    assert judged(AllowRule(host="login.example.org", port=8443)).oauth
    assert judged(AllowRule(network=ip_network("10.0.0.0/8"), port=8443)).oauth
    for rule in (
        AllowRule(host="login.example.org", port=9443),
        AllowRule(host="other.example.org", port=8443),
    ):
        with pytest.raises(Invalid, match="443"):
            judged(rule)


@pytest.mark.parametrize("auth", ["password", "oauth2"])
def test_a_mechanism_goes_with_its_way_of_signing_in(validate, form, auth):
    wrong = {"password": ("XOAUTH2", "EXTERNAL"), "oauth2": ("PLAIN", "EXTERNAL")}
    for mechanism in wrong[auth]:
        values = form(auth=auth, oauth=ROBOT, mechanism=mechanism)
        assert list(faults(validate, values)) == ["mechanism"]
    right = {"password": "PLAIN", "oauth2": "OAUTHBEARER"}[auth]
    fields = validate(form(auth=auth, oauth=ROBOT, mechanism=right))
    assert fields.mechanism == right


def test_the_mailbox_is_the_from_address_unless_another_is_named(
    validate, oauth_form, installation
):
    """XOAUTH2 names whose mailbox the token is for."""
    by_default = relay_of(installation, validate(oauth_form(ROBOT)))
    values = {**oauth_form(ROBOT), "username": "shared@example.org"}
    named = relay_of(installation, validate(values))

    assert by_default.username == "app@example.org"
    assert named.username == "shared@example.org"
    assert named.password is None


def test_whoever_needs_no_token_keeps_none_of_its_settings(validate, form):
    fields = validate(form(oauth=PERSON))

    assert fields.oauth is None
    assert set(fields.secrets) == {"password"}


def test_tokens_go_encrypted(validate, oauth_form):
    found = faults(validate, {**oauth_form(ROBOT), "security": "none"})

    assert list(found) == ["security"]
