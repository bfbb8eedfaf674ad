"""Cards of many programs, ours read by another library, and files that are made to hurt."""

import tracemalloc
from typing import Any

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from apps.contacts.cards import lines
from apps.contacts.cards.card import REST, Card, Way
from apps.contacts.cards.reading import Reading, read
from apps.contacts.cards.writing import NEW, OLD, VERSIONS, written
from tests.support.cost import cost

FULL = Card(
    name="Dr. Ann Mary Älpha, MD",
    uid="urn:uuid:0",
    parts="Älpha;Ann;Mary;Dr.;MD",
    company="Quay; Sons, Ltd",
    title="Captain",
    note="Line one\nline, two; with \\ and 🗻",
    emails=(Way("ann@quay.invalid", "work"), Way("ann@home.invalid", "home"), Way("a@b.invalid")),
    phones=(Way("+44 20 7946 0000", "mobile"), Way("0049-30,12", "work")),
    groups=("Crew", "Friends, old"),
    rest=(
        "ADR;TYPE=home:;;1 Quay St;London;;E1;UK",
        "BDAY:1985-04-12",
        "URL:https://quay.invalid/",
    ),
)


def cards(text: str, most: int = 100) -> list[Card]:
    return read(text.encode("utf-8", "surrogatepass"), most=most).cards


def card(*body: str, version: str = "3.0") -> Card:
    (one,) = cards("\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *body, "END:VCARD", ""]))
    return one


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_written_is_read_as_it_was(version: str) -> None:
    assert cards(written(FULL, version)) == [FULL]


@pytest.mark.parametrize("version", VERSIONS)
def test_another_library_reads_what_we_write(version: str) -> None:
    other: Any = vobject.readOne(written(FULL, version))
    assert other.fn.value == FULL.name
    assert other.n.value.family == "Älpha"
    assert other.n.value.given == "Ann"
    assert [one.value for one in other.email_list] == [one.value for one in FULL.emails]
    assert [one.value for one in other.tel_list] == [one.value for one in FULL.phones]
    assert other.note.value == FULL.note
    assert other.categories.value == list(FULL.groups)
    assert other.adr.value.street == "1 Quay St"
    assert other.version.value == version
    if version == OLD:
        other.validate()


def test_we_read_what_another_library_writes() -> None:
    other: Any = vobject.vCard()
    other.add("n").value = vobject.vcard.Name(family="Álpha", given="Ann")
    other.add("fn").value = "Ann Álpha"
    other.add("org").value = ["Quay, Ltd", "Deck"]
    email = other.add("email")
    email.value, email.type_param = "ann@quay.invalid", "HOME"
    other.add("note").value = "one\ntwo; " + "long " * 60
    other.add("categories").value = ["Crew, all", "Deck"]
    (one,) = cards(other.serialize())
    assert (one.name, one.company) == ("Ann Álpha", "Quay, Ltd, Deck")
    assert one.emails == (Way("ann@quay.invalid", "home"),)
    assert one.note == ("one\ntwo; " + "long " * 60).strip()
    assert one.groups == ("Crew, all", "Deck")


@pytest.mark.parametrize("version", VERSIONS)
def test_lines_are_short_and_whole_characters(version: str) -> None:
    long = Card(name="語" * 66, note="🗻" * 300 + "\n", emails=(Way("a@b.invalid"),))
    text = written(long, version)
    for line in text.split("\r\n"):
        assert len(line.encode()) <= 75
    assert "\n" not in text.replace("\r\n", "")
    assert cards(text)[0].note == "🗻" * 300


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Ann Mary Alpha", "Alpha;Ann Mary;;;"),
        ("Alpha, Ann", "Alpha;Ann;;;"),
        ("Cher", "Cher;;;;"),
        ("A;B C", "C;A\\;B;;;"),
    ],
)
def test_a_name_has_parts(name: str, parts: str) -> None:
    assert f"\r\nN:{parts}\r\n" in written(Card(name=name))


def test_a_company_has_no_family_name() -> None:
    assert "\r\nN:;;;;\r\n" in written(Card(name="Quay Ltd", company="Quay Ltd"))


def test_it_reads_old_telephones() -> None:
    one = card(
        "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=84lpha;Ann;;;",
        "TEL;CELL;PREF:+491701",
        "TEL;WORK;VOICE:+49301",
        "EMAIL;INTERNET;HOME:ann@quay.invalid",
        "NOTE;ENCODING=QUOTED-PRINTABLE:one=0D=0Atwo =",
        "three=3D",
        "ADR;HOME;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:;;K=F6nigsallee 1;;;;",
        "AGENT:",
        "BEGIN:VCARD",
        "FN:Somebody within",
        "END:VCARD",
        "ORG:Quay",
        version="2.1",
    )
    assert one.name == "Ann Älpha"
    assert one.phones == (Way("+491701", "mobile"), Way("+49301", "work"))
    assert one.emails == (Way("ann@quay.invalid", "home"),)
    assert one.note == "one\ntwo three="
    assert one.rest == ("ADR;TYPE=home:;;Königsallee 1;;;;",)
    assert one.company == "Quay"


