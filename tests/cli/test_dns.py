"""`portal dns` in an empty folder, against zones on loopback."""

from __future__ import annotations

import json
import socket

import pytest
from click.testing import CliRunner

from portal.cli import main
from tests.net.zones import Zones

SHOP = """
    @ A 192.0.2.1
    @ MX 10 mail
    mail A 192.0.2.2
    @ TXT "v=spf1 mx -all"
    pm-bounces CNAME pm.mtasv.net.
    20260101pm._domainkey TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    _dmarc TXT "v=DMARC1; p=reject; rua=mailto:d@shop.example"
"""
ZONES = {
    "shop.example": SHOP,
    "mtasv.net": 'pm TXT "v=spf1 ip4:198.51.100.0/24 -all"',
    "example": "www A 192.0.2.1",
}


@pytest.fixture
def portal_dns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PORTAL_DNS", raising=False)

    def run(zones, *words):
        with Zones(zones) as served:
            at = "{}:{}".format(*served.address)
            return CliRunner().invoke(main, ["dns", *words, "--nameserver", at])

    return run


def told(done):
    return json.loads(done.stdout)


def by_name(report):
    return {check["check"]: check for check in report["checks"]}


def test_a_domain_in_order_ends_with_0(portal_dns):
    words = ["shop.example", "--provider", "postmark", "--selector", "20260101pm"]

    done = portal_dns(ZONES, *words, "--json")

    report = told(done)
    assert {key: report[key] for key in ("domain", "provider", "status")} == {
        "domain": "shop.example",
        "provider": "postmark",
        "status": "pass",
    }
    assert done.exit_code == 0
    assert by_name(report)["spf"]["facts"]["host"] == "pm-bounces.shop.example"
    assert set(report["checks"][0]) == {
        "check", "status", "reasons", "found", "expected", "fixes", "facts",
    }  # fmt: skip


def test_what_is_missing_ends_with_1_and_is_named(portal_dns):
    zones = ZONES | {"shop.example": SHOP.replace("_dmarc", "_other")}

    done = portal_dns(zones, "shop.example", "--provider", "postmark", "--json")

    report = told(done)
    assert (done.exit_code, report["status"]) == (1, "fail")
    dmarc = by_name(report)["dmarc"]
    assert dmarc["reasons"] == ["dmarc_missing"]
    assert dmarc["fixes"] == [
        {
            "name": "_dmarc.shop.example",
            "host": "_dmarc",
            "type": "TXT",
            "value": "v=DMARC1; p=none; rua=mailto:dmarc@shop.example",
            "ttl": 3600,
            "note": "Asks for reports first; then quarantine, then reject.",
        }
    ]


def test_for_people_each_check_is_a_line(portal_dns):
    done = portal_dns(ZONES | {"shop.example": "@ A 192.0.2.1"}, "shop.example")

    assert done.exit_code == 1
    assert "✗ dmarc" in done.stdout
    assert "publish  _dmarc.shop.example TXT v=DMARC1; p=none" in done.stdout
    assert done.stdout.splitlines()[-1] == "shop.example: fail"


def test_for_people_each_check_says_why_it_matters(portal_dns):
    zone = SHOP + "_smtp._tls ! SERVFAIL"

    done = portal_dns(ZONES | {"shop.example": zone}, "shop.example")
    text = " ".join(done.stdout.split())

    assert "pass: from_domain_ok shop.example exists and can take answers." in text
    assert "The name server could not tell (SERVFAIL)" in text
    assert "do not publish a second one" in text
    assert "found 10 mail.shop.example" in text
    assert "{" not in text.replace("{key}", "").replace("{selector}", "")
    assert max(map(len, done.stdout.splitlines())) < 200


def test_a_fix_tells_the_name_in_the_panel(portal_dns):
    zones = ZONES | {"shop.example": SHOP.replace("_dmarc", "_other")}

    done = portal_dns(zones, "shop.example", "--provider", "postmark")

    assert "its name is _dmarc, TTL 3600." in " ".join(done.stdout.split())


