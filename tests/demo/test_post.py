"""The letters: the same each time, of every kind, and correct mail by two parsers' word."""

import email
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from email import policy
from email.message import Message
from hashlib import sha256

import pytest

from apps.demo import days
from apps.demo.filing import copies
from apps.demo.letters import Letter
from apps.demo.people import people
from apps.demo.post import FEWEST, MESSAGES, Plan, letters
from apps.demo.seed import prefix
from apps.mime import headers
from apps.mime.dates import parse_date
from apps.mime.derive import derive
from apps.mime.reading import read
from apps.mime.tree import scan_tree
from tests.demo.conftest import DAY, SMALL
from tests.support.installation import ROOT

# sha256 of all letters of SMALL, one after the other. It changes when a text or a habit does.
GOLDEN = "236eaef9ca16e277e0c5f3d24b898815bab5fffbb086c46c90d0f2a616396564"
_PRINT = (
    "from hashlib import sha256; from tests.demo.conftest import SMALL;"
    " from apps.demo.post import letters;"
    " print(sha256(b''.join(one.raw for one in letters(SMALL))).hexdigest())"
)


def digest(some: list[Letter]) -> str:
    return sha256(b"".join(letter.raw for letter in some)).hexdigest()


def types(part: Message) -> Iterator[str]:
    """Content types top to bottom; Python takes a delivery status for a multipart of headers."""
    yield part.get_content_type()
    if part.is_multipart() and part.get_content_type() != "message/delivery-status":
        for child in part.get_payload():
            assert isinstance(child, Message)
            yield from types(child)


def test_it_writes_the_same_octets_each_time(small: list[Letter]) -> None:
    assert digest(letters(SMALL)) == digest(small) == GOLDEN


