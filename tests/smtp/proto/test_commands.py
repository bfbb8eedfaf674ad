"""Command lines: what each spells, and that nothing makes the parser raise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.smtp.proto.commands import (
    Auth,
    Bdat,
    Data,
    Foreign,
    Hello,
    Mail,
    Malformed,
    Rcpt,
    Simple,
    parse,
)
from apps.smtp.proto.parameters import decode_xtext


def code(line: bytes, *, smtputf8: bool = False) -> tuple[int, str]:
    command = parse(line, smtputf8=smtputf8)
    assert isinstance(command, Malformed), command
    return command.reply.code, command.reply.enhanced


def mail(line: bytes) -> Mail:
    command = parse(line)
    assert isinstance(command, Mail), command
    return command


def rcpt(line: bytes, *, smtputf8: bool = False) -> Rcpt:
    command = parse(line, smtputf8=smtputf8)
    assert isinstance(command, Rcpt), command
    return command


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"EHLO mail.a.test", Hello("EHLO", "mail.a.test")),
        (b"helo [192.0.2.1]", Hello("HELO", "[192.0.2.1]")),
        (b"LHLO a and a comment", Hello("LHLO", "a")),
        (b"data", Data()),
        (b"DATA ", Data()),
        (b"BDAT 0 LAST", Bdat(0, last=True)),
        (b"bdat 86400", Bdat(86400, last=False)),
        (b"AUTH plain", Auth("PLAIN")),
        (b"AUTH LOGIN YWxpY2U=", Auth("LOGIN", b"YWxpY2U=")),
        (b"AUTH PLAIN =", Auth("PLAIN", b"=")),
        (b"RSET", Simple("RSET")),
        (b"quit ", Simple("QUIT")),
        (b"NOOP whatever", Simple("NOOP", b"whatever")),
        (b"VRFY alice", Simple("VRFY", b"alice")),
        (b"STARTTLS", Simple("STARTTLS")),
        (b"GET / HTTP/1.1", Foreign()),
        (b"POST / HTTP/1.1", Foreign()),
        (b"connect a:25 HTTP/1.0", Foreign()),
        (b"PRI * HTTP/2.0", Foreign()),
    ],
)
def test_it_reads_a_command(line: bytes, command: object) -> None:
    assert parse(line) == command


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"", (500, "5.5.2")),
        (b"XCLIENT ADDR=192.0.2.9", (500, "5.5.2")),
        (b"XFORWARD NAME=x", (500, "5.5.2")),
        (b"MAILFROM:<a@b.test>", (500, "5.5.2")),
        (b"EHLO", (501, "5.5.4")),
        (b"EHLO \xe2\x80\xaeevil", (501, "5.5.4")),
        (b"EHLO \x1b[31m", (501, "5.5.4")),
        (b"EHLO " + b"a" * 256, (501, "5.5.4")),
        (b"DATA now", (501, "5.5.4")),
        (b"QUIT now", (501, "5.5.4")),
        (b"STARTTLS x", (501, "5.5.4")),
        (b"BDAT", (501, "5.5.4")),
        (b"BDAT -1", (501, "5.5.4")),
        (b"BDAT 0x10", (501, "5.5.4")),
        (b"BDAT \xd9\xa1", (501, "5.5.4")),
        (b"BDAT 1 FIRST", (501, "5.5.4")),
        (b"BDAT 1 LAST LAST", (501, "5.5.4")),
        (b"BDAT 100000000000000000000", (501, "5.5.4")),
        (b"AUTH", (501, "5.5.4")),
        (b"AUTH PLAIN a b", (501, "5.5.4")),
        (b"MAIL a@b.test", (501, "5.5.4")),
        (b"MAIL FROM:", (501, "5.1.7")),
        (b"MAIL FROM:<a@b.test", (501, "5.1.7")),
        (b"MAIL FROM:<a b@b.test>", (501, "5.1.7")),
        (b"MAIL FROM:<a>", (501, "5.1.7")),
        (b"MAIL FROM:<a@b.test> SIZE=x", (501, "5.5.4")),
        (b"MAIL FROM:<a@b.test> SIZE", (501, "5.5.4")),
        (b"MAIL FROM:<a@b.test> SIZE=" + b"9" * 21, (501, "5.5.4")),
        (b"MAIL FROM:<a@b.test> SIZE=1 SIZE=1", (501, "5.5.4")),
        (b"MAIL FROM:<a@b.test> BODY=BINARYMIME", (501, "5.5.4")),
        (b"MAIL FROM:<a@b.test> SMTPUTF8=1", (501, "5.5.4")),
        (b"MAIL FROM:<a@b.test> RET=ALL", (501, "5.5.4")),
        (b"MAIL FROM:<a@b.test> ENVID=a+0Ab", (501, "5.5.4")),
        (b"MAIL FROM:<a@b.test> ENVID=a=b", (501, "5.5.4")),
        (b"MAIL FROM:<a@b.test> ENVID=" + b"x" * 101, (501, "5.5.4")),
        (b"MAIL FROM:<a@b.test> XNOPE=1", (555, "5.5.4")),
        (b"MAIL FROM:<a@b.test> =", (501, "5.5.4")),
        (b"MAIL FROM:<a@b.test>SIZE=1", (501, "5.1.7")),
        (b"MAIL FROM:<j\xc3\xbc@b.test>", (553, "5.6.7")),
        (b"RCPT TO:<>", (501, "5.1.3")),
        (b"RCPT a@b.test", (501, "5.5.4")),
        (b"RCPT TO:<" + b"a" * 5_000 + b"@b.test>", (501, "5.1.3")),
        (b"RCPT TO:<a@b.test> NOTIFY=NEVER,DELAY", (501, "5.5.4")),
        (b"RCPT TO:<a@b.test> NOTIFY=", (501, "5.5.4")),
        (b"RCPT TO:<a@b.test> NOTIFY=DELAY,DELAY", (501, "5.5.4")),
        (b"RCPT TO:<a@b.test> ORCPT=a@b.test", (501, "5.5.4")),
        (b"RCPT TO:<a@b.test> ORCPT=rfc822;", (501, "5.5.4")),
        (b"RCPT TO:<a@b.test> ORCPT=rfc822;a+0D+0Ab", (501, "5.5.4")),
        (b"RCPT TO:<a@b.test> ORCPT=utf-8;\xc3\xbc", (501, "5.5.4")),
        (b"RCPT TO:<a@b.test> ORCPT=rfc822;" + b"x" * 500, (501, "5.5.4")),
        (b"RCPT TO:<a@b.test> SIZE=1", (555, "5.5.4")),
        (b"RCPT TO:<j\xc3\xbc@b.test>", (553, "5.6.7")),
    ],
)
def test_it_says_what_is_wrong(line: bytes, answer: tuple[int, str]) -> None:
    assert code(line) == answer


def test_it_reads_every_parameter_of_mail() -> None:
    command = mail(
        b"MAIL FROM:<Alice@Example.TEST> SIZE=1234 BODY=8bitmime SMTPUTF8 RET=hdrs"
        b" ENVID=QQ+2B314 AUTH=<> "
    )
    assert str(command.path.address) == "Alice@example.test"
    found = command.parameters
    assert (found.size, found.body, found.smtputf8) == (1234, "8BITMIME", True)
    assert (found.ret, found.envid, found.auth) == ("HDRS", "QQ+314", "<>")


def test_it_reads_every_parameter_of_rcpt() -> None:
    command = rcpt(b"rcpt to:<a@b.test> NOTIFY=delay,SUCCESS ORCPT=RFC822;Bob+2Bx@c.test")
    assert command.parameters.notify == "SUCCESS,DELAY"
    assert command.parameters.orcpt == "rfc822;Bob+x@c.test"
    assert rcpt(b"RCPT TO:<a@b.test> NOTIFY=NEVER").parameters.notify == "NEVER"


def test_it_takes_addresses_in_utf8_when_asked_to() -> None:
    assert str(mail("MAIL FROM:<jürgen@b.test> SMTPUTF8".encode()).path.address) == "jürgen@b.test"
    command = rcpt("RCPT TO:<ü@b.test> ORCPT=utf-8;ü@b.test".encode(), smtputf8=True)
    assert command.parameters.orcpt == "utf-8;ü@b.test"


def test_it_knows_the_null_sender_and_the_bare_postmaster() -> None:
    assert mail(b"MAIL FROM:<>").path.null
    assert rcpt(b"RCPT TO:<PostMaster>").path.postmaster


def test_it_forgives_a_space_after_the_colon() -> None:
    assert str(mail(b"MAIL FROM: <a@b.test>").path.address) == "a@b.test"


def test_it_shows_no_password_in_a_repr() -> None:
    assert "c2VjcmV0" not in repr(parse(b"AUTH PLAIN c2VjcmV0"))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"abc", "abc"),
        (b"a+2Bb+3Dc", "a+b=c"),
        (b"a+2bb", None),
        (b"a+", None),
        (b"a b", None),
        (b"a=b", None),
        (b"+00", None),
        (b"+FC", None),
    ],
)
def test_it_decodes_xtext(raw: bytes, text: str | None) -> None:
    assert decode_xtext(raw) == text


WORDS = st.sampled_from(
    [
        *b"MAIL FROM:|RCPT TO:|BDAT |AUTH |EHLO |SIZE=|NOTIFY=|ORCPT=|\xc3\xbc".split(b"|"),
        *(bytes([char]) for char in b'<>@"\\ +a\xff;,\t:'),
    ]
)


@given(line=st.lists(WORDS | st.binary(max_size=3), max_size=30).map(b"".join), utf8=st.booleans())
def test_it_never_raises(line: bytes, utf8: bool) -> None:
    parse(line, smtputf8=utf8)
