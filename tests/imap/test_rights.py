"""Every command against the mailboxes of another: with nothing shared, and with each right alone.

The table CASES says of every command what RFC 4314 section 4 (and the RFC of a later command) asks
for. What must hold, whatever the answer: nothing of the other's changes without the right to it,
and a mailbox in which one has no right is told from one that is not there by nothing, neither is an
owner who shares nothing from one who does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest

from apps.directory.models import User
from apps.imap.handlers.registry import COMMANDS, load
from apps.imap.proto.acl import RIGHTS
from apps.mailstore.models import (
    FLAG_DELETED,
    FLAG_FLAGGED,
    FLAG_SEEN,
    Annotation,
    Entry,
    Keyword,
    Mailbox,
    MailboxRight,
)
from apps.mailstore.services import mailboxes
from apps.mailstore.services.append import Appending, append
from apps.mailstore.services.prepare import prepare
from apps.runtime.ulid import new_ulid
from tests.imap.conftest import FIRST_DAY, MESSAGE
from tests.imap.talk import Talk
from tests.mailstore.making import ORIGIN
from tests.support.imap_server import RunningServer

pytestmark = pytest.mark.django_db(transaction=True)

BOB = "Other Users/bob@example.test"
MAIL = "{6+}\r\na: b\r\n"
Needs = Callable[[frozenset[str]], bool]


def every(letters: str) -> Needs:
    return lambda rights: rights.issuperset(letters)


def some(letters: str) -> Needs:
    return lambda rights: not rights.isdisjoint(letters)


def always(_: frozenset[str]) -> bool:
    return True


@dataclass(frozen=True)
class Case:
    """What a client says; `{box}` is the other's mailbox, without quotes.

    needs: whether these rights are enough for OK.
    changes: whether the other's mailboxes may be others after it; None: as `needs`.
    where: the mailbox that is selected first: "" none, "box" the other's, "own" an own one.
    tells: for a command that is OK in any case: whether it then tells anything.
    """

    line: str
    needs: Needs
    changes: Needs | None = None
    where: str = ""
    tells: Needs | None = None

    @property
    def command(self) -> str:
        words = self.line.split()
        return " ".join(words[:2]) if words[0] == "UID" else words[0]

    def about(self, box: str) -> str:
        return self.line.replace("{box}", box).replace("{url}", quote(box))

    def may_change(self, rights: frozenset[str]) -> bool:
        return (self.changes or self.needs)(rights)


def never(_: frozenset[str]) -> bool:
    return False


def named(line: str, needs: Needs, changes: Needs | None = never) -> Case:
    return Case(line, needs, changes)


def inside(line: str, needs: Needs = always, changes: Needs | None = never) -> list[Case]:
    """In the selected mailbox of the other, by numbers and by UIDs."""
    return [Case(line, needs, changes, "box"), Case(f"UID {line}", needs, changes, "box")]


def into(line: str, needs: Needs, uid: int) -> list[Case]:
    """From a selected mailbox of one's own."""
    by_uid = f"UID {line.replace('1', str(uid), 1)}"
    return [Case(line, needs, None, "own"), Case(by_uid, needs, None, "own")]


