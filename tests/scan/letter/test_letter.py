"""A message taken apart: what people read in it, whatever form it has."""

import base64
import quopri

import pytest

from apps.scan.letter import Letter, Link, read
from apps.scan.letter.letter import invisible, plainly
from tests.scan.rules.mail import mail


def html(source: str) -> Letter:
    return read(mail("", html=source))


def test_it_reads_the_header() -> None:
    one = read(
        mail(
            from_='"B. Builder" <Bob@Friend.TEST>, x@y.test',
            subject="=?utf-8?Q?Gr=C3=BC=C3=9Fe?=",
            reply_to="other@friend.test",
            cc="Carol <carol@example.test>",
            in_reply_to="<3@x>",
            references="<1@x> <2@x> <3@x>",
            x_mailer="Pigeon 1.0",
        )
    )
    assert (one.author.name, one.author.address) == ("B. Builder", "bob@friend.test")
    assert (one.author.domain, one.author.local) == ("friend.test", "bob")
    assert [person.address for person in one.authors] == ["bob@friend.test", "x@y.test"]
    assert [person.address for person in one.addressees] == [
        "alice@example.test",
        "carol@example.test",
    ]
    assert one.reply_to[0].address == "other@friend.test"
    assert one.subject == "Grüße"
    assert one.date is not None
    assert one.date.offset_minutes == 60
    assert one.message_id == "6e1d.1@friend.test"
    assert one.replies_to == ("3@x", "2@x", "1@x")
    assert one.has("x-mailer")
    assert one.text_of("x-mailer") == "Pigeon 1.0"
    assert one.damage == ()


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n", b"\r\n\r\n", b"no header", b"\0" * 9, b"From: <>\r\n"]
)
def test_it_reads_what_is_no_message(raw: bytes) -> None:
    one = read(raw)
    assert one.author.domain == ""
    assert (one.subject, one.message_id, one.date, one.replies_to) == ("", "", None, ())
    assert one.links == ()
    assert len(one.parts) == 1


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [("utf-8", "8bit"), ("utf-8", "base64"), ("koi8-r", "base64"), ("windows-1251", "8bit")],
)
def test_it_decodes_text(charset: str, encoding: str) -> None:
    one = read(
        mail("\u041f\u0440\u0438\u0432\u0435\u0442, Bob", charset=charset, encoding=encoding)
    )
    assert one.plain.strip() == "\u041f\u0440\u0438\u0432\u0435\u0442, Bob"


def test_it_cuts_no_character_in_two() -> None:
    one = read(mail("ä" * 400_000))
    assert set(one.plain) == {"ä"}


def test_it_reads_what_a_reader_of_html_sees() -> None:
    one = html(
        "<title>T</title><style>p{}</style><p>Hello <b>V</b>iagra,</p><div>two<br>lines</div>"
        "<script>x()</script><!-- no --><table><tr><td>a</td><td>b</td></tr></table>&euro; 5"
    )
    assert one.visible == "Hello Viagra,\ntwo\nlines\na\nb\n€ 5"
    assert one.pages[0].title == "T"
    assert one.hidden == ""
    assert one.text.strip() == one.visible


@pytest.mark.parametrize(
    ("way", "source"),
    [
        ("display", '<div style="display:none"><b>secret</b></div>'),
        ("display", '<div style="DISPLAY : NONE !important">secret</div>'),
        ("display", "<p hidden>secret</p>"),
        ("display", '<p style="visibility:hidden">secret</p>'),
        ("display", '<p style="mso-hide:all">secret</p>'),
        ("size", '<p style="font-size:0">secret</p>'),
        ("size", '<p style="font-size:20px"><span style="font-size:0.05em">secret</span></p>'),
        ("size", '<span style="font-size: 1px">secret</span>'),
        ("colour", '<p style="color:#fff">secret</p>'),
        ("colour", '<font color="white">secret</font>'),
        ("colour", '<table bgcolor="#336699"><tr><td style="color:rgb(51,102,155)">secret</table>'),
        ("colour", '<p style="opacity:0">secret</p>'),
        ("clip", '<div style="max-height:0;overflow:hidden">secret</div>'),
        ("place", '<div style="text-indent:-9999px">secret</div>'),
        ("place", '<div style="position:absolute;left:-5000px">secret</div>'),
    ],
)
def test_it_keeps_apart_what_nobody_sees(way: str, source: str) -> None:
    one = html(f"<p>Hello</p>{source}<p>Bob</p>")
    assert one.visible.split() == ["Hello", "Bob"]
    assert one.hidden == "secret"
    assert one.pages[0].ways == {way}
    assert "secret" not in one.text