def test_it_reads_what_apple_writes() -> None:
    one = card(
        "N:Alpha;Ann;;;",
        "FN:Ann Alpha",
        "item1.EMAIL;type=INTERNET:second@quay.invalid",
        "item1.X-ABLabel:_$!<Other>!$_",
        "EMAIL;type=INTERNET;type=HOME;type=pref:first@quay.invalid",
        "item2.X-ABDATE;type=pref:2001-02-03",
        "item2.X-ABLabel:_$!<Anniversary>!$_",
        "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD",
        " //2Q==",
        "UID:ABC-1",
    )
    assert [one.value for one in one.emails] == ["first@quay.invalid", "second@quay.invalid"]
    assert one.emails[0].kind == "home"
    assert one.rest == (
        "item2.X-ABDATE;TYPE=pref:2001-02-03",
        "item2.X-ABLABEL:_$!<Anniversary>!$_",
    )
    assert one.uid == "ABC-1"


def test_it_reads_version_four() -> None:
    one = card(
        "FN:Ann",
        "EMAIL;PREF=50:second@quay.invalid",
        'EMAIL;PREF=1;ALTID="a;b:c":mailto:first@quay.invalid',
        'TEL;VALUE=uri;TYPE="voice,cell":tel:+49-170-1',
        "UID:urn:uuid:4",
        version="4.0",
    )
    assert [way.value for way in one.emails] == ["first@quay.invalid", "second@quay.invalid"]
    assert one.phones == (Way("+49-170-1", "mobile"),)


def test_groups_are_cards_as_well() -> None:
    one = card("KIND:group", "FN:Crew", "UID:g", "MEMBER:urn:uuid:1", "MEMBER:urn:uuid:2")
    assert one.is_group
    assert one.members == ("urn:uuid:1", "urn:uuid:2")
    assert card("X-ADDRESSBOOKSERVER-KIND:group", "FN:Crew").is_group