CASES = [
    named('SELECT "{box}"', every("r")),
    named('EXAMINE "{box}"', every("r")),
    named('STATUS "{box}" (MESSAGES UIDNEXT)', every("r")),
    Case('LIST "" "{box}"', always, never, tells=every("l")),
    Case('LSUB "" "{box}"', always, never, tells=never),
    Case('ESEARCH IN (mailboxes "{box}") ALL', always, never, tells=every("r")),
    Case('ESEARCH IN (subtree "{box}") ALL', always, never, tells=every("lr")),
    named('SUBSCRIBE "{box}"', every("l")),
    named('UNSUBSCRIBE "{box}"', always),
    named(f'APPEND "{{box}}" {MAIL}', every("i"), None),
    named(f'APPEND "{{box}}" (\\Seen \\Deleted $Work) {MAIL}', every("i"), None),
    named('APPEND Archive CATENATE (URL "/{url}/;UID=1" TEXT {6+}\r\na: b\r\n)', every("r")),
    named('CREATE "{box}/New"', every("k"), None),
    named('DELETE "{box}"', every("x"), None),
    named('RENAME "{box}" "{box} 2"', every("xk"), None),
    named('RENAME "{box}" Mine', never),
    named('RENAME Archive "{box}/Archive"', never),
    named('SETACL "{box}" anyone l', every("a"), None),
    named('DELETEACL "{box}" anyone', every("a"), None),
    named('GETACL "{box}"', every("a")),
    named('LISTRIGHTS "{box}" anyone', every("a")),
    named('MYRIGHTS "{box}"', some("lrikxa")),
    named('GETQUOTAROOT "{box}"', every("r")),
    named(
        'GETMETADATA "{box}" /shared/comment',
        lambda rights: "l" in rights and some("rswip")(rights),
    ),
    named(
        'SETMETADATA "{box}" (/shared/comment "x")',
        lambda rights: "l" in rights and some("swip")(rights),
        None,
    ),
    *inside("FETCH 1 (FLAGS ENVELOPE)"),
    *inside("FETCH 1 BODY[]", always, every("s")),
    *inside("SEARCH ALL"),
    *inside("SORT (DATE) UTF-8 ALL"),
    *inside("THREAD REFERENCES UTF-8 ALL"),
    *inside("STORE 1 +FLAGS (\\Seen)", every("s"), None),
    *inside("STORE 1 +FLAGS (\\Deleted)", every("t"), None),
    *inside("STORE 1 +FLAGS (\\Flagged)", every("w"), None),
    *inside("STORE 1 +FLAGS.SILENT ($Work)", every("w"), None),
    *inside("STORE 2 -FLAGS (\\Seen \\Deleted \\Flagged)", some("stw"), None),
    *inside("STORE 2 FLAGS ()", some("stw"), None),
    *inside("COPY 1 Archive"),
    *inside("MOVE 1 Archive", every("te"), None),
    *inside(f'REPLACE 1 "{{box}}" {MAIL}', every("ite"), None),
    *inside(f"REPLACE 1 Archive {MAIL}", every("te"), None),
    Case("EXPUNGE", every("e"), None, "box"),
    Case("UID EXPUNGE 1:*", every("e"), None, "box"),
    Case("CLOSE", always, every("e"), "box"),
    Case("UNSELECT", always, never, "box"),
    Case("CHECK", always, never, "box"),
    *into('COPY 1 "{box}"', every("i"), 31),
    *into('MOVE 1 "{box}"', every("i"), 32),
    *into(f'REPLACE 1 "{{box}}" {MAIL}', every("i"), 33),
]
NAMELESS = set(
    """CAPABILITY NOOP LOGOUT STARTTLS AUTHENTICATE LOGIN ID ENABLE NAMESPACE IDLE COMPRESS
    UNAUTHENTICATE CANCELUPDATE""".split()
)
"""Those that name no mailbox and touch none."""
ELSEWHERE = {
    "GETQUOTA": "dialogues/quota.txt",
    "SETQUOTA": "dialogues/quota.txt",
    "NOTIFY": "test_notify.py",
}
"""Those that name no single mailbox."""


def test_it_tries_every_command_there_is() -> None:
    load()
    tried = {case.command for case in CASES}
    assert set(COMMANDS) == tried | NAMELESS | set(ELSEWHERE)


def without(box: str, answer: str) -> str:
    """An answer that may quote what was asked for."""
    return answer.replace(box, "{box}").replace(quote(box), "{url}")


# -- the other's mailboxes ----------------------------------------------------------------------


def state(owner: User) -> object:
    """All of a user's mail that others could change."""
    boxes = Mailbox.objects.filter(user=owner, deleted_at=None)
    mine = {"mailbox__user": owner}
    return (
        list(boxes.order_by("pk").values_list("pk", "name", "special_use")),
        list(
            Entry.objects.filter(**mine)
            .order_by("mailbox_id", "uid")
            .values_list("mailbox_id", "uid", "flags", "keywords")
        ),
        list(Keyword.objects.filter(**mine).order_by("pk").values_list("mailbox_id", "name")),
        list(MailboxRight.objects.filter(**mine).order_by("pk").values_list("user_id", "rights")),
        list(Annotation.objects.filter(**mine).order_by("pk").values_list("entry", "value")),
    )


def fill(mailbox: Mailbox, *flags: int) -> None:
    messages = [
        Appending(prepare(MESSAGE.format(n + 1).encode(), trace_id=new_ulid()), FIRST_DAY, flag)
        for n, flag in enumerate(flags)
    ]
    append(mailbox_id=mailbox.pk, user_id=mailbox.user_id, messages=messages, origin=ORIGIN)


