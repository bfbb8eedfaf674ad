"""MTA-STS records and policies as they are written, and as strangers write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.remote import sts
from apps.remote.sts import PolicyInvalidError
from tests.support.cost import cost

POLICY = """version: STSv1
mode: enforce
mx: mail.example.com
mx: *.example.net
mx: backupmx.example.com
max_age: 604800
"""  # RFC 8461 section 3.2


@pytest.mark.parametrize(
    ("records", "identity"),
    [
        ([b"v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        ([b"v=STSv1;id=1"], "1"),
        ([b"v=STSv1 ; id = a1 ; future=x"], "a1"),
        ([b"v=spf1 -all", b"v=STSv1; id=b2;"], "b2"),
        ([b"v=STSv1; id=1;", b"v=STSv1; id=2;"], None),  # more than one is none
        ([b"v=STSv1; id=;"], None),
        ([b"v=STSv1; id=with-hyphen;"], None),
        ([b"v=STSv1; id=" + b"x" * 33], None),
        ([b"v=STSv1"], None),
        ([b"v=STSv10; id=1"], None),
        ([b"V=STSv1; id=1"], None),
        ([b"v=STSv1; id=\xff\xfe"], None),
        ([], None),
    ],
)
def test_it_reads_the_id_of_the_one_record(records: list[bytes], identity: str | None) -> None:
    assert sts.policy_id(tuple(records)) == identity


def test_it_reads_the_policy_of_the_rfc() -> None:
    policy = sts.parse(POLICY, "7")
    assert (policy.id, policy.mode, policy.max_age) == ("7", "enforce", 604_800)
    assert policy.patterns == ("mail.example.com", "*.example.net", "backupmx.example.com")
    assert policy.lines[0] == "version: STSv1"


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("mail.example.com", True),
        ("other.example.com", False),
        ("a.example.net", True),
        ("a.b.example.net", False),
        ("example.net", False),
        ("mail.example.com.evil.test", False),
        ("*.example.net", False),
        ("", False),
    ],
)
def test_it_allows_the_hosts_that_the_policy_names(host: str, is_allowed: bool) -> None:
    policy = sts.parse(POLICY, "7")
    assert policy.allows(host) is is_allowed


@pytest.mark.parametrize(
    "text",
    [
        POLICY.replace("\n", "\r\n"),
        POLICY.replace(": ", ":"),
        POLICY + "mode: none\nunknown: yes\nno colon\n\n",  # the first of a name counts
        POLICY.upper()
        .replace("VERSION", "version")
        .replace("STSV1", "STSv1")
        .replace("MODE: ENFORCE", "mode: enforce")
        .replace("MX:", "mx:")
        .replace("MAX_AGE", "max_age"),
        POLICY.replace("mail.example.com", "mail.example.com."),
    ],
)
def test_it_takes_what_the_rfc_lets_pass(text: str) -> None:
    policy = sts.parse(text, "7")
    assert policy.mode == "enforce"
    assert policy.allows("mail.example.com")


def test_it_shows_the_beginning_of_long_lines() -> None:
    policy = sts.parse(POLICY + f"note: {'x' * 60_000}\n" + "\n" * 1_000, "7")
    assert max(map(len, policy.lines)) == sts.LINE_SHOWN
    assert len(policy.lines) == 7


def test_it_takes_a_policy_that_takes_itself_back() -> None:
    policy = sts.parse("version: STSv1\nmode: none\nmax_age: 86400\n", "8")
    assert (policy.mode, policy.patterns) == ("none", ())


def test_it_keeps_no_policy_for_more_than_a_year() -> None:
    text = POLICY.replace("604800", "9999999999")
    assert sts.parse(text, "7").max_age == sts.MAX_AGE


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "version"),
        (POLICY.replace("STSv1", "STSv2"), "version"),
        (POLICY.replace("enforce", "enforced"), "mode"),
        (POLICY.replace("mode", "modus"), "mode"),
        (POLICY.replace("604800", "-1"), "max_age"),
        (POLICY.replace("604800", "1e9"), "max_age"),
        (POLICY.replace("604800", "\u0661"), "max_age"),  # a digit, to Python's mind
        (POLICY.replace("604800", "9" * 11), "max_age"),
        (POLICY.replace("mx: ", "mox: "), "mx"),
        (POLICY.replace("mail.example.com", "*"), "host name"),
        (POLICY.replace("mail.example.com", "*.*.example.com"), "host name"),
        (POLICY.replace("mail.example.com", "a b"), "host name"),
        (POLICY.replace("mail.example.com", "-a.example.com"), "host name"),
        (POLICY + "mx: a.example\n" * 101, "more than 100"),
        (POLICY + "note: \x00\n", "no text"),
        (POLICY + "\x1b[2J\n", "no text"),
    ],
)
def test_it_refuses_a_policy_that_is_wrong(text: str, word: str) -> None:
    with pytest.raises(PolicyInvalidError, match=word):
        sts.parse(text, "7")


@given(st.text(max_size=300))
def test_it_says_no_more_than_that_a_policy_is_wrong(text: str) -> None:
    try:
        policy = sts.parse(text, "7")
    except PolicyInvalidError:
        return
    assert policy.mode in {"enforce", "testing", "none"}


def test_it_reads_the_largest_policy_in_no_time() -> None:
    hostile = ("mx: " + "a" * 60 + "." * 60 + "-\n") * (sts.POLICY_BYTES // 126)
    head = "version: STSv1\nmode: enforce\nmax_age: 1\n"

    def refuse() -> None:
        for text in (head + hostile, head + "mx: " + "a-" * 30_000 + "!"):
            with pytest.raises(PolicyInvalidError):
                sts.parse(text, "7")

    assert cost(refuse, enough=1.0) < 1.0
