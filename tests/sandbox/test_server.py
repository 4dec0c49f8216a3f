"""The sandbox as a client meets it: a real conversation on loopback."""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Iterator

import pytest

from portal.sandbox.server import Sandbox
from portal.services import captures
from portal.services.captures import Taken
from portal.store.models import Capture

MAIL = (
    b"From: Acme <app@example.org>\r\n"
    b"To: kim@example.com\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Message-ID: <1@example.org>\r\n"
    b"\r\n"
    b".dots and all\r\n"
)


@pytest.fixture
def sandbox(database) -> Iterator[Sandbox]:
    it = Sandbox(captures.keep)
    it.start()
    yield it
    it.stop()


def client(sandbox: Sandbox) -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", sandbox.port, "app.example.org", timeout=10)


def test_a_mail_is_kept_byte_for_byte(sandbox):
    with client(sandbox) as smtp:
        smtp.sendmail("bounce@example.org", ["kim@example.com"], MAIL)

    [kept] = Capture.select()
    assert bytes(kept.content) == MAIL
    assert kept.reverse_path == "bounce@example.org"
    assert kept.recipients == ["kim@example.com"]
    assert kept.ehlo == "app.example.org"
    assert kept.subject == "Grüße"


def test_several_clients_at_once_lose_nothing(sandbox):
    def send(number: int) -> None:
        with client(sandbox) as smtp:
            for turn in range(5):
                smtp.sendmail("a@example.org", [f"{number}.{turn}@example.com"], MAIL)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    to = {row.recipients[0] for row in Capture.select()}
    assert to == {f"{n}.{t}@example.com" for n in range(4) for t in range(5)}


def test_the_null_path_and_an_address_in_utf8_are_taken(sandbox):
    with client(sandbox) as smtp:
        smtp.ehlo()
        assert smtp.has_extn("smtputf8")
        smtp.mail("", options=["SMTPUTF8"])
        smtp.command_encoding = "utf-8"
        smtp.rcpt("jürgen@example.com", options=[])
        code, _ = smtp.data(MAIL)

    [kept] = Capture.select()
    assert code == 250
    assert (kept.reverse_path, kept.recipients) == ("", ["jürgen@example.com"])


def test_a_mail_that_cannot_be_kept_is_not_acknowledged(database):
    def broken(taken: Taken) -> str:
        raise RuntimeError("no room")

    sandbox = Sandbox(broken)
    sandbox.start()
    try:
        with client(sandbox) as smtp, pytest.raises(smtplib.SMTPDataError) as refused:
            smtp.sendmail("a@example.org", ["kim@example.com"], MAIL)
    finally:
        sandbox.stop()

    assert refused.value.smtp_code == 451


def test_after_the_stop_nobody_listens(sandbox):
    port = sandbox.port
    talking = client(sandbox)

    sandbox.stop()

    assert sandbox.port is None
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    talking.close()


def test_a_given_port_that_is_taken_is_an_error(sandbox):
    with pytest.raises(OSError):
        Sandbox(captures.keep).start(sandbox.port)