def test_it_writes_the_same_octets_in_another_process(small: list[Letter]) -> None:
    # Strings hash differently there: an order that hangs on a set would show.
    done = subprocess.run(
        [sys.executable, "-c", _PRINT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == digest(small)


@pytest.mark.parametrize("other", [Plan(DAY, 15, FEWEST), Plan(date(2025, 2, 3), messages=FEWEST)])
def test_it_writes_others_for_another_seed_or_day(small: list[Letter], other: Plan) -> None:
    assert digest(letters(other)) != digest(small)


@pytest.mark.parametrize("day", [date(2024, 2, 29), date(2026, 1, 1), date(2027, 3, 28)])
def test_it_writes_nothing_after_noon_of_any_day(day: date) -> None:
    found = letters(Plan(day, messages=FEWEST))
    assert max(letter.at for letter in found) <= days.noon(day)
    assert min(letter.at for letter in found) > days.noon(day) - timedelta(days=3 * 365)


def test_it_writes_about_as_many_as_asked(whole: list[Letter], small: list[Letter]) -> None:
    assert MESSAGES <= len(whole) < MESSAGES + 20
    assert FEWEST <= len(small) < FEWEST + 20
    assert len({letter.message_id for letter in whole}) == len(whole)
    assert len({letter.raw for letter in whole}) == len(whole)


def test_it_writes_every_kind_even_in_a_small_one(small: list[Letter], whole: list[Letter]) -> None:
    kinds = Counter(letter.kind for letter in small)
    assert set(kinds) == {"talk", "list", "notice", "junk", "report", "invitation", "draft"}
    languages = {letter.language for letter in small}
    assert languages >= set("en de fr pl tr el ru ar he hi zh ja ko".split())
    text = b"".join(letter.raw for letter in small)
    for sign in (
        b"report-type=delivery-status", b"Action: failed", b"Action: relayed", b"List-Id:",
        b"List-Unsubscribe:", b"METHOD:REQUEST", b"image/png", b"application/pdf", b"text/csv",
        b"application/ics", b"message/rfc822", b"Content-ID:", b"multipart/related",
        b'charset="iso-8859-1"', b'charset="iso-8859-2"', b'charset="iso-8859-7"',
        b'charset="iso-8859-9"', b'charset="koi8-r"', b'charset="gb18030"', b'charset="euc-kr"',
        b'charset="iso-2022-jp"', b'charset="windows-1251"', b'charset="windows-1255"',
        b"charset=utf-8\r\nContent-Transfer-Encoding: 8bit", b"filename*=UTF-8''", b"sign-in code",
        b"=?iso-8859-1?Q?", b"=?koi8-r?B?", b"=?utf-8?B?", b"Subject: \r\n",
    ):  # fmt: skip
        assert sign in text, sign
    assert max(len(letter.subject) for letter in small) > 300
    assert any(b"audio/wav" in letter.raw for letter in whole)
    assert any(b"application/zip" in letter.raw for letter in whole)


def test_it_writes_one_thread_of_forty(small: list[Letter]) -> None:
    longest = [letter for letter in small if "longest thread" in letter.subject]
    assert len(longest) == 40
    assert max(len(letter.references) for letter in longest) >= 10


def test_it_links_every_answer_to_what_it_answers(whole: list[Letter]) -> None:
    known = {letter.message_id: letter for letter in whole}
    answers = [letter for letter in whole if letter.answers]
    assert len(answers) > 700
    for letter in answers:
        earlier = known[letter.answers]
        assert earlier.at < letter.at
        assert letter.references[-1] == letter.answers
        derived = derive(letter.raw)
        assert derived.in_reply_to == letter.answers
        assert derived.references.split() == list(letter.references)
        if earlier.references:
            assert letter.references[0] == earlier.references[0]


def test_it_has_every_letter_read_as_it_was_meant(whole: list[Letter]) -> None:
    """Subject, names, date and words come back out of the octets."""
    for letter in whole[::3]:
        block, reading = headers.scan(letter.raw), read(letter.raw)
        assert block.text(b"subject") == letter.subject.strip()
        assert reading.sender.address == letter.sender.address
        assert reading.sender.name == letter.sender.name
        date = parse_date(block.first(b"date"))
        assert date is not None
        assert date.utc == letter.at.replace(microsecond=0)
        shown = reading.text + reading.html
        assert "\ufffd" not in shown + letter.subject
        if letter.kind in {"talk", "list", "report"} and reading.text:
            assert letter.words.strip().replace("\n", "\r\n") in reading.text
        preview = derive(letter.raw).preview
        assert "\ufffd" not in preview
        assert preview or not letter.words


def test_it_has_no_letter_with_a_defect(small: list[Letter]) -> None:
    check_letters(small)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_it_has_none_in_the_whole_demo_either(whole: list[Letter]) -> None:
    check_letters(whole)


def check_letters(some: list[Letter]) -> None:
    """By Python's parser, and by the rules of lines (RFC 5322 section 2.1.1)."""
    for letter in some:
        lines = letter.raw.split(b"\r\n")
        assert lines.pop() == b""
        assert max(map(len, lines)) <= 998
        assert not any(b"\n" in line or b"\r" in line for line in lines)
        head, _, _ = letter.raw.partition(b"\r\n\r\n")
        assert head.isascii()
        assert max(map(len, head.split(b"\r\n"))) <= 320  # an address list or an id may not fold
        parsed = email.message_from_bytes(letter.raw, policy=policy.default)
        for part in parsed.walk():
            assert part.defects == [], (letter.subject, part.defects)
            if part.get_content_maintype() == "text":
                assert "\ufffd" not in part.get_content()
        ours = [part.mime_type for part in scan_tree(letter.raw).walk()]
        assert ours == list(types(parsed))


def test_it_writes_texts_that_do_not_read_as_copies(whole: list[Letter]) -> None:
    said = Counter(
        letter.words for letter in whole if letter.kind == "talk" and letter.language == "en"
    )
    assert len(said) > sum(said.values()) * 0.6
    opening = Counter(
        letter.words
        for letter in whole
        if letter.kind == "talk" and not letter.answers and len(letter.words) > 150
    )
    assert max(opening.values()) <= 8


def test_it_fills_every_hole(whole: list[Letter]) -> None:
    for letter in whole:
        assert not set("{}|").intersection(letter.subject)
        if letter.kind in {"talk", "list", "junk"}:
            assert not set("{}|<").intersection(letter.words), letter.words


def test_it_names_nobody_real(whole: list[Letter]) -> None:
    """Only domains that RFC 2606 keeps free, only addresses that RFC 5737 does."""
    everybody = people()
    for letter in whole:
        hosts = [letter.sender.host, *(one.host for one in letter.to)]
        assert all(host.endswith((".example", ".test")) for host in hosts)
    for copy in copies(whole[:200], everybody, days.noon(DAY)):
        if copy.delivered_to and not copy.letter.sender.is_user:
            assert b"[203.0.113." in prefix(copy.letter, 1, copy)
