"""Any bytes can be taken apart to be shown, and nothing of them escapes."""

from __future__ import annotations

from email.message import EmailMessage

from hypothesis import given
from hypothesis import strategies as st

from portal.mail.reading import read

PIXEL = bytes.fromhex("89504e470d0a1a0a")


def both_parts() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Acme <noreply@example.org>"
    mail["Subject"] = "Grüße"
    mail.set_content("plain words\n")
    mail.add_alternative('<p>html</p><img src="cid:logo@x">', subtype="html")
    return mail


def test_text_html_and_decoded_headers_are_found():
    it = read(both_parts().as_bytes())

    assert (it.text or "").strip() == "plain words"
    assert "<p>html</p>" in (it.html or "")
    assert it.header("subject") == "Grüße"
    assert it.header("From") == "Acme <noreply@example.org>"
    assert it.header("Reply-To") == ""


def test_a_picture_of_the_mail_itself_travels_inside():
    """`cid:` becomes data: the frame may fetch nothing."""
    mail = both_parts()
    html = mail.get_payload()[1]
    html.add_related(PIXEL, "image", "png", cid="<logo@x>")

    it = read(mail.as_bytes())

    assert 'src="data:image/png;base64,iVBORw0KGgo="' in (it.html or "")


def test_only_pictures_become_data():
    """A part that says it is a page does not become one in our frame."""
    mail = both_parts()
    mail.get_payload()[1].add_related(b"<p>", "text", "html", cid="<logo@x>")

    assert "cid:logo@x" in (read(mail.as_bytes()).html or "")


def test_attachments_are_named_with_type_and_size():
    mail = both_parts()
    mail.add_attachment(
        b"12345", maintype="application", subtype="pdf", filename="a.pdf"
    )
    mail.add_attachment(b"", maintype="application", subtype="octet-stream")

    first, second = read(mail.as_bytes()).attachments

    assert (first.name, first.kind, first.size_bytes) == ("a.pdf", "application/pdf", 5)
    assert second.name == "without a name"


def test_folded_headers_are_whole():
    it = read(b"Subject: one\r\n two\r\nX-Other: 3\r\n\r\nbody")

    assert it.headers == (("Subject", "one two"), ("X-Other", "3"))


PIECES = st.sampled_from(
    [
        b"Subject: ",
        b"From: ",
        b"Content-Type: multipart/mixed; boundary=x",
        b"Content-Type: text/html; charset=",
        b"Content-Transfer-Encoding: base64",
        b"Content-Disposition: attachment; filename*=utf-8''%ff",
        b"Content-ID: <",
        b"=?utf-8?b?gICA?=",
        b"--x",
        b"--x--",
        b"\r\n",
        b"\r\n\r\n",
        b"\xff\xfe\x00",
        b"<img src='cid:a'>",
    ]
)


@given(st.lists(st.one_of(PIECES, st.binary(max_size=12)), max_size=30))
def test_nonsense_is_shown_too(pieces: list[bytes]):
    content = b"".join(pieces)

    it = read(content)

    whole = it.source + (it.text or "") + (it.html or "") + it.header("Subject")
    assert "\0" not in whole
    whole.encode("utf-8")  # no half surrogate pairs: a page can be sent
    assert it.size_bytes == len(content)