@pytest.mark.parametrize(
    "source",
    [
        '<td bgcolor="#000"><font color="white">seen</font></td>',
        '<table background="x.png"><tr><td style="color:white">seen</td></tr></table>',
        '<div style="background:url(x) #fff;color:#fff">seen</div>',
        '<td style="font-size:0"><span style="font-size:14px">seen</span></td>',
        '<div style="visibility:hidden"><p style="visibility:visible">seen</p></div>',
        '<p style="color:#333;font-size:80%">seen</p>',
        '<div style="display:none>seen',
        '<p style="color:">seen</p>',
        '<p style="height:0">seen</p>',
        '<p style="font-size:small">seen</p>',
    ],
)
def test_it_takes_nothing_for_hidden_that_is_not(source: str) -> None:
    one = html(f"<p>Hello</p><table><tr>{source}</tr></table>")
    assert one.hidden == ""


SHEET = (
    "<style type='text/css'>/* .x{} */ .gone, p.off { display: NONE } .btn{background:#036;"
    "color:#fff} td.dark a { color: white } body{background:#ffffff} .tiny{font-size:1px}"
    " @media (max-width:600px) { .wide { display:none } } .later{color:#fff}</style>"
)


@pytest.mark.parametrize(
    ("source", "hidden"),
    [
        ('<p class="gone">secret</p>', "secret"),
        ('<div class="a OFF">secret</div>', "secret"),
        ('<i class="tiny">secret</i>', "secret"),
        ('<i class="later">secret</i>', "secret"),
        ('<i class="tiny" style="font-size:14px">seen</i>', ""),
        ('<div class="wide">seen</div>', ""),
        ('<a class="btn">seen</a>', ""),
        ('<div class="dark"><a style="color:#fff">seen</a></div>', ""),
    ],
)
def test_it_reads_simple_rules_of_style_sheets(source: str, hidden: str) -> None:
    one = html(f"<html><head>{SHEET}</head><body><p>Hello</p>{source}</body></html>")
    assert one.hidden == hidden
    assert one.visible.split() == ["Hello"] + ([] if hidden else ["seen"])


def test_it_lists_where_html_leads() -> None:
    one = html(
        '<base href="https://b.test/"><a href=" https://a.test/?x=1&amp;y=2 ">the <b>bank</b></a>'
        '<a href="https://pic.test"><img src="https://i.test/1.png" alt="Pic"></a>'
        '<a href="https://none.test"></a><form action="https://f.test/go"></form>'
        '<iframe src="https://g.test"></iframe>see www.loose.test.'
    )
    assert one.links == (
        Link("https://a.test/?x=1&y=2", "the bank", "a"),
        Link("https://pic.test", "", "a"),
        Link("https://none.test", "", "a", is_hidden=True),
        Link("https://b.test/", "", "base"),
        Link("https://i.test/1.png", "Pic", "image"),
        Link("https://f.test/go", "", "form"),
        Link("https://g.test", "", "other"),
        Link("www.loose.test", "www.loose.test", "text"),
    )
    assert one.pages[0].active == {"form", "iframe"}


def test_it_follows_a_refresh() -> None:
    one = html('<head><meta http-equiv="Refresh" content="0; URL=\'https://r.test/x\'"></head>')
    assert one.links == (Link("https://r.test/x", "", "refresh"),)


@pytest.mark.parametrize(
    ("text", "hrefs"),
    [
        ("See https://a.test/x.", ["https://a.test/x"]),
        ("(https://a.test/x_(y))", ["https://a.test/x_(y))"]),
        ("<https://a.test/x>, HTTP://B.test", ["https://a.test/x", "HTTP://B.test"]),
        ("www.a.test and x@www.b.test and awww.c.test", ["www.a.test"]),
        ("hxxps://a.test ftp://b.test", ["hxxps://a.test", "ftp://b.test"]),
        ("https://a.test/?u=https://b.test", ["https://a.test/?u=https://b.test"]),
        ("https://a.test https://a.test", ["https://a.test"]),
        ("://a.test file://x xhttp://y", []),
        ("例https://a.test/例えば。", ["https://a.test/例えば"]),
    ],
)
def test_it_finds_links_in_text(text: str, hrefs: list[str]) -> None:
    assert [link.href for link in read(mail(text)).links] == hrefs


