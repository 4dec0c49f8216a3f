"""What a clipboard or an editor does to a mail, undone as far as it can be."""

from __future__ import annotations

import re

_ENDS = re.compile(rb"\r{0,2}\n|\r")  # and what a file became that was turned twice
_MARKED = re.compile(rb"((?:[ \t]*>[ ]?)+|[ \t]+)[A-Za-z][\w-]{1,60}:")
_SAMPLE = 400
# Apple Mail keeps a mail (.emlx) behind its length, and its own notes below it.
_APPLE = re.compile(rb"([1-9][0-9]{0,8}) *\n(?=[A-Za-z][\w-]*:)")


def lines_of(content: bytes) -> list[bytes]:
    """The lines of a mail, without marks of quoting or an indent in front of all."""
    apple = _APPLE.match(content)
    if apple:
        content = content[apple.end() : apple.end() + int(apple[1])]
    return _unmarked(_ENDS.split(_in_utf8(content)))


def _in_utf8(content: bytes) -> bytes:
    """As octets, whatever an editor made of them when it saved the file."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace").encode()
    begin = content[:_SAMPLE]
    even, odd = begin[::2].count(0), begin[1::2].count(0)
    if max(even, odd) * 5 > len(begin) * 2:
        order = "utf-16-le" if odd > even else "utf-16-be"
        return content.decode(order, "replace").encode()
    return content.removeprefix(b"\xef\xbb\xbf")


def _unmarked(lines: list[bytes]) -> list[bytes]:
    first = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    found = _MARKED.match(lines[first][:200]) if first < len(lines) else None
    if found is None:
        return lines
    mark = found[1]
    bare = mark.rstrip()  # what is left of it on an empty line
    if all(line.startswith(bare or mark) for line in _header(lines, first)):
        return [line.removeprefix(_longer(line, mark, bare)) for line in lines]
    return [*lines[:first], lines[first].lstrip(), *lines[first + 1 :]]


def _longer(line: bytes, mark: bytes, bare: bytes) -> bytes:
    return mark if line.startswith(mark) else bare


def _header(lines: list[bytes], first: int) -> list[bytes]:
    end = next(
        (at for at in range(first, len(lines)) if not lines[at].strip()), len(lines)
    )
    return lines[first:end]
