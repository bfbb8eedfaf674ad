"""Frames: which parts have one, what stands in it, and on which paper."""

import pytest
from django.test import Client

from apps.directory.models import User
from apps.mailstore.models import Entry, Mailbox, SpecialUse
from apps.webmail.body import Outline, Wanted, document, frames, outline
from apps.webmail.marking import mark
from apps.webmail.sanitize import Wishes, clean
from apps.webmail.sheets import Sheet, sheet
from tests.support.cost import cost
from tests.webmail.test_mail import HTML, deliver, text

pytestmark = pytest.mark.django_db

HEAD = b"From: a@x.test\r\nTo: alice@example.test\r\nSubject: s\r\nMIME-Version: 1.0\r\n"


def mixed(kind: bytes, *parts: tuple[bytes, bytes]) -> bytes:
    inner = b"".join(b"--B\r\nContent-Type: %s\r\n\r\n%s\r\n" % part for part in parts)
    return HEAD + b'Content-Type: multipart/%s; boundary="B"\r\n\r\n%s--B--\r\n' % (kind, inner)


def test_each_part_has_a_frame_of_its_own() -> None:
    html, plain = (b"text/html", b"<b>x</b>"), (b"text/plain", b"x")
    assert frames(mixed(b"mixed", html, plain, html)) == (1, 2, 3)
    assert frames(mixed(b"alternative", plain, html)) == (2,)
    assert frames(mixed(b"related", html, html)) == (1,)
    assert frames(mixed(b"mixed", plain, plain)) == ()
    assert frames(mixed(b"mixed", *[html] * 50)) == tuple(range(1, 21))
    assert frames(HEAD + b"\r\nx\r\n") == ()
    forwarded = (b"message/rfc822", HEAD + b"Content-Type: text/html\r\n\r\n<b>x</b>")
    assert frames(mixed(b"mixed", html, forwarded)) == (1,)


def test_all_frames_together_are_bounded() -> None:
    html = (b"text/html", b'<p style="color:red">x</p>\r\n' * 70_000)
    raw = mixed(b"mixed", *[html] * 15, (b"text/plain", b"the end"))
    found: list[Outline] = []
    assert cost(lambda: found.append(outline(raw)), enough=8) < 8
    seen = found[-1]
    assert [frame.number for frame in seen.frames] == [1, 2, 16]
    assert document(raw, 3, {}, Wanted(Wishes())) is None


def test_it_counts_what_is_missing() -> None:
    seen = outline(
        HEAD + b"Content-Type: text/html\r\n\r\n<img src=http://a.test/1><img src=http://a.test/2>"
        b'<img src=http://a.test/3 width=1 height=1><td style="background:url(http://a.test/4)">\r\n'
    )
    assert (seen.blocked, seen.trackers) == (2, 1)


@pytest.mark.parametrize(
    ("link", "note"),
    [
        ('<a href="https://evil.test/">www.bank.example</a>', "leads to evil.test"),
        ('<a href="https://evil.test/"><b>https://bank</b>.example/x</a>', "leads to evil.test"),
        ('<a href="https://www.bank.example/">bank.example</a>', ""),
        ('<a href="https://evil.test/">Click here</a>', ""),
        ('<a href="mailto:x@evil.test">bank.example</a>', ""),
        ('<a href="https://e.test/" title="</a>&lt;b&gt;">www.bank.example</a>', "leads to e.test"),
    ],
)
def test_a_link_that_shows_another_host_is_marked(link: str, note: str) -> None:
    html = clean(link, {}).html
    assert ("leads to" in html) == bool(note)
    assert note in html
    assert ("position:relative!important;z-index" in html) == bool(note)  # over what is shifted


def test_what_is_no_token_of_ours_is_not_touched() -> None:
    odd = '<a href="https://evil.test/" title=x>www.bank.example</a>'
    assert mark(odd).html == odd


def test_the_paper_suits_the_mail() -> None:
    assert sheet(is_designed=True, asked="", theme="dark") == Sheet()
    assert sheet(is_designed=False, asked="", theme="dark").is_dark
    assert sheet(is_designed=False, asked="", theme="system").follows
    assert sheet(is_designed=True, asked="dark", theme="light").is_turned
    assert sheet(is_designed=False, asked="light", theme="dark") == Sheet()
    assert sheet(is_designed=True, asked="red;}", theme="system") == Sheet()


def test_junk_is_words_alone(alice: User, client: Client) -> None:
    client.force_login(alice)
    deliver(alice, HTML.replace(b"<h1>", b'<a href="https://evil.test">x</a><h1>'))
    junk = Mailbox.objects.get(user=alice, special_use=SpecialUse.JUNK)
    uid = Entry.objects.get().uid
    Entry.objects.update(mailbox=junk)
    page = text(client.get(f"/mail/junk/{uid}/body/?images=1"))
    assert "Sale" in page
    assert "<h1>" not in page
    assert "evil.test" not in page
    drawn = text(client.get(f"/mail/junk/{uid}/body/?as=designed&images=1"))
    assert "<h1>Sale</h1>" in drawn
    assert "evil.test" not in drawn
    assert "/img/" not in drawn
    assert client.get(f"/mail/junk/{uid}/body/7/").status_code == 404
