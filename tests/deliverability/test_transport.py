"""Mail to the domain: MTA-STS by a real HTTPS server, TLS-RPT, DANE, DNSSEC, BIMI."""

from __future__ import annotations

import asyncio
import dataclasses
import http.server
import ssl
import threading
from functools import partial

import pytest
import trustme

from portal.deliverability.asking import Asking
from portal.deliverability.bimi import check_bimi
from portal.deliverability.dnssec import check_dnssec
from portal.deliverability.transport.dane import check_dane
from portal.deliverability.transport.mta_sts import check_mta_sts
from portal.deliverability.transport.tls_rpt import check_tls_rpt
from portal.deliverability.types import Check, CheckName, Status, Subject
from portal.net import https
from portal.net.open import OpenNet
from portal.net.records import NameServers
from portal.net.types import Found
from tests.net.zones import Zones

SHOP = Subject(domain="shop.example")
POLICY = "version: STSv1\nmode: enforce\nmx: mail.shop.example\nmax_age: 86400\n"
WITH_STS = """
    _mta-sts TXT "v=STSv1; id=20261121"
    @ MX 10 mail
    mail A 192.0.2.2
"""


class _ToThePort(OpenNet):
    """Every name leads to one server on loopback, whatever the port."""

    async def find(self, host, port, *, timeout_s):
        found = await super().find("127.0.0.1", port, timeout_s=timeout_s)
        return Found(host=host, addresses=found.addresses)

    async def open(self, address, port, **how):
        return await super().open(address, _ToThePort.port, **how)


@pytest.fixture(scope="module")
def vouching():
    return trustme.CA()


@pytest.fixture
def served(vouching):
    """`served(status, headers, body)`: fetches what a real HTTPS server answers."""
    running = []

    def start(
        status=200, body=POLICY, kind="text/plain", names=("mta-sts.shop.example",)
    ):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Location", "https://elsewhere.example/")
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                return

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        vouching.issue_cert(*names).configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        running.append(server)
        net = _ToThePort()
        _ToThePort.port = server.server_address[1]
        return partial(
            https.get, net, timeout_s=3, ca_pem=vouching.cert_pem.bytes().decode()
        )

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("answer", "reason", "status"),
    [
        ({}, "mta_sts_ok", "pass"),
        ({"body": POLICY.replace("mail.", "*.")}, "mta_sts_ok", "pass"),
        ({"body": POLICY.replace("enforce", "testing")}, "mta_sts_testing", "warn"),
        ({"body": POLICY.replace("enforce", "none")}, "mta_sts_mode_none", "warn"),
        ({"status": 404}, "mta_sts_policy_unreachable", "fail"),
        ({"status": 302}, "mta_sts_redirect", "fail"),
        ({"kind": "text/html"}, "mta_sts_policy_unreachable", "fail"),
        ({"body": "hello"}, "mta_sts_policy_unreachable", "fail"),
        ({"body": POLICY.replace("86400", "-1")}, "mta_sts_policy_unreachable", "fail"),
        ({"body": "x" * 70_000}, "mta_sts_policy_unreachable", "fail"),
        ({"names": ("shop.example",)}, "mta_sts_policy_unreachable", "fail"),
        ({"body": POLICY.replace("mail.", "mx.")}, "mta_sts_mx_mismatch", "fail"),
        ({"body": POLICY.replace("mail.shop", "*.mail.shop")}, "mta_sts_mx_mismatch", "fail"),
        (
            {"body": POLICY.replace("mail.", "mx.").replace("enforce", "testing")},
            "mta_sts_mx_mismatch",
            "warn",
        ),
    ],
)  # fmt: skip
def test_a_policy_is_fetched_and_read(checked, served, answer, reason, status):
    check = checked({"shop.example": WITH_STS}, check_mta_sts, SHOP, served(**answer))

    assert (check.reasons[0], check.status) == (reason, status)


@pytest.mark.parametrize(
    ("zone", "reason", "status"),
    [
        ("www A 192.0.2.1", "mta_sts_absent", "info"),
        ('_mta-sts TXT "v=STSv1"', "mta_sts_absent", "info"),
        (
            '_mta-sts TXT "v=STSv1; id=1"\n_mta-sts TXT "v=STSv1; id=2"',
            "mta_sts_multiple_records",
            "fail",
        ),
        ("_mta-sts ! SERVFAIL", "dns_servfail", "unknown"),
    ],
)
def test_without_one_record_nothing_is_fetched(checked, zone, reason, status):
    async def never(url):
        raise AssertionError(url)

    check = checked({"shop.example": zone}, check_mta_sts, SHOP, never)

    assert (check.reasons, check.status) == ((reason,), status)


