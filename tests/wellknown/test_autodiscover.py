"""Outlook's question, which any stranger may ask, in any XML."""

from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from apps.directory.models import Domain
from apps.provisioning import services as provisioning
from apps.wellknown import autodiscovery
from tests.wellknown.conftest import get, post

PATH = "/autodiscover/autodiscover.xml"
HOST = "autodiscover.example.test"
_REQUEST = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
_SETTINGS = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"


def question(address: str = "alice@example.test", schema: str = _SETTINGS, before: str = "") -> Any:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>{before}<Autodiscover xmlns="{_REQUEST}"><Request>'
        f"<EMailAddress>{address}</EMailAddress>"
        f"<AcceptableResponseSchema>{schema}</AcceptableResponseSchema></Request></Autodiscover>"
    ).encode()


def told(answer: Any) -> dict[str, dict[str, str | None]]:
    """Settings by protocol."""
    found = [one for one in fromstring(answer.content).iter() if _bare(one) == "Protocol"]
    fields = [{_bare(field): field.text for field in one} for one in found]
    return {str(one.pop("Type")): one for one in fields}


def code(answer: Any) -> str | None:
    (found,) = (one.text for one in fromstring(answer.content).iter() if _bare(one) == "ErrorCode")
    return found


def _bare(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def test_it_names_the_better_door_of_each_protocol(
    domain: Domain, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        answer = post(HOST, PATH, question())

    assert answer.status_code == 200
    assert not answer.cookies
    settings = told(answer)
    assert list(settings) == ["IMAP", "POP3", "SMTP"]
    assert settings["IMAP"]["Server"] == "mail.example.test"
    assert settings["IMAP"]["SSL"] == "on"
    assert {one["LoginName"] for one in settings.values()} == {"alice@example.test"}


@pytest.mark.parametrize("host", [HOST, "example.test", "mail.example.test", f"{HOST}:443"])
@pytest.mark.parametrize("path", [PATH, "/Autodiscover/Autodiscover.xml"])
def test_it_is_asked_under_several_names(domain: Domain, host: str, path: str) -> None:
    assert post(host, path, question()).status_code == 200


def test_it_does_not_tell_who_exists(domain: Domain) -> None:
    provisioning.add_user("alice@example.test", "correct horse battery")

    answers = [
        post(HOST, PATH, question(f"{name}@example.test")).content.replace(name.encode(), b"x")
        for name in ("alice", "nobody")
    ]

    assert answers[0] == answers[1]


def test_in_the_clear_it_leads_to_our_own_name(domain: Domain) -> None:
    answer = get(HOST, PATH, secure=False)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"https://mail.example.test{PATH}"

    assert post(HOST, PATH, question(), secure=False).status_code == 404
    assert get("evil.test", PATH, secure=False).status_code == 404


def test_an_address_is_text(domain: Domain) -> None:
    answer = post(HOST, PATH, question("&#34;&lt;a&gt;&amp;&#34;@example.test"))

    assert told(answer)["IMAP"]["LoginName"] == '"<a>&"@example.test'


BOMB = (
    '<!DOCTYPE a [<!ENTITY b "ha">'
    + "".join(f'<!ENTITY b{n} "{f"&b{n - 1 or str()};" * 10}">' for n in range(1, 9))
    + "]>"
)
ELSEWHERE = '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd">'
FILE = '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00" * 100,
        b"no xml",
        b"<a/>",
        question("no address"),
        question(""),
        question(before=BOMB),
        question("&b8;@example.test", before=BOMB),
        question(before=ELSEWHERE),
        question("&f;", before=FILE),
        question("a" * 20_000 + "@example.test"),
        question("alice@example.test\r\nBcc: x"),
        question()[:-10],
        b"<a>" * 5_000,
        b"<Autodiscover>" + b"<Request>" * 50 + b"</Request>" * 50 + b"</Autodiscover>",
        question().decode().encode("utf-16"),
        question().replace(b"utf-8", b"no-such"),
        question().replace(b"utf-8", b"idna"),
        b'<?xml version="1.0" encoding="utf-7"?>+ADw-a+AD4-',
    ],
)
def test_a_hostile_question_is_refused_in_words(domain: Domain, body: bytes) -> None:
    answer = post(HOST, PATH, body)

    assert answer.status_code == 200
    assert code(answer) == "600"
    assert b"root:" not in answer.content
    assert post("localhost", PATH, body).status_code == 404


def test_more_than_it_may_be_is_not_parsed(domain: Domain) -> None:
    answer = post(HOST, PATH, b"<a>" + b" " * autodiscovery.LARGEST + b"</a>")

    assert b"too large" in answer.content


def test_another_sort_of_answer_is_not_given(domain: Domain) -> None:
    mobile = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"

    assert code(post(HOST, PATH, question(schema=mobile))) == "601"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        (HOST, "alice@other.test"),
        ("evil.test", "alice@example.test"),
        ("localhost", "alice@example.test"),
        ("", "alice@example.test"),
    ],
)
def test_what_is_not_ours_is_not_there(domain: Domain, host: str, address: str) -> None:
    assert post(host, PATH, question(address)).status_code == 404


def test_it_is_not_looked_at(domain: Domain) -> None:
    assert get(HOST, PATH).status_code == 404