def make(owner: User, name: str, to: User, rights: str) -> Mailbox:
    """A mailbox `Top N/Box` with two messages; both levels are shared."""
    box = mailboxes.create(user_id=owner.pk, name=name)
    fill(box, 0, FLAG_SEEN | FLAG_DELETED | FLAG_FLAGGED)
    if rights:
        top = Mailbox.objects.get(user=owner, name=name.split("/")[0], deleted_at=None)
        MailboxRight.objects.bulk_create(
            [MailboxRight(mailbox=one, user=to, rights=rights) for one in (top, box)]
        )
    return box


@pytest.fixture
def talk(server: RunningServer, alice: User) -> Iterator[Talk]:
    one = Talk(server.port, alice.address)
    yield one
    one.close()


# -- nothing shared -------------------------------------------------------------------------------


def test_it_tells_what_is_not_shared_from_what_is_not_there_by_nothing(
    talk: Talk, alice: User, bob: User
) -> None:
    make(bob, "Top/Box", alice, "")
    fill(Mailbox.objects.get(user=alice, special_use="inbox"), *[0] * 20)
    before = state(bob)
    for case in CASES:
        if case.where == "box":
            continue
        answers = []
        for box in (f"{BOB}/Top/Box", f"{BOB}/Top/Not", "Other Users/x@example.test/Top/Box"):
            if case.where:
                talk.say("SELECT INBOX")
            lines, answer = talk.say(case.about(box))
            answers.append(([one.replace(box, "{box}") for one in lines], without(box, answer)))
            talk.say("UNSELECT")
        assert answers[0] == answers[1] == answers[2], case
        assert case.needs is always or answers[0][1].startswith("NO ["), (case, answers)
    assert state(bob) == before


@pytest.mark.parametrize("rights", ["", *RIGHTS.replace("r", "")])
def test_it_selects_nothing_without_the_right_to_read(
    talk: Talk, alice: User, bob: User, rights: str
) -> None:
    make(bob, "Top/Box", alice, rights)
    for verb in ("SELECT", "EXAMINE"):
        lines, answer = talk.say(f'{verb} "{BOB}/Top/Box"')
        code = "NOPERM" if rights == "l" else "NONEXISTENT"
        assert answer.startswith(f"NO [{code}]")
        assert lines == []
    assert talk.say("FETCH 1 FLAGS")[1].startswith("BAD ")


# -- each right alone -----------------------------------------------------------------------------


@pytest.mark.parametrize("rights", [*RIGHTS, "xk", "te", "ite", "lw", RIGHTS])
def test_it_does_what_each_right_allows_and_no_more(
    talk: Talk, alice: User, bob: User, rights: str
) -> None:
    fill(Mailbox.objects.get(user=alice, special_use="inbox"), *[0] * 40)
    wrong: list[str] = []
    for number, case in enumerate(CASES):
        # In a mailbox that is selected the right to read is there.
        given = rights if case.where != "box" or "r" in rights else f"r{rights}"
        name = f"Top {number}/Box"
        make(bob, name, alice, given)
        wrong += tried(talk, case, f"{BOB}/{name}", frozenset(given), bob)
    assert wrong == []


def tried(talk: Talk, case: Case, box: str, rights: frozenset[str], bob: User) -> Iterator[str]:
    """Say it; what is wrong with the answer or has become of the mailbox."""
    if case.where:
        answer = talk.say(f'SELECT "{box}"' if case.where == "box" else "SELECT INBOX")[1]
        assert answer.startswith("OK "), (case, answer)
    before = state(bob)
    lines, answer = talk.say(case.about(box))
    told = f"{case.line!r} with {''.join(sorted(rights))}: {answer}"
    allowed = case.needs(rights)
    if not answer.startswith("OK " if allowed else "NO ["):
        yield told
    if state(bob) != before and not case.may_change(rights):
        yield f"{told}: something has changed"
    if case.tells is not None and bool(lines) is not case.tells(rights):
        yield f"{told}: {lines}"
    if not allowed and rights.isdisjoint("lr") and (lines or not HIDDEN.match(answer)):
        yield f"{told}: {lines}"
    talk.say("UNSELECT")


HIDDEN = re.compile(
    r"NO \[(NONEXISTENT|TRYCREATE)\] No such mailbox"
    r"|NO \[NOPERM\] You cannot make mailboxes here"
    r"|NO \[BADURL [^]]*\] "
    r"|NO \[CANNOT\] A mailbox stays with its owner"  # who may delete it knows of it
)


