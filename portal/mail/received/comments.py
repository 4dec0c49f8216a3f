"""Comments in parentheses (RFC 5322 §3.2.2), told apart from the words around them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """`words` without the comments, each of which left a blank."""

    words: str
    comments: tuple[str, ...]


def parted(text: str) -> Parted:
    """Comments may nest and strings be quoted; what is not closed ends with the text."""
    words: list[str] = []
    comments: list[str] = []
    inside: list[str] = []
    depth, quoted, escaped = 0, False, False
    for letter in text:
        special = not escaped
        escaped = special and letter == "\\" and (quoted or depth > 0)
        if special and letter == '"' and not depth:
            quoted = not quoted
        if special and letter == "(" and not quoted:
            depth += 1
            if depth == 1:
                continue
        if special and letter == ")" and depth:
            depth -= 1
            if not depth:
                comments.append("".join(inside))
                inside.clear()
                words.append(" ")
                continue
        (inside if depth else words).append(letter)
    if inside:
        comments.append("".join(inside))
    return Parted(words="".join(words), comments=tuple(comments))


def pieces(words: str) -> list[str]:
    """Between semicolons that are not in a quoted string."""
    found, quoted, escaped = [""], False, False
    for letter in words:
        special = not escaped
        escaped = special and letter == "\\" and quoted
        if special and letter == '"':
            quoted = not quoted
        if letter == ";" and not quoted:
            found.append("")
        else:
            found[-1] += letter
    return [each.strip() for each in found]