def test_it_reads_the_parts() -> None:
    one = read(mail("Hello", html="<p>Hello</p>", file=("plan.pdf", b"%PDF-1.7 ...")))
    assert [(part.path, part.type) for part in one.parts] == [
        ("1.1", "text/plain"),
        ("1.2", "text/html"),
        ("2", "application/octet-stream"),
    ]
    (file,) = one.files
    assert (file.name, file.disposition, file.encoding) == ("plan.pdf", "attachment", "base64")
    assert file.content(1_000) == b"%PDF-1.7 ..."
    assert file.content(4) == b"%PDF"
    assert file.encoded.strip() == base64.b64encode(b"%PDF-1.7 ...")
    assert file.header.first(b"content-disposition") == b'attachment; filename="plan.pdf"'


def test_it_tells_every_name_that_somebody_may_read() -> None:
    raw = (
        b"Content-Type: application/zip; name*=utf-8''b.exe; name=\"=?utf-8?q?c.zip?=\"\r\n"
        b"Content-Disposition: attachment; filename=d.txt;"
        b" filename*=utf-8''e%E2%80%AE.exe\r\n\r\nPK"
    )
    (part,) = read(raw).parts
    assert part.name == "e\u202e.exe"
    assert {"b.exe", "c.zip", "d.txt"} < set(part.names)


def test_it_leaves_an_attached_message_closed() -> None:
    inner = mail("inside", subject="Inner")
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\noutside\r\n--b\r\n"
        b"Content-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--b--\r\n"
    )
    one = read(raw)
    assert one.plain == "outside"
    (part,) = one.files
    assert part.type == "message/rfc822"
    assert read(part.content(10_000)).subject == "Inner"


def test_it_finds_uuencoded_files_in_text() -> None:
    cat = "begin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\n"
    dog = "begin 755 b c.exe\r\n#1&]G\r\n \r\nend\r\n"
    one = read(mail(f"Look:\r\n{cat}\r\n{dog}"))
    assert [(part.path, part.name, part.content(99)) for part in one.files] == [
        ("1/1", "a.txt", b"Cat"),
        ("1/2", "b c.exe", b"Dog"),
    ]


def test_it_decodes_a_uuencoded_part() -> None:
    raw = b"Content-Transfer-Encoding: x-uuencode\r\nContent-Type: application/x\r\n\r\n"
    (part,) = read(raw + b"begin 644 a\r\n#0V%T\r\n`\r\nend\r\n").parts
    assert part.content(99) == b"Cat"


def test_it_decodes_quoted_printable_by_the_piece() -> None:
    octets = bytes(range(256)) * 40
    raw = b"Content-Transfer-Encoding: Quoted-Printable\r\nContent-Type: application/x\r\n\r\n"
    (part,) = read(raw + quopri.encodestring(octets, quotetabs=True)).parts
    assert part.content(5_000) == octets[:5_000]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"Subject: a\r\nSubject: b\r\n\r\n", "it has 2 Subject fields"),
        (b"X: \0\r\n\r\n", "there are NUL octets in its header"),
        (b"\r\nx", "it has no header"),
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\nx",
            "it says that it has several parts, and has none",
        ),
        (b"Content-Transfer-Encoding: rot13\r\n\r\nx", "part 1 has an unknown transfer encoding"),
        (b"Content-Type: text/plain; charset=moon\r\n\r\nx", "part 1 has an unknown character set"),
        (
            b"Content-Transfer-Encoding: base64\r\n\r\nHello, Alice!",
            "part 1 is said to be base64, and is not",
        ),
        (b"A: b\r\n\r\na\0b", "there are NUL octets in part 1"),
    ],
)
def test_it_says_what_is_broken(raw: bytes, words: str) -> None:
    assert words in read(raw).damage


def test_it_makes_letters_plain() -> None:
    fancy = "\U0001d42f\U0001d422\U0001d41a\U0001d420\U0001d42b\U0001d41a \uff46\uff52\uff45\uff45"
    assert plainly(fancy) == "viagra free"
    assert plainly("pay\u200b\u00adpal") == "paypal"
    assert invisible("pay\u200b\u00adpal") == 2