@pytest.mark.parametrize(
    ("zone", "reason", "status"),
    [
        (
            '_smtp._tls TXT "v=TLSRPTv1; rua=mailto:t@shop.example"',
            "tls_rpt_ok",
            "pass",
        ),
        ('_smtp._tls TXT "v=TLSRPTv1;rua=https://r.example/x"', "tls_rpt_ok", "pass"),
        ("www A 192.0.2.1", "tls_rpt_absent", "info"),
        ('_smtp._tls TXT "v=TLSRPTv1"', "tls_rpt_syntax", "fail"),
        (
            '_smtp._tls TXT "v=tlsrptv1; rua=mailto:t@a.example"',
            "tls_rpt_syntax",
            "fail",
        ),
        (
            '_smtp._tls TXT "v=TLSRPTv1; rua=mailto:a@a.example"\n'
            '_smtp._tls TXT "v=TLSRPTv1; rua=mailto:b@b.example"',
            "tls_rpt_multiple_records",
            "fail",
        ),
        ("_smtp._tls ! REFUSED", "dns_refused", "unknown"),
    ],
)
def test_reports_about_tls(checked, zone, reason, status):
    check = checked({"shop.example": zone}, check_tls_rpt, SHOP)

    assert (check.reasons, check.status) == ((reason,), status)


TLSA = f"@ MX 10 mail\nmail A 192.0.2.2\n_25._tcp.mail TLSA 3 1 1 {'ab' * 32}"


@pytest.mark.parametrize(
    ("zone", "signed", "reason", "status"),
    [
        (TLSA, True, "dane_ok", "pass"),
        (TLSA, False, "dane_without_dnssec", "warn"),
        ("@ MX 10 mail\nmail A 192.0.2.2", True, "dane_absent", "info"),
        ("@ MX 0 .", True, "dane_absent", "info"),
        ("@ ! SERVFAIL", True, "dns_servfail", "unknown"),
    ],
)
def test_dane(checked, zone, signed, reason, status):
    check = checked({"shop.example": zone}, check_dane, SHOP, authenticated=signed)

    assert (check.reasons, check.status) == ((reason,), status)


@pytest.mark.parametrize(
    ("zone", "signed", "reason", "status"),
    [
        ("@ A 192.0.2.1", True, "dnssec_signed", "pass"),
        ("@ A 192.0.2.1", False, "dnssec_unsigned", "info"),
        ("@ ! SERVFAIL", False, "dns_servfail", "unknown"),
        ("@ ! BOGUS", False, "dnssec_bogus", "fail"),
    ],
)
def test_dnssec(zone, signed, reason, status):
    async def run(served):
        servers = NameServers(served.address, timeout_s=0.5, rounds=2)
        unchecked = dataclasses.replace(servers, unchecked=True)
        async with Asking(servers) as asking:
            return await check_dnssec(asking, unchecked, SHOP)

    with Zones({"shop.example": zone}, authenticated=signed) as served:
        check = asyncio.run(run(served))

    assert (check.reasons, check.status) == ((reason,), status)


LOGO = 'default._bimi TXT "v=BIMI1; l=https://shop.example/logo.svg"'


@pytest.mark.parametrize(
    ("zone", "policy", "reasons", "reason", "status"),
    [
        (LOGO, "reject", (), "bimi_ok", "pass"),
        (LOGO, "none", (), "bimi_needs_enforcement", "warn"),
        (LOGO, "reject", ("dmarc_pct_partial",), "bimi_needs_enforcement", "warn"),
        (
            LOGO.replace("svg", "png?v=2"),
            "reject",
            (),
            "bimi_needs_enforcement",
            "warn",
        ),
        (LOGO.replace("https", "http"), "reject", (), "bimi_needs_enforcement", "warn"),
        (LOGO.replace(".svg", ""), "reject", (), "bimi_ok", "pass"),
        ("www A 192.0.2.1", "reject", (), "bimi_absent", "info"),
    ],
)
def test_a_logo_needs_a_strict_policy(checked, zone, policy, reasons, reason, status):
    dmarc = Check(
        check=CheckName.DMARC,
        status=Status.PASS,
        reasons=reasons or ("dmarc_ok",),
        facts={"effective_policy": policy},
    )

    check = checked({"shop.example": zone}, check_bimi, SHOP, dmarc)

    assert (check.reasons, check.status) == ((reason,), status)
