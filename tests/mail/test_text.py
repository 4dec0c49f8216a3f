"""The plain text beside an HTML mail reads like the mail."""

from __future__ import annotations

import time

import pytest

from portal.mail.text import text_alternative


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo\n"),
        ("a<br>b<br/>c", "a\nb\nc\n"),
        ("Hello   \n big <b>w</b>orld", "Hello big world\n"),
        ("<ul><li>one<li><p>two</p></ul>after", "- one\n- two\n\nafter\n"),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b\n"),
        ("<ul><li>a<ul><li>b</ul></ul>", "- a\n  - b\n"),
        ("<table><tr><td>A</td><td>B</td></tr><tr><td>C</table>", "A B\nC\n"),
        ("<pre>  x\n   y</pre>", "  x\n   y\n"),
        ("&lt;b&gt; &amp; &euro;&nbsp;5", "<b> & € 5\n"),
        ("3 < 5 and a<b", "3 < 5 and a\n"),
        ("<style>p{}</style><script>if(a<b)x()</script>seen", "seen\n"),
        ("<head><title>t</title></head><body>b", "b\n"),
        ("a<!-- <p>hidden</p> -->b", "ab\n"),
        ("a<!-- never closed", "a\n"),
        ('<img src="x" alt="Our &lt;logo&gt;">', "Our <logo>\n"),
        (
            '<a title="5 > 4" href="https://a.example/x">go</a>',
            "go <https://a.example/x>\n",
        ),
        ('<a title="5" wide">hi</a> there', "hi there\n"),
        ("<hr>end", "--------\nend\n"),
        ("", "\n"),
    ],
)
def test_html_reads_as_text(source, text):
    assert text_alternative(source) == text


@pytest.mark.parametrize(
    ("href", "shown"),
    [
        ("https://a.example/?b=1&amp;c=2", "go <https://a.example/?b=1&c=2>"),
        ("mailto:kim@example.org", "go <mailto:kim@example.org>"),
        ("javascript:alert(1)", "go"),
        ("JaVaScRiPt:alert(1)", "go"),
        ("java&#10;script:alert(1)", "go"),
        ("data:text/html,x", "go"),
        ("#top", "go"),
        ("https://a.example/ x", "go"),
    ],
)
def test_a_link_keeps_an_address_that_a_person_may_follow(href, shown):
    assert text_alternative(f'<a href="{href}">go</a>') == shown + "\n"


def test_a_link_that_is_its_own_text_is_not_said_twice():
    source = '<a href="https://a.example/">https://a.example</a>'

    assert text_alternative(source) == "https://a.example\n"


@pytest.mark.parametrize(
    "piece",
    [
        "<!",
        "<!--",
        "<a ",
        "</",
        '<a b="',
        "&",
        "<script>",
        "<?",
        "<",
        "<a ='",
        "<ul><li>",
        "<a>x",
        '<a x="1" y">',
        "<![CDATA[",
    ],
)
def test_a_hostile_page_takes_time_in_proportion(piece):
    """Sixteen times the input is at most about sixteen times the work, never 256."""

    def took(count: int) -> float:
        source = piece * count
        began = time.process_time()
        text_alternative(source)
        return time.process_time() - began

    took(1_000)
    assert took(32_000) < 64 * max(took(2_000), 0.002)
