"""Explain an error: pasted words get the diagnosis of a failed live test."""

from __future__ import annotations

import re

import pytest

from portal.diagnosis.rules import causes

GMAIL = (
    "550 5.7.26 Your email has been blocked because the sender is unauthenticated. "
    "Authentication results: DKIM = did not pass SPF [mail.acme.example] did not pass"
)
OFFICE = "535 5.7.139 Authentication unsuccessful, basic authentication is disabled."


def ask(person, text: str, *, htmx: bool = False, **more: str):
    return person.post("/explain", data={"text": text, **more}, htmx=htmx)


def test_a_viewer_pastes_a_reply_and_reads_why(as_viewer):
    page = ask(as_viewer, OFFICE)

    assert page.status_code == 200
    assert "<html" in page.text
    assert "Signing in with a password is switched off" in page.text
    assert 'href="/causes/auth_basic_disabled_by_provider"' in page.text
    assert "<code>535</code>, <code>5.7.139</code>" in page.text


def test_by_htmx_the_answer_comes_alone_with_the_input_kept(as_viewer):
    answer = ask(as_viewer, GMAIL, htmx=True, stage="post_data")

    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert answer.text.lstrip().startswith('<div class="split" id="explain"')
    kept = answer.text.partition("<textarea")[2].partition("</textarea>")[0]
    assert GMAIL in kept
    assert '<option value="post_data" selected>' in answer.text


def test_the_relay_s_host_sharpens_the_answer(as_viewer):
    said = "535 5.7.139 Authentication unsuccessful"

    vague = ask(as_viewer, said).text
    sharp = ask(as_viewer, said, host=" smtp.office365.com ").text

    assert "<dt>Provider</dt><dd>Microsoft 365" not in vague
    assert "<dt>Provider</dt><dd>Microsoft 365" in sharp


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"text": " \n"}, "Paste a reply, a log line or a bounce."),
        ({"text": "x" * 200_001}, "Paste the part that failed"),
        ({"text": GMAIL, "host": "not a host"}, "host"),
        ({"text": GMAIL, "stage": "moon"}, "There is no such stage."),
    ],
)
@pytest.mark.parametrize("htmx", [False, True])
def test_what_makes_no_sense_is_said_beside_its_field(as_viewer, given, sentence, htmx):
    answer = ask(as_viewer, htmx=htmx, **given)

    assert answer.status_code == 422
    assert ("<html" in answer.text) is not htmx
    refused = re.findall(r'<span class="error" id="\w+-error">([^<]*)', answer.text)
    assert len(refused) == 1
    assert sentence in refused[0]


def test_words_that_nobody_knows_get_an_honest_answer(as_viewer):
    page = ask(as_viewer, "554 fnord", stage="rcpt_to").text

    assert '<a href="/causes/rejected_unspecified">' in page
    assert "unsure (0." in page


def test_what_was_pasted_is_shown_and_never_run(as_viewer):
    page = ask(as_viewer, "<script>alert('x')</script> 550 5.1.1 no such user").text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_bounce_to_several_is_told_once_for_each_reason(as_viewer):
    page = ask(as_viewer, BOUNCE).text

    assert page.count("<dt>Cause</dt>") == 2
    assert "kim<wbr>@example.<wbr>com, al<wbr>@example.<wbr>com" in page
    assert "mailbox_full" in page and "recipient_unknown" in page


def test_nobody_explains_without_signing_in(nobody):
    assert nobody.get("/explain").status_code == 303
    assert nobody.post("/explain", data={"text": GMAIL}).status_code == 303
    assert nobody.get("/causes").status_code == 303


def test_the_side_bar_leads_there(as_viewer):
    page = as_viewer.get("/t/acme-inc/").text

    assert '<a href="/explain?in=acme-inc"' in page
    here = as_viewer.get("/explain?in=acme-inc").text
    assert '<a href="/explain?in=acme-inc" aria-current="page"' in here
    assert 'action="/explain?in=acme-inc"' in here


def test_all_causes_are_listed_and_each_has_its_page(as_viewer):
    listed = as_viewer.get("/causes").text

    for each in causes():
        assert f'href="/causes/{each}"' in listed
        page = as_viewer.get(f"/causes/{each}")
        assert page.status_code == 200, each
        assert f"<code>{each}</code>" in page.text
        assert "{" not in re.sub(r"<(script|meta|body)[^>]*>", "", page.text), each
    assert as_viewer.get("/causes/none").status_code == 404


def test_a_cause_names_those_who_word_it_in_their_own_way(as_viewer):
    page = as_viewer.get("/causes/auth_basic_disabled_by_provider").text

    assert "basic authentication is disabled" in page
    assert "Microsoft 365" in page
    assert "until something is changed" in page


BOUNCE = """\
From: MAILER-DAEMON@mx.example.net
To: noreply@example.org
Subject: Undelivered Mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Three failed.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; kim@example.com
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

Final-Recipient: rfc822; al@example.com
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

Final-Recipient: rfc822; bo@example.com
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp; 552 5.2.2 Mailbox full
--b--
"""
