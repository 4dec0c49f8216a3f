"""Finds the refusal in a conversation that a client wrote down, and what it answers.

Swaks, curl, smtplib's and PHPMailer's debugging, and plain `C:` and `S:` lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_COMMAND = re.compile(
    r"^\s*(?:-->|~>|->|>>>|>|C:|CLIENT -> SERVER:|send: b?['\"])\s{0,4}"
    r"(EHLO|HELO|LHLO|STARTTLS|AUTH|MAIL FROM|RCPT TO|DATA|\.(?=\s*$|['\"\\]))",
    re.IGNORECASE,
)
_REPLY = re.compile(
    r"^\s*(?:<\*\*|<~\*|<--|<~|<-|<<<|<|S:|SERVER -> CLIENT:|reply: b?['\"])\s{0,4}"
    r"([2-5]\d\d)[ -](.{0,2000})"
)
_STAGES = {
    "EHLO": "ehlo",
    "HELO": "ehlo",
    "LHLO": "ehlo",
    "STARTTLS": "starttls",
    "AUTH": "auth",
    "MAIL FROM": "mail_from",
    "RCPT TO": "rcpt_to",
    "DATA": "data",
    ".": "post_data",
}
_ENDS = re.compile(r"(?:\\r|\\n|['\"])+\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    stage: str
    code: int
    words: str


def refusal(lines: list[str]) -> Spoken | None:
    """The last 4yz or 5yz, and the command before it; None if nobody commands."""
    stage, found, commands = "banner", None, 0
    for line in lines:
        if command := _COMMAND.match(line):
            stage = _STAGES[command[1].upper()]
            commands += 1
        elif (reply := _REPLY.match(line)) and reply[1] >= "400":
            words = _ENDS.sub("", reply[2]).strip()
            code = int(reply[1])
            if found and (found.stage, found.code) == (stage, code):
                words = f"{found.words}\n{words}"
            found = Spoken(stage=stage, code=code, words=words)
    return found if commands else None
