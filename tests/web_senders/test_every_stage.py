"""Every stage, from a server that fails there to the words on the page."""

from __future__ import annotations

import dataclasses
import html
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from portal.config import Settings
from portal.delivery.types import Stage
from portal.engine.engine import Engine
from portal.services import keys
from tests.engine.conftest import PATIENT, until
from tests.net.nameserver import NameServer
from tests.relays.tokens import WRONG_SECRET
from tests.web_senders.asking import of_portal
from tests.web_senders.conftest import SIGNED_IN, START
from tests.web_senders.reading import rungs, words

BYE = "C: QUIT\nS: 221 2.0.0 Bye\n"
GREETS = "S: 220 relay.test ESMTP\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What the relay plays and the form says; what must stand under the rung."""

    said: str
    cause: str
    title: str
    remedy: str
    dialog: str = ""
    form: Mapping[str, str] = field(default_factory=dict)


TABLE = {
    Stage.DNS: Failure(
        form={"host": "relay.test"},
        said="relay.test has no address: ",
        cause="dns_no_such_host",
        title="There is no such host",
        remedy="Compare the host with the one in the console",
    ),
    Stage.CONNECT: Failure(
        said=" refused the connection: ",
        cause="connection_refused",
        title="Nothing listens on port",
        remedy="Check host and port.",
    ),
    Stage.TLS: Failure(
        dialog="! tls expired\n",
        form={"security": "tls"},
        said="certificate verify failed: certificate has expired",
        cause="certificate_expired",
        title="The relay’s certificate is out of date",
        remedy="Have the certificate renewed at the relay.",
    ),
    Stage.BANNER: Failure(
        dialog="S: 554 5.7.1 [127.0.0.1] blocked using zen.spamhaus.org\n" + BYE,
        said="554 5.7.1 [127.0.0.1] blocked using zen.spamhaus.org",
        cause="ip_blocklisted",
        title="The sending IP address is on a block list",
        remedy="Look the address up at the list",
    ),
    Stage.EHLO: Failure(
        dialog=GREETS
        + "C: EHLO *\nS: 550 5.7.1 Helo command rejected: Host not found\n"
        + BYE,
        said="550 5.7.1 Helo command rejected: Host not found",
        cause="helo_rejected",
        title="The relay does not take the name we call ourselves",
        remedy="Set the EHLO name of this sender to a public name",
    ),
    Stage.STARTTLS: Failure(
        dialog="refuses_starttls.txt",
        form={"security": "starttls"},
        said="454 4.7.0 TLS is not available due to a temporary reason",
        cause="starttls_not_offered",
        title="The relay does not offer STARTTLS",
        remedy="Try port 465 with TLS from the start.",
    ),
    Stage.OAUTH_TOKEN: Failure(
        said="AADSTS7000215: Invalid client secret provided.",
        cause="oauth_client_misconfigured",
        title="The token service does not know this application",
        remedy="Compare them with the app registration",
    ),
    Stage.AUTH: Failure(
        dialog="auth_rejected.txt",
        form={**SIGNED_IN, "security": "tls"},
        said="535 5.7.8 Error: authentication failed",
        cause="auth_bad_credentials",
        title="The relay refuses this user name and password",
        remedy="Copy both again from the console",
    ),
    Stage.MAIL_FROM: Failure(
        dialog="says_553_at_mail.txt",
        said="553 5.7.1 Sender address rejected: not owned by user",
        cause="sender_not_authorised",
        title="The relay refuses the sender address",
        remedy="Use the address of the account as From",
    ),
    Stage.RCPT_TO: Failure(
        dialog=GREETS
        + "C: EHLO *\nS: 250 relay.test\nC: MAIL FROM:*\nS: 250 2.1.0 OK\n"
        + "C: RCPT TO:*\nS: 550 5.7.1 Relaying denied\nC: RSET\nS: 250 OK\n"
        + BYE,
        said="550 5.7.1 Relaying denied",
        cause="relay_denied_ip_not_allowed",
        title="The relay does not know this portal’s address",
        remedy="Have this portal’s public address added",
    ),
    Stage.DATA: Failure(
        dialog="says_451_to_data.txt",
        said="451 4.3.0 Try again later",
        cause="server_unavailable",
        title="The relay cannot work just now",
        remedy="Nothing here needs to change; mail waits and is tried again.",
    ),
    Stage.POST_DATA: Failure(
        dialog="says_554_after_the_dot.txt",
        said="554 5.7.1 Message content rejected",
        cause="content_rejected_policy",
        title="A rule forbids this content",
        remedy="Remove the attachment or the wording in question",
    ),
}


@pytest.fixture
def settings(settings: Settings) -> Iterator[Settings]:
    """With a name server that knows no name."""
    with NameServer({}) as names:
        yield dataclasses.replace(settings, dns=names.address)


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def sent(
    form, play, closed_port, token_server, oauth_sink, authority
) -> Callable[[Stage], dict[str, str]]:
    """The form of a sender whose server fails at this stage."""

    def build(stage: Stage) -> dict[str, str]:
        failure, more = TABLE[stage], dict[str, Any](ca=authority.pem)
        if stage is Stage.OAUTH_TOKEN:
            server = token_server(tls=authority.contexts["good"])
            server.will_say(WRONG_SECRET)
            relay = oauth_sink(tokens=server, starttls=authority.contexts["good"])
            more = {**of_portal(server, authority), "port": relay.port}
        elif failure.dialog:
            more["port"] = play(failure.dialog).port
        else:
            more["port"] = closed_port
        return form(to="pat@example.com", **{**more, **failure.form})

    return build


