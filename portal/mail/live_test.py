"""The mail of a live test: always the same words, so that nobody can abuse it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from portal.address import Named
from portal.mail.types import Draft, Kind

_TEXT = """\
This is a test message.

Somebody who looks after a sender in SMTP Portal asked for it at {at} UTC, to see
whether mail gets through with the settings on their screen. It got through: the
relay accepted it, and here it is.

Nothing needs to be done. If you did not expect it, you can delete it.
"""

_HTML = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Test from SMTP Portal</title></head>
<body>
<h1>This is a test message</h1>
<p>Somebody who looks after a sender in SMTP Portal asked for it at {at} UTC, to see
whether mail gets through with the settings on their screen. It got through: the
relay accepted it, and here it is.</p>
<p>Nothing needs to be done. If you did not expect it, you can delete it.</p>
</body>
</html>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    subject: str
    text: str
    html: str


def test_words(*, now: datetime) -> Words:
    """What every live test says, and when it was asked for."""
    at = now.astimezone(UTC).strftime("%H:%M:%S on %-d %B %Y")
    return Words(
        subject="Test from SMTP Portal",
        text=_TEXT.format(at=at),
        html=_HTML.format(at=at),
    )


def test_message(to: Named, *, now: datetime) -> Draft:
    """The draft of a live test to one address (a fixed text)."""
    words = test_words(now=now)
    return Draft(
        to=(to,),
        subject=words.subject,
        text=words.text,
        html=words.html,
        kind=Kind.NOTIFICATION,
    )
