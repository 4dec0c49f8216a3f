"""Where to look for a relay: catalogue, DNS, documents and usual names."""

from __future__ import annotations

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from portal.errors import Invalid
from portal.net.open import OpenNet
from portal.net.records import NameServers
from portal.providers import mailboxes
from portal.providers.catalogue import Catalogue
from portal.services.finding import autoconfig, parse_asked
from portal.services.finding.naming import leads

CATALOGUE = Catalogue.load()
DOCUMENT = b"""<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1"><emailProvider id="peer.example">
  <incomingServer type="imap"><hostname>imap.peer.example</hostname></incomingServer>
  <outgoingServer type="smtp">
    <hostname>out.%EMAILDOMAIN%</hostname><port>465</port>
    <socketType>SSL</socketType><username>%EMAILLOCALPART%</username>
  </outgoingServer>
</emailProvider></clientConfig>"""


def found(zones, asked: str, records: str = "", **more):
    server = zones({"peer.example": records})
    dns = NameServers(server=server.address, rounds=1)
    return asyncio.run(leads(parse_asked(asked), dns, None, CATALOGUE, **more))


@pytest.mark.parametrize(
    ("asked", "domain"),
    [
        ("kim@Peer.example", "peer.example"),
        (" smtp.peer.example ", "smtp.peer.example"),
    ],
)
def test_an_address_or_a_host_is_asked(asked, domain):
    assert parse_asked(asked).domain == domain


@pytest.mark.parametrize("asked", ["", "kim@", "no host", "kim@peer.example\r\nQUIT"])
def test_anything_else_is_refused(asked):
    with pytest.raises(Invalid):
        parse_asked(asked)


def test_mx_records_tell_whose_mailboxes_these_are(zones):
    records = "@ MX 10 peer-example.mail.protection.outlook.com."

    where = found(zones, "kim@peer.example", records)

    assert where.provider == "microsoft365"
    first = where.leads[0]
    assert (first.host, first.source) == ("smtp.office365.com", "catalogue")
    assert first.doors[0].port == 587
    assert "mx" not in {lead.source for lead in where.leads}


def test_an_mx_of_ones_own_is_looked_at_last(zones):
    where = found(zones, "kim@peer.example", "@ MX 20 b\n@ MX 10 a")

    assert [lead.host for lead in where.leads] == [
        "smtp.peer.example",
        "mail.peer.example",
        "a.peer.example",
    ]


def test_a_freemail_domain_needs_no_look_up(zones):
    where = found(zones, "kim@gmail.com")

    assert [lead.host for lead in where.leads] == ["smtp.gmail.com"]


def test_a_freemail_domain_has_the_host_that_is_beneath_it(zones):
    for domain, host in (
        ("web.de", "smtp.web.de"),
        ("gmx.com", "mail.gmx.com"),
        ("gmx.de", "mail.gmx.net"),
        ("yandex.ru", "smtp.yandex.ru"),
    ):
        assert found(zones, f"kim@{domain}").leads[0].host == host


def test_hosts_of_others_are_counted(zones):
    """SRV records can name anybody: what is looked at stays within the limits."""
    records = """
    _submissions._tcp SRV 0 1 465 one.other.example.
    _submission._tcp SRV 0 1 587 two.other.example.
    """

    where = found(zones, "kim@peer.example", records, most_of_others=1)

    assert "one.other.example" in {lead.host for lead in where.leads}
    assert where.left_out == ("two.other.example",)


def test_a_silent_name_server_is_not_waited_for(zones):
    where = found(zones, "kim@peer.example", "@ ! SILENT", timeout_s=0.3)

    assert {lead.source for lead in where.leads} == {"name"}


def test_the_document_for_mail_programs_is_read():
    [lead] = autoconfig.read(DOCUMENT, parse_asked("kim@peer.example"))

    assert (lead.host, lead.username) == ("out.peer.example", "kim")
    assert [(door.port, door.security) for door in lead.doors] == [(465, "tls")]


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>Not found",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        DOCUMENT.replace(b"465", b"99999"),
        DOCUMENT.replace(b"SSL", b"plain"),
        DOCUMENT.replace(b"out.%EMAILDOMAIN%", b"out of here"),
        b"\xff\xfe<",
    ],
)
def test_what_is_no_such_document_names_nothing(document):
    assert autoconfig.read(document, parse_asked("kim@peer.example")) == ()


def test_the_document_is_fetched_over_https_without_the_address(authority):
    asked_for: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked_for.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(DOCUMENT)))
            self.end_headers()
            self.wfile.write(DOCUMENT)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = authority.contexts["good"].wrap_socket(
        server.socket, server_side=True
    )
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    place = f"https://localhost:{server.server_port}/mail/config-v1.1.xml?{{domain}}"

    leads_ = asyncio.run(
        autoconfig.leads(
            parse_asked("kim@peer.example"),
            OpenNet(),
            timeout_s=5,
            ca_pem=authority.pem,
            places=[place],
        )
    )
    server.shutdown()
    server.server_close()

    assert [lead.host for lead in leads_] == ["out.peer.example"]
    assert asked_for == ["/mail/config-v1.1.xml?peer.example"]


def test_freemail_domains_are_known():
    assert mailboxes.is_freemail("Gmail.com")
    assert not mailboxes.is_freemail("peer.example")
    assert mailboxes.behind("aspmx.l.google.com.") == "gmail"
    assert mailboxes.behind("mx.peer.example") is None


def test_every_provider_that_is_named_is_in_the_catalogue():
    lent = {each for ids in mailboxes._LENT.values() for each in ids}
    named = {*mailboxes._DOMAINS.values(), *mailboxes._EXCHANGERS.values(), *lent}

    assert all(CATALOGUE.get(each) for each in named - {None})