def test_a_selector_may_be_pasted_with_its_name(portal_dns):
    pasted = "20260101pm._domainkey.shop.example"

    report = told(portal_dns(ZONES, "shop.example", "--selector", pasted, "--json"))

    assert by_name(report)["dkim"]["facts"]["selectors"][0]["selector"] == "20260101pm"


def test_a_domain_that_is_not_there_is_one_fault(portal_dns):
    report = told(portal_dns(ZONES, "nowhere.example", "--json"))

    assert [check["reasons"] for check in report["checks"]] == [
        ["from_domain_nxdomain"]
    ]


@pytest.mark.parametrize("spelling", ["Shop.Example.", " shop.example "])
def test_other_spellings_are_the_same_domain(portal_dns, spelling):
    assert told(portal_dns(ZONES, spelling, "--json"))["domain"] == "shop.example"


def test_a_name_in_other_letters_is_asked_for_as_it_is_on_the_wire(portal_dns):
    zones = {"xn--bcher-kva.example": "@ A 192.0.2.1\n@ MX 10 @"}

    for spelling in ("bücher.example", "xn--bcher-kva.example"):
        done = portal_dns(zones, spelling, "--json")
        assert told(done)["domain"] == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["192.0.2.1"], "no domain"),
        (["[2001:db8::1]"], "no domain"),
        (["co.uk"], "public suffix"),
        (["shop"], "two or more parts"),
        (["x" * 300 + ".example"], "long"),
        (["a..example"], "dot too many"),
        (["shop.example", "--provider", "nobody"], "no provider “nobody”"),
        (["shop.example", "--relay-ip", "1.2.3"], "--relay-ip"),
        (["shop.example", "--from", "no-at"], "--from"),
        ([""], "DOMAIN: The domain is empty"),
        (["https://shop.example/x"], "DOMAIN: “https://shop.example/x” is no domain"),
        (["kim@shop.example"], "behind the @"),
        (["shop .example"], "may not hold spaces"),
        (["_dmarc.shop.example"], "“_dmarc”"),
        (["🍕.example"], "no valid international name"),
        (["xn--zzzzzz--.example"], "no valid international name"),
        (["shop.example\0"], "control"),
        (["127.1"], "ends in a number"),
        (["shop.example", "--provider", "nobody"], "--provider: "),
        (["shop.example", "--selector", "a b"], "--selector: “a b” is no selector"),
        (["shop.example", "--signing-domain", "co.uk"], "--signing-domain: “co.uk”"),
    ],
)
def test_bad_words_are_a_sentence(portal_dns, words, sentence):
    done = portal_dns({}, *words, "--json")

    assert done.exit_code == 2
    assert sentence in done.stderr
    assert not done.stdout


def test_own_relays_and_lists_are_checked(portal_dns):
    zones = {
        "shop.example": '@ A 192.0.2.1\n@ TXT "v=spf1 ip4:192.0.2.9 -all"\nout A 192.0.2.9',
        "2.0.192.in-addr.arpa": "9 PTR out.shop.example.",
        "list.example": "9.2.0.192 A 127.0.0.2",
    }
    words = ["--relay-ip", "192.0.2.9", "--blocklist", "list.example", "--json"]

    checks = by_name(told(portal_dns(zones, "shop.example", *words)))

    assert checks["spf"]["reasons"] == ["spf_ok"]
    assert checks["ptr"]["reasons"] == ["ptr_ok"]
    assert checks["blocklist"]["reasons"] == ["blocklist_listed"]


