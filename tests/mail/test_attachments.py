"""What is attached keeps its bytes and loses the tricks in its name."""

from __future__ import annotations

import pytest

from portal.errors import Invalid
from portal.mail.attachments import checked, clean_name
from portal.mail.fields import parameter
from portal.mail.types import Attachment


def one(**fields: object) -> Attachment:
    given = {"filename": "a.txt", "content": b"x"} | fields
    return checked((Attachment(**given),))[0]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("invoice.pdf", "invoice.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\kim\\a.doc", "a.doc"),
        ("gnp\u202egpj.exe", "gnpgpj.exe"),
        ("a\r\nb\0.txt", "ab.txt"),
        ("zero\u200bwidth", "zerowidth"),
        ("two  spaces.txt", "two spaces.txt"),
        ("..", "attachment"),
        ("", "attachment"),
        ("folder/", "attachment"),
        ("Größe 大.pdf", "Größe 大.pdf"),
    ],
)
def test_a_name_loses_path_controls_and_direction_marks(given, kept):
    assert clean_name(given) == kept


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"filename": "x" * 201}, "attachments[0].filename"),
        ({"filename": "=?utf-8?q?a?="}, "attachments[0].filename"),
        ({"filename": "a\ud800"}, "attachments[0].filename"),
        ({"content_type": "text/html\r\nBcc: x"}, "attachments[0].content_type"),
        ({"content_type": "pdf"}, "attachments[0].content_type"),
        ({"content_type": "text/plain; name=x"}, "attachments[0].content_type"),
        ({"content_type": "message/rfc822"}, "attachments[0].content_type"),
        ({"content_id": "a b"}, "attachments[0].content_id"),
        ({"content_id": "a>\r\nX: y"}, "attachments[0].content_id"),
        ({"content": bytes(10 * 1024 * 1024 + 1)}, "attachments[0].content"),
    ],
)
def test_a_bad_attachment_is_refused_by_field(fields, named):
    with pytest.raises(Invalid) as refused:
        one(**fields)

    assert refused.value.errors[0].field == named


def test_angle_brackets_around_a_content_id_are_taken_off():
    assert one(content_id="<logo@acme.example>").content_id == "logo@acme.example"


def test_one_content_id_names_one_file():
    file = Attachment(filename="a", content=b"x", content_id="logo")

    with pytest.raises(Invalid) as refused:
        checked((file, file))

    assert refused.value.errors[0].field == "attachments[0].content_id"


def test_a_content_type_may_name_its_charset():
    given = "text/csv; charset=utf-8"

    assert one(content_type=given).content_type == given


def test_a_plain_name_is_quoted_and_any_other_follows_rfc_2231():
    assert parameter("filename", "my file.txt") == 'filename="my file.txt"'
    assert parameter("filename", 'a"b') == "filename*=utf-8''a%22b"
    long = parameter("filename", "ä" * 30)
    assert long.startswith("filename*0*=utf-8''%C3%A4")
    assert "; filename*1*=%C3%A4" in long
