"""Every setting is read, and a bad one stops the start with one sentence."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from portal.config import AllowRule, Settings
from portal.errors import CannotStart

CWD = Path("/srv/portal")


def load(**variables: str) -> Settings:
    def unexpected(sentence: str) -> None:
        raise AssertionError(sentence)

    return Settings.load(variables, CWD, warn=unexpected)


def refusal(**variables: str) -> str:
    with pytest.raises(CannotStart) as caught:
        load(**variables)
    return caught.value.sentence


def test_nothing_set_is_a_whole_installation():
    settings = load()

    assert settings.instance == CWD / "instance"
    assert settings.database_url is None
    assert settings.relay_ports == {25, 465, 587, 2465, 2525, 2587}
    assert (settings.log, settings.log_level, settings.limits) == ("text", "info", True)


def test_empty_variable_counts_as_not_set():
    """Compose files pass `PORTAL_BASE_URL=` for what is not wanted."""
    assert load(PORTAL_BASE_URL="", PORTAL_RELAY_ALLOW=" ") == load()


def test_relative_instance_begins_at_the_working_directory():
    assert load(PORTAL_INSTANCE="data").instance == CWD / "data"
    assert load(PORTAL_INSTANCE="/var/portal").instance == Path("/var/portal")


def test_lists_are_read_item_by_item():
    settings = load(
        PORTAL_RELAY_ALLOW="10.0.0.0/8:25, mail.Example.org:*,[fd00::/8]:587,[::1]:25",
        PORTAL_RELAY_PORTS="2526,26",
        PORTAL_CLEARTEXT_AUTH="old.example.org:25,[::1]:2525",
        PORTAL_EGRESS_IPS="192.0.2.1,[2001:db8::1]",
        PORTAL_TRUSTED_PROXIES="10.0.0.0/24,::1",
    )

    assert settings.relay_allow == (
        AllowRule(network=ip_network("10.0.0.0/8"), port=25),
        AllowRule(host="mail.example.org", port=None),
        AllowRule(network=ip_network("fd00::/8"), port=587),
        AllowRule(network=ip_network("::1"), port=25),
    )
    assert settings.relay_ports == {25, 26, 465, 587, 2465, 2525, 2526, 2587}
    assert settings.cleartext_auth == {("old.example.org", 25), ("::1", 2525)}
    assert settings.egress_ips == ("192.0.2.1", "2001:db8::1")
    assert settings.trusted_proxies == (ip_network("10.0.0.0/24"), ip_network("::1"))


def test_single_values_are_read():
    settings = load(
        PORTAL_BASE_URL="https://Mail.example.org:8443/",
        PORTAL_DNS="127.0.0.1:5353",
        PORTAL_EGRESS_HOST="out.example.org",
        PORTAL_EHLO_NAME="[IPv6:2001:DB8::1]",
        PORTAL_LOG="json",
        PORTAL_LOG_LEVEL="DEBUG",
        PORTAL_RETENTION_DAYS="30",
        PORTAL_METRICS_TOKEN="t0ken",
        PORTAL_LIMITS="off",
        PORTAL_DATABASE_URL="postgresql://portal:secret@db/portal",
    )

    assert settings.base_url == "https://mail.example.org:8443"
    assert settings.dns == ("127.0.0.1", 5353)
    assert settings.ehlo_name == "[IPv6:2001:db8::1]"
    assert (settings.log, settings.log_level) == ("json", "debug")
    assert settings.retention_days == 30
    assert settings.metrics_token.reveal() == "t0ken"
    assert settings.limits is False
    assert settings.database_url == "postgresql://portal:secret@db/portal"


def test_relay_is_greeted_with_the_portals_own_name():
    assert load(PORTAL_BASE_URL="https://mail.example.org").ehlo_name == (
        "mail.example.org"
    )


def test_relay_is_never_greeted_with_a_name_that_means_nothing_there():
    """`localhost` and a bare machine name are refused by many relays."""
    name = load(PORTAL_BASE_URL="http://localhost:8025").ehlo_name

    assert "." in name
    assert "localhost" not in name


def test_no_secret_shows_in_the_settings():
    shown = repr(
        load(
            PORTAL_MASTER_KEY="k1:c2VjcmV0",
            PORTAL_METRICS_TOKEN="c2VjcmV0",
            PORTAL_DATABASE_URL="postgresql://portal:c2VjcmV0@db/portal",
            PORTAL_DEFAULT_SENDER="smtp://u:c2VjcmV0@h.example?from=a@example.org",
        )
    )

    assert "c2VjcmV0" not in shown


BAD = {
    "PORTAL_BASE_URL": ["mail.example.org", "ftp://x.org", "https://", "http://x/y?z"],
    "PORTAL_RELAY_ALLOW": [
        "10.0.0.1",
        "10.0.0.1/8:25",
        "10.0.0.0/33:25",
        "::1:25",
        "[::1]",
        "mail:0",
        "mail:65536",
        "mail:smtp",
        "127.1:25",
        "a b:25",
        "[mail]:25",
    ],
    "PORTAL_RELAY_PORTS": ["smtp", "0", "25;26"],
    "PORTAL_DNS": ["127.0.0.1", "resolver:53", "127.0.0.1:x"],
    "PORTAL_CLEARTEXT_AUTH": ["old", "old:*"],
    "PORTAL_EGRESS_IPS": ["host.example.org", "1.2.3"],
    "PORTAL_EGRESS_HOST": ["192.0.2.1", "a_b c"],
    "PORTAL_EHLO_NAME": ["a b", "[1.2.3]", "-x-"],
    "PORTAL_TRUSTED_PROXIES": ["proxy", "10.0.0.1/8"],
    "PORTAL_LOG": ["xml"],
    "PORTAL_LOG_LEVEL": ["loud"],
    "PORTAL_RETENTION_DAYS": ["0", "-1", "1.5", "for ever", "٣"],
    "PORTAL_LIMITS": ["no", "0"],
    "PORTAL_DATABASE_URL": ["mysql://db/portal", "postgresql://db", "portal.db"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in BAD for value in BAD[name]]
)
def test_bad_value_is_one_sentence_that_names_the_variable(name, value):
    sentence = refusal(**{name: value})

    assert sentence.startswith(name)
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_bad_database_url_is_not_repeated():
    """It holds a password."""
    assert "hunter2" not in refusal(PORTAL_DATABASE_URL="mysql://u:hunter2@db/p")


def test_network_with_bits_beyond_its_mask_is_shown_as_it_should_be():
    sentence = refusal(PORTAL_RELAY_ALLOW="10.1.2.3/8:25")

    assert "write 10.0.0.0/8" in sentence