@pytest.mark.parametrize(
    ("words", "reasons"),
    [
        (["--relay-host", "out.shop.example"], ("spf_ok", "ptr_ok")),
        (["--relay-host", "192.0.2.9"], ("spf_ok", "ptr_ok")),
        (
            ["--relay-host", "out.shop.example", "--relay-ip", "192.0.2.10"],
            ("spf_relay_ip_not_authorised", "ptr_missing"),
        ),
        (["--relay-host", "out.shop.example", "--provider", "postmark"], None),
        (["--relay-host", "inside.shop.example"], "unseen"),
        (["--relay-host", "gone.shop.example"], "unseen"),
    ],
)
def test_the_name_of_an_own_relay_tells_its_addresses(portal_dns, words, reasons):
    zones = {
        "shop.example": '@ A 192.0.2.1\n@ TXT "v=spf1 ip4:192.0.2.9 -all"\nout A 192.0.2.9'
        "\ninside A 10.0.0.5",
        "2.0.192.in-addr.arpa": "9 PTR out.shop.example.",
    }

    done = portal_dns(zones, "shop.example", *words, "--json")

    checks = by_name(told(done))
    found = [each["reasons"][0] for name, each in checks.items() if name == "ptr"]
    assert ("no address of" in done.stderr) == (reasons == "unseen")
    if reasons in (None, "unseen"):
        assert not found
    else:
        assert (checks["spf"]["reasons"][0], *found) == reasons


def test_a_record_on_the_terminal_moves_no_cursor(portal_dns):
    zones = {"shop.example": '@ A 192.0.2.1\n_dmarc TXT "v=DMARC1; p=\\027[2Jx"'}

    done = portal_dns(zones, "shop.example")

    assert "\x1b" not in done.stdout


def test_a_from_address_elsewhere_has_to_align_with_the_domain(portal_dns):
    words = ["shop.example", "--provider", "postmark", "--selector", "20260101pm"]
    zones = ZONES | {
        "shop.example": SHOP + "news A 192.0.2.1",
        "gmail.com": "@ A 192.0.2.1",
    }

    below = told(portal_dns(zones, *words, "--from", "a@news.shop.example", "--json"))
    foreign = told(portal_dns(zones, *words, "--from", "a@gmail.com", "--json"))

    assert below["domain"] == "news.shop.example"
    assert by_name(below)["dmarc"]["reasons"] == ["dmarc_inherited"]
    assert by_name(below)["dkim"]["reasons"] == ["dkim_ok"]
    assert by_name(foreign)["dmarc"]["reasons"] == ["dmarc_not_aligned"]


def test_a_from_address_elsewhere_brings_an_envelope_along_where_it_stays(portal_dns):
    """Fastmail leaves it; Mailjet writes its own over it."""
    zones = ZONES | {"shop.example": SHOP + "news A 192.0.2.1"}
    words = ["shop.example", "--from", "a@news.shop.example", "--json", "--provider"]

    fastmail = by_name(told(portal_dns(zones, *words, "fastmail")))
    mailjet = by_name(told(portal_dns(zones, *words, "mailjet")))

    assert fastmail["spf"]["facts"]["host"] == "shop.example"
    assert mailjet["spf"]["facts"]["host"] == "news.shop.example"


def test_the_name_server_of_the_environment_is_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Zones(ZONES) as served:
        monkeypatch.setenv("PORTAL_DNS", "{}:{}".format(*served.address))
        done = CliRunner().invoke(main, ["dns", "shop.example", "--json"])

    assert by_name(told(done))["mx"]["reasons"] == ["mx_ok"]


@pytest.mark.parametrize("text", ["x", "127.0.0.1", "127.0.0.1:0", "ns.example:53"])
def test_a_name_server_is_an_address_and_a_port(monkeypatch, text):
    monkeypatch.setenv("PORTAL_DNS", text)

    of_environment = CliRunner().invoke(main, ["dns", "shop.example"])
    given = CliRunner().invoke(main, ["dns", "shop.example", "--nameserver", text])

    assert (of_environment.exit_code, given.exit_code) == (2, 2)
    assert "PORTAL_DNS: " in of_environment.stderr
    assert "--nameserver: " in given.stderr


@pytest.mark.skipif(not socket.has_ipv6, reason="a machine without IPv6")
def test_a_name_server_over_ipv6_that_is_not_there_is_not_known():
    words = ["dns", "shop.example", "--nameserver", "[::1]:1", "--json"]

    done = CliRunner().invoke(main, words)

    assert done.exit_code == 1
    statuses = {each["status"] for each in told(done)["checks"]}
    assert "fail" not in statuses
    assert by_name(told(done))["mx"]["reasons"] == ["dns_timeout"]