def test_no_stage_is_left_out():
    assert list(TABLE) == list(Stage)
    causes = [failure.cause for failure in TABLE.values()]
    assert len(set(causes)) == len(causes)


@pytest.mark.parametrize("stage", TABLE, ids=str)
def test_a_stage_that_fails_is_explained_on_the_page(
    as_admin, sent, run_tests, stage: Stage
):
    """The relay's words, the cause, its remedy, and a link to all about it."""
    failure = TABLE[stage]
    answer = as_admin.post(START, sent(stage))
    assert answer.status_code == 303, answer.text
    run_tests()

    page = words(as_admin.get(answer.headers["Location"]).text)

    assert [each for each, state in rungs(page).items() if state == "failed"] == [stage]
    rung = html.unescape(
        page.partition('<li data-state="failed">')[2].partition("</li>")[0]
    )
    told, _, advice = rung.partition('role="alert"')
    assert failure.said in told
    assert f"<h3>{failure.title}" in advice
    assert f"<p>{failure.remedy}" in advice
    assert f'href="/causes/{failure.cause}?in=acme-inc"' in advice
    explained = as_admin.get(f"/causes/{failure.cause}")
    assert explained.status_code == 200
    assert f"<code>{failure.cause}</code>" in explained.text


ENDS = {  # by stage: what is failed at once, and what is tried again
    Stage.RCPT_TO: ("550 5.1.1 User unknown", "450 4.2.2 Mailbox full"),
    Stage.DATA: ("554 5.7.1 Virus found", "451 4.3.0 Try again later"),
    Stage.POST_DATA: ("554 5.7.1 Virus found", "452 4.3.1 Insufficient system storage"),
}
CAUSES = {
    "550 5.1.1 User unknown": "recipient_unknown",
    "450 4.2.2 Mailbox full": "mailbox_full",
    "554 5.7.1 Virus found": "content_rejected_policy",
    "451 4.3.0 Try again later": "server_unavailable",
    "452 4.3.1 Insufficient system storage": "server_unavailable",
}


def dialog_to(stage: Stage, reply: str) -> str:
    """Goes well up to this stage."""
    lines = [f"{GREETS}C: EHLO *\nS: 250 relay.test\nC: MAIL FROM:*\nS: 250 2.1.0 OK"]
    for at, says in (
        (Stage.RCPT_TO, "C: RCPT TO:*\nS: 250 2.1.5 OK"),
        (Stage.DATA, "C: DATA\nS: 354 Go on"),
        (Stage.POST_DATA, "C: (content)\nS: 250 2.0.0 OK"),
    ):
        if at is stage:
            said = says.partition("\n")[0]
            return "\n".join([*lines, said, f"S: {reply}", *ENDING])
        lines.append(says)
    raise AssertionError(stage)


ENDING = ["C: RSET", "S: 250 2.0.0 OK", *BYE.splitlines()]


@pytest.fixture
def engine(installation) -> Iterator[None]:
    """One that delivers mail, and comes back to what waits in an hour."""
    running = Engine(installation, "stages", timing=PATIENT)
    running.start()
    yield
    running.stop(grace_s=0.2)


@pytest.mark.parametrize(
    ("stage", "state", "reply"),
    [
        (stage, state, reply)
        for stage, replies in ENDS.items()
        for state, reply in zip(("failed", "deferred"), replies, strict=True)
    ],
    ids=lambda value: str(value).partition(" ")[0],
)
@pytest.mark.usefixtures("engine")
def test_a_message_that_ended_there_is_explained(
    as_admin, saved, owner, play, stage: Stage, state: str, reply: str
):
    """On its page, and to the program that asks for it."""
    saved(use=True, port=play(dialog_to(stage, reply)).port)
    bearer = {"Authorization": f"Bearer {keys.make(owner, name='app').key}"}
    body = {"to": "lee@example.com", "subject": "Hello", "text": "Hi."}
    at = as_admin.client.post("/send", json=body, headers=bearer).headers["Location"]

    def asked() -> dict[str, Any]:
        return as_admin.client.get(at, headers=bearer).get_json()

    until(lambda: asked()["status"] not in ("queued", "sending"))
    document = asked()
    found = document["diagnosis"]
    assert (document["status"], found["cause"]) == (state, CAUSES[reply])
    assert document["attempts"][0]["stage"] == found["evidence"]["stage"] == stage
    assert found["evidence"]["code"] == int(reply[:3])
    page = as_admin.get(f"/t/acme-inc/messages/{document['id']}").text
    shown = html.unescape(words(page))
    for expected in (reply, found["title"], found["meaning"], found["remedy"]):
        assert expected in shown
    assert f'href="/causes/{found["cause"]}?in=acme-inc"' in page
