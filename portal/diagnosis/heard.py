"""Finds in a mail server's sentence who said what, and in answer to which command.

`host mx.example.org[192.0.2.1] said: 550 5.1.1 … (in reply to RCPT TO command)`:
Postfix, Exim, Sendmail, qmail and others each have a form of it, in logs and bounces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from portal.diagnosis.types import Evidence

_STAGES = (
    (
        r"end of data|message body|(?:sending|after|at) body|message content",
        "post_data",
    ),
    (r"mail from", "mail_from"),
    (r"rcpt to", "rcpt_to"),
    (r"data", "data"),
    (r"starttls", "starttls"),
    (r"auth|sasl", "auth"),
    (r"[eh][eh]lo", "ehlo"),
    (r"greeting|initial connection|banner", "banner"),
)
_COMMAND = re.compile(
    r"(?:in (?:reply|response) to|after|while (?:sending|receiving|performing)|>>>)"
    rf" {{0,3}}(?:the |pipelined |sending |initial server |initial )*"
    rf"({'|'.join(words for words, _ in _STAGES)})",
    re.IGNORECASE,
)
_OTHERWISE = (
    ("auth", re.compile(r"SASL authentication failed", re.IGNORECASE)),
    (
        "starttls",
        re.compile(r"TLS is required, but|start TLS|server certificate not", re.I),
    ),
    ("connect", re.compile(r"\bconnect(?:ing)? to \S{1,255}[\]:]", re.IGNORECASE)),
    ("rcpt_to", re.compile(r"name service error|host or domain name not", re.I)),
)
_SAID = re.compile(
    r"(?:\bsaid|remote (?:server|host) (?:returned|said|responded)|server returned"
    r"|response (?:from the remote server )?was|error from remote mail server[^:]{0,80}"
    r"(?::<[^>\s]{0,320}>[^:]{0,80})?|<<<|reply=|returned was|rejected with|with message)"
    r" {0,3}:? {0,3}['\"#]?",
    re.IGNORECASE,
)
_REPLY = re.compile(r"[(\['\"]{0,2}([2-5]\d\d)(?:[ ,:-]{1,3}b?['\"]?|$)(.*)", re.DOTALL)
# A reply of several lines, folded into one: `… please try 550-5.1.1 again`.
_AGAIN = re.compile(r"\s[45]\d\d[ -](?:[245]\.\d{1,3}\.\d{1,3}\s)?")
_ENHANCED = re.compile(r"[#(]{0,2}([245]\.\d{1,3}\.\d{1,3})\b")
_HOST = re.compile(
    r"(?:\bhost|\bserver|\brelay=|\bH=|talking to|connect to|connection with"
    r"|conversation with|\bwith)[ =]{0,2}([A-Za-z0-9][\w-]{0,62}(?:\.[\w-]{1,63}){1,8})\.?"
    r"(?= ?[\[(:]|:|,| said| timed)(?: ?\[[\w.:]{2,45}\])?(?::(\d{1,5}))?"
)
_TAIL = re.compile(
    r"\s*\(in (?:reply|response) to [^()]{1,60}\)\W*$| Giving up on .*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """`words` are without code; `stage` None where nothing tells it."""

    words: str
    code: int | None
    enhanced: str | None
    stage: str | None
    host: str | None
    port: int | None


def hear(sentence: str) -> Heard:
    """The last reply in the sentence counts, if one is quoted there at all."""
    sentence = " ".join(sentence[:8000].split())
    host = _HOST.search(sentence)
    begins = max((each.end() for each in _SAID.finditer(sentence)), default=0)
    words = _TAIL.sub("", sentence[begins:])
    reply = _REPLY.match(words)
    if reply is None:
        words = _TAIL.sub("", sentence)
    said = _AGAIN.sub(" ", reply[2]).strip(" '\"") if reply else words
    enhanced = _ENHANCED.match(said)
    return Heard(
        words=said,
        code=int(reply[1]) if reply else None,
        enhanced=enhanced[1] if enhanced else None,
        stage=stage_in(sentence),
        host=host[1] if host else None,
        port=int(host[2]) if host and host[2] else None,
    )


def stage_in(sentence: str) -> str | None:
    command = _COMMAND.search(sentence)
    if command:
        return next(
            stage
            for words, stage in _STAGES
            if re.fullmatch(words, command[1], re.IGNORECASE)
        )
    found = (stage for stage, words in _OTHERWISE if words.search(sentence))
    return next(found, None)


def evidence_of(
    heard: Heard, *, stage: str | None = None, enhanced: str | None = None
) -> Evidence:
    """`stage` and `enhanced` are what is known besides, where it says nothing."""
    return Evidence(
        text=heard.words,
        stage=heard.stage or stage,
        code=heard.code,
        enhanced=heard.enhanced or enhanced,
        host=heard.host,
        port=heard.port,
    )
