"""Users of the peer whose passwords are of every kind that people type."""

from __future__ import annotations

PASSWORDS = {
    "blanks": "  two before, one behind ",
    "quotes": "\"double\" 'single' `back` \\slash\\",
    "percent": "100%d %s %{user} %%",
    "shell": "$HOME $(id) {PLAIN}x :a:b# ;",
    "unicode": "Grüße, пароль, 密码",
    "thousand": "long " * 200,
    "umlauts": "ü" * 200,
    "simple": "secret",
}
# What SASLprep (RFC 4013) would change, or has no form for. Control characters are not
# among them: Dovecot refuses those in PLAIN and LOGIN without looking the user up.
UNPREPARED = {
    "no_break_space": "a\u00a0b",
    "soft_hyphen": "a\u00adb",
    "ligature": "ﬁsh",
    "decomposed": "u\u0308x",
    "emoji": "🔑key",
}
USERS = PASSWORDS | UNPREPARED