# -- flags ----------------------------------------------------------------------------------------

ALL = FLAG_SEEN | FLAG_DELETED | FLAG_FLAGGED
MAY = {"s": FLAG_SEEN, "t": FLAG_DELETED, "w": FLAG_FLAGGED}


def reached(rights: str) -> int:
    return sum(bit for letter, bit in MAY.items() if letter in rights)


@pytest.mark.parametrize("rights", ["s", "t", "w", "st", "stw"])
def test_it_changes_the_flags_that_may_be_changed(
    talk: Talk, alice: User, bob: User, rights: str
) -> None:
    """RFC 4314 section 4: STORE does not fail if it may change one of the flags."""
    box = make(bob, "Top/Box", alice, f"r{rights}")
    talk.say(f'SELECT "{BOB}/Top/Box"')
    may = reached(rights)
    for change, wanted in (
        ("+FLAGS (\\Seen \\Deleted \\Flagged $Work)", ALL),
        ("-FLAGS (\\Seen \\Deleted \\Flagged $Work)", 0),
        ("FLAGS (\\Seen \\Deleted \\Flagged $Work)", ALL),
        ("FLAGS ()", 0),
    ):
        Entry.objects.filter(mailbox=box, uid=1).update(flags=0)
        Entry.objects.filter(mailbox=box, uid=2).update(flags=ALL)
        assert talk.say(f"STORE 1:2 {change}")[1].startswith("OK ")
        for entry, before in zip(
            Entry.objects.filter(mailbox=box).order_by("uid"), (0, ALL), strict=True
        ):
            assert entry.flags == before & ~may | wanted & may, change
            assert bool(entry.keywords) is (bool(wanted) and "w" in rights), change


@pytest.mark.parametrize("rights", ["", "s", "t", "w", "stw"])
def test_it_brings_along_the_flags_that_may_be_set(
    talk: Talk, alice: User, bob: User, rights: str
) -> None:
    """RFC 4314 section 4: COPY and APPEND do not fail for want of a right to a flag."""
    box = make(bob, "Top/Box", alice, f"ri{rights}")
    place = f'"{BOB}/Top/Box"'
    flags = "(\\Seen \\Deleted \\Flagged $Work)"
    assert talk.say(f"APPEND INBOX {flags} {MAIL}")[1].startswith("OK ")
    talk.say("SELECT INBOX")
    for line in (
        f"APPEND {place} {flags} {MAIL}",
        f"COPY 1 {place}",
        f"MOVE 1 {place}",
    ):
        answer = talk.say(line)[1]
        assert answer.startswith("OK "), answer
        entry = Entry.objects.filter(mailbox=box).latest("uid")
        assert entry.flags == reached(rights), line
        assert bool(entry.keywords) is ("w" in rights), line
    told, _ = talk.say(f"STATUS {place} (UNSEEN)")
    unseen = 1 if "s" in rights else 4
    assert told == [f"* STATUS {place} (UNSEEN {unseen})"]


@pytest.mark.parametrize(
    ("rights", "code", "lasting"),
    [
        ("lr", "READ-ONLY", ""),
        ("lrkxap", "READ-ONLY", ""),
        ("ri", "READ-WRITE", ""),
        ("re", "READ-WRITE", ""),
        ("rs", "READ-WRITE", "\\Seen"),
        ("rt", "READ-WRITE", "\\Deleted"),
        ("rw", "READ-WRITE", "\\Answered \\Flagged \\Draft \\*"),
        ("rsw", "READ-WRITE", "\\Answered \\Flagged \\Seen \\Draft \\*"),
        (RIGHTS, "READ-WRITE", "\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*"),
    ],
)
def test_it_tells_what_may_be_changed(
    talk: Talk, alice: User, bob: User, rights: str, code: str, lasting: str
) -> None:
    """RFC 4314 sections 5.1.1 and 5.2."""
    make(bob, "Top/Box", alice, rights)
    lines, answer = talk.say(f'SELECT "{BOB}/Top/Box"')
    assert answer.startswith(f"OK [{code}]")
    told = [one for one in lines if "PERMANENTFLAGS" in one]
    assert [re.findall(r"PERMANENTFLAGS \((.*?)\)", one) for one in told] == [[lasting]]