def test_a_card_without_a_name_is_called_by_what_it_has() -> None:
    assert card("EMAIL:a@b.invalid").name == "a@b.invalid"
    assert card("ORG:Quay;Deck").name == "Quay, Deck"
    assert card("N:Alpha;Ann;;Dr.;").name == "Dr. Ann Alpha"
    assert read(b"BEGIN:VCARD\nNOTE:x\nEND:VCARD\n", most=9) == Reading([], 1, 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_it_reads_other_encodings_and_ends_of_lines(encoding: str, end: str) -> None:
    text = end.join(["BEGIN:VCARD", "FN:Änn", "NOTE:one", " two", "end:vcard"])
    assert [(one.name, one.note) for one in read(text.encode(encoding), most=9).cards] == [
        ("Änn", "onetwo")
    ]


def test_one_broken_card_costs_no_other() -> None:
    text = (
        "junk\nBEGIN:VCARD\nFN:One\n:::\nEMAIL\n;;;\nEND:VCARD\n"
        "BEGIN:VCARD\nEND:VCARD\nBEGIN:VCARD\nFN:Two\nEND:VCARD\nEND:VCARD\nBEGIN:VCARD\nFN:Three\n"
    )
    found = read(text.encode(), most=9)
    assert [one.name for one in found.cards] == ["One", "Two"]
    assert found.broken == 2


def test_what_is_shown_is_one_printable_line() -> None:
    one = card(
        "FN:Ann\\nBcc: eve@evil.invalid\x00\u202e",
        "EMAIL:a@b.invalid\\n\\nBcc: x@y.invalid",
        "CATEGORIES:Crew\\nX,  ,Y",
        "X-ODD:\x0b\x0ckept",
    )
    assert one.name == "Ann Bcc: eve@evil.invalid"
    assert one.emails[0].value == "a@b.invalid Bcc: x@y.invalid"
    assert one.groups == ("Crew X", "Y")
    assert one.rest == ("X-ODD:kept",)


@pytest.mark.parametrize("version", VERSIONS)
def test_no_field_writes_a_line_of_its_own(version: str) -> None:
    evil = "x\r\nEND:VCARD\rBEGIN:VCARD\nFN:Eve\x00"
    hostile = Card(
        name=evil,
        uid=evil,
        company=evil,
        title=evil,
        note=evil,
        emails=(Way(evil),),
        phones=(Way(evil),),
        groups=(evil,),
    )
    text = written(hostile, version)
    assert text.count("\r\nEND:VCARD\r\n") == 1
    assert text.count("BEGIN:VCARD\r\n") == 1
    assert "\x00" not in text
    assert len(cards(text)) == 1


def test_pictures_are_left_out_and_counted() -> None:
    picture = "\r\n ".join(["A" * 74] * 30_000)
    text = f"BEGIN:VCARD\r\nFN:Ann\r\nPHOTO;ENCODING=b:{picture}\r\nEND:VCARD\r\n"
    found = read(text.encode(), most=9)
    assert [one.name for one in found.cards] == ["Ann"]
    small = "BEGIN:VCARD\nFN:A\nPHOTO;VALUE=uri:https://evil.invalid/p.png\nEND:VCARD\n"
    assert read(small.encode(), most=9).pictures == 1
    assert read(small.encode(), most=9).cards[0].rest == ()


def test_rest_is_bounded() -> None:
    one = card("FN:Ann", *(f"X-{n}:{'y' * 200}" for n in range(500)))
    assert sum(len(line) + 1 for line in one.rest) <= REST


@pytest.mark.parametrize(
    "text",
    [
        "BEGIN:VCARD\n" * 50_000,
        "BEGIN:VCARD\nFN:" + "a\n " * 150_000,
        "BEGIN:VCARD\nFN:a\nX" + ";A=1" * 150_000 + ":x\nEND:VCARD",
        "BEGIN:VCARD\nFN:a\nX;A=" + '"' * 300_000 + ":x\nEND:VCARD",
        "BEGIN:VCARD\nFN:a\nX;A=" + "," * 25_000 + "\nEND:VCARD",
        "BEGIN:VCARD\nN:" + ";" * 30_000 + "\nFN:x\nEND:VCARD",
        "BEGIN:VCARD\nCATEGORIES:" + "," * 30_000 + "\nFN:x\nEND:VCARD",
        "BEGIN:VCARD\nNOTE:" + "\\" * 30_000 + "\nFN:x\nEND:VCARD",
        "BEGIN:VCARD\nNOTE;QUOTED-PRINTABLE:" + "=\n" * 150_000 + "\nFN:x\nEND:VCARD",
        "BEGIN:VCARD\nFN:x\n" + ";encoding=x" * 90 + "\n" + " =\n" * 100_000,
        "BEGIN:VCARD\nNOTE;CHARSET=punycode;QUOTED-PRINTABLE:-" + "b" * 30_000 + "\nEND:VCARD",
        "BEGIN:VCARD\nFN:x\nEND:VCARD\n" * 25_000,
        "X:y\n" * 75_000,
        "BEGIN:VCARD\nEND:VCARD\n" * 25_000,
    ],
)
def test_no_file_takes_long(text: str) -> None:
    octets = text.encode()
    assert cost(lambda: read(octets, most=1_000), enough=2.5) < 2.5  # five and more, if not linear
    tracemalloc.start()
    read(octets, most=1_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * len(octets) + 10_000_000


def test_of_more_lines_than_any_file_has_the_first_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "MOST", 4)
    one = "BEGIN:VCARD\nFN:x\nEND:VCARD\n"
    assert len(cards(one)) == 1
    assert len(cards(one * 9)) == 1


def test_a_card_does_not_choose_what_code_reads_it() -> None:
    text = "BEGIN:VCARD\nFN;CHARSET=%s;QUOTED-PRINTABLE:%s\nEND:VCARD"
    assert cards(text % ("windows-1251", "=C0=ED=ED=E0"))[0].name == "Анна"
    assert cards(text % ("unicode_escape", "=5Cx41"))[0].name == "x41"
    assert cards(text % ("punycode", "a-"))[0].name == "a-"


@given(st.binary(max_size=300))
def test_any_octets_are_read(octets: bytes) -> None:
    read(b"BEGIN:VCARD\nFN:x\n" + octets + b"\nEND:VCARD\n", most=9)


@given(st.text(max_size=200), st.sampled_from(VERSIONS))
def test_any_text_comes_back(text: str, version: str) -> None:
    one = Card(name="Ann", note=text, emails=(Way("a@b.invalid"),))
    (found,) = cards(written(one, version))
    expected = lines.unescaped(lines.escaped(text)).strip()
    assert found.note == expected
    assert found.emails[0].value == "a@b.invalid"


def test_of_many_cards_one_more_is_read() -> None:
    text = "BEGIN:VCARD\nFN:x\nEND:VCARD\n" * 9
    assert len(cards(text, most=3)) == 4
    assert VERSIONS == (OLD, NEW)
