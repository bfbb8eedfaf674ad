"""What a session sees of the INBOX: sizes to the octet, ids for ever, marks that count at QUIT."""

import poplib
from collections.abc import Sequence
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import FLAG_SEEN, LineSize, Mailbox
from apps.mailstore.origin import Origin
from apps.mailstore.services.append import Appending, append
from apps.mailstore.services.copy import copy
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.mailboxes import delete_all, rename
from apps.mailstore.services.prepare import prepare
from apps.mailstore.services.purge import purge
from apps.pop3 import maildrop
from apps.pop3.doors import Service
from apps.provisioning import services as provisioning
from apps.runtime.ulid import new_ulid
from apps.wire.errors import StorageUnavailable
from tests.conftest import PASSWORD
from tests.imap.conftest import FIRST_DAY, add_message, add_numbered
from tests.pop3.conftest import LETTERS, Running, pop3_login, said, session
from tests.support.cost import spent
from tests.support.dialogue import Client
from tests.support.listening import listening

pytestmark = pytest.mark.django_db(transaction=True)
ORIGIN = Origin("test", None)


def inbox(user: User) -> queries.MailboxRow:
    return next(row for row in queries.mailboxes(user.pk) if row.name == "INBOX")


def unique_ids(server: Running, user: User) -> list[bytes]:
    with session(server, user) as client:
        found = [line.split()[1] for line in client.uidl()[1]]
        client.quit()
    return found


def retrieved(client: poplib.POP3, number: int) -> bytes:
    """What RETR sends, dots unstuffed."""
    return b"".join(line + b"\r\n" for line in client.retr(number)[1])


# -- sizes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("utf8", [True, False])
def test_it_lists_what_it_sends(alice: User, server: Running, utf8: bool) -> None:
    letters = [
        *LETTERS.values(),
        b"Subject: \xfcml\n\n\xfc",
        b"Subject: big\n\n" + b".x\n" * 200_000,
    ]
    for raw in letters:
        add_message(alice.pk, raw)
    with closing(poplib.POP3("127.0.0.1", server.ports["pop3"], timeout=15)) as client:
        if utf8:
            client.utf8()
        client.user(alice.address)
        client.pass_(PASSWORD)
        listed = [int(line.split()[1]) for line in client.list()[1]]
        sent = [retrieved(client, number) for number in range(1, len(letters) + 1)]
        assert listed == [len(one) for one in sent]
        assert client.stat() == (len(letters), sum(listed))
        for raw, one in zip(letters, sent, strict=True):
            as_kept = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            as_kept += b"" if as_kept.endswith(b"\n") or not as_kept else b"\r\n"
            assert one == as_kept or (raw == LETTERS["utf8"] and not utf8)
        client.quit()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(
    st.lists(
        st.lists(st.sampled_from([b"Subject: ", "ü".encode(), b"\n", b"\r\n", b"\r", b".", b"x:"])),
        min_size=1,
        max_size=8,
    )
)
def test_it_lists_what_it_sends_of_any_letters(
    alice: User, server: Running, letters: list[list[bytes]]
) -> None:
    for words in letters:
        add_message(alice.pk, b"".join(words))
    with session(server, alice) as client:
        listed = [int(line.split()[1]) for line in client.list()[1]]
        for number, size in enumerate(listed, 1):
            client._putcmd(f"RETR {number}")  # type: ignore[attr-defined]
            # By hand: poplib would take a lone CR for nothing in particular, and we count octets.
            assert client.file.readline() == b"+OK %d octets\r\n" % size
            octets = 0
            while (line := client.file.readline()) != b".\r\n":
                octets += len(line) - line.startswith(b".")
            assert octets == size
            client.dele(number)
        client.quit()


def test_it_keeps_no_size_of_what_is_gone(alice: User) -> None:
    add_message(alice.pk, LETTERS["bare"])
    add_message(alice.pk, LETTERS["short"])
    assert [(row.growth, row.ascii_growth) for row in LineSize.objects.all()] == [(4, 4)]
    expunge(mailbox_id=inbox(alice).id, uids=[1, 2], marked=False, origin=ORIGIN)
    assert purge(keep_days=-1) == 2
    assert LineSize.objects.count() == 0


def test_it_sends_a_surrogate_piece_by_piece(alice: User, server: Running) -> None:
    raw = "Subject: Grüße\r\nX-Ä: a\r\nTo: ä@b\r\n\r\n".encode() + b"0123456789abcde\r\n" * 40_000
    add_message(alice.pk, raw)
    with session(server, alice) as client:
        sent = retrieved(client, 1)
        assert sent.startswith(b"Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n")
        assert sent.partition(b"\r\n\r\n")[2] == raw.partition(b"\r\n\r\n")[2]
        listed: object = client.list(1)  # one line, whatever typeshed says
        assert isinstance(listed, bytes)
        assert listed == b"+OK 1 %d" % len(sent)
        assert b"\r\n".join(client.top(1, 1)[1]).endswith(b"\r\n\r\n0123456789abcde")


# -- unique ids -----------------------------------------------------------------------------------


def test_it_gives_ids_that_stay(alice: User) -> None:
    add_numbered(alice.pk, 5)
    seen = []
    for _ in range(2):  # two services, one after the other
        with listening(Service, "pop3", "pop3s") as server:
            seen += [unique_ids(server, alice), unique_ids(server, alice)]
    # A backup that is restored raises it: UIDs given since it was made will be given again.
    Mailbox.objects.filter(pk=inbox(alice).id).update(uidvalidity=4_000_000_000)
    with listening(Service, "pop3", "pop3s") as server:
        seen.append(unique_ids(server, alice))
    assert all(one == seen[0] for one in seen)
    assert len(set(seen[0])) == 5
    for one in seen[0]:
        assert 1 <= len(one) <= 70
        assert all(0x21 <= octet <= 0x7E for octet in one)


def test_it_tells_copies_of_one_message_apart(alice: User, server: Running) -> None:
    add_numbered(alice.pk, 1)
    box = inbox(alice).id
    copy(mailbox_id=box, uids=[1], target_id=box, origin=ORIGIN)
    first, second = unique_ids(server, alice)
    assert first != second


def test_it_gives_no_id_twice(alice: User, server: Running) -> None:
    seen: list[bytes] = []
    for _ in range(3):
        add_numbered(alice.pk, 2)
        seen += unique_ids(server, alice)
        box = inbox(alice)
        expunge(mailbox_id=box.id, uids=[box.counters.uidnext - 1], marked=False, origin=ORIGIN)
    assert len(seen) == 2 + 3 + 4
    assert len(set(seen)) == 6
    # RFC 3501 section 6.3.5: renaming INBOX takes its messages away.
    rename(user_id=alice.pk, name="INBOX", to="Old", origin=ORIGIN)
    add_numbered(alice.pk, 2)
    assert not set(unique_ids(server, alice)) & set(seen)


def test_it_gives_a_mailbox_made_anew_other_ids(alice: User, server: Running) -> None:
    add_numbered(alice.pk, 3)
    before = unique_ids(server, alice)
    provisioning.remove_user(alice.address)
    again, _ = provisioning.add_user(alice.address, PASSWORD)
    add_numbered(again.pk, 3)
    after = unique_ids(server, again)
    assert len(after) == 3
    assert not set(after) & set(before)


# -- what others do meanwhile ---------------------------------------------------------------------


def test_it_keeps_its_numbers_while_others_expunge(alice: User, server: Running) -> None:
    add_numbered(alice.pk, 4)
    with session(server, alice) as client:
        assert client.retr(1)[0].startswith(b"+OK")
        expunge(mailbox_id=inbox(alice).id, uids=[2], marked=False, origin=ORIGIN)
        for command in ("RETR 2", "TOP 2 0"):
            with pytest.raises(poplib.error_proto, match="-ERR That message no longer exists"):
                client._shortcmd(command)  # type: ignore[attr-defined]
        add_numbered(alice.pk, 1)
        assert client.stat()[0] == 4
        assert b"Subject: Message 3" in client.retr(3)[1]
        assert b"Subject: Message 4" in client.retr(4)[1]
        client.dele(2)
        client.dele(3)
        client.quit()
    assert list(queries.snapshot(inbox(alice).id).uids) == [1, 4, 5]


# -- QUIT -----------------------------------------------------------------------------------------


def test_it_tells_what_it_could_not_delete(alice: User, server: Running) -> None:
    add_numbered(alice.pk, 2)
    with session(server, alice) as client:
        client.dele(1)
        delete_all(user_id=alice.pk, origin=ORIGIN)
        with pytest.raises(poplib.error_proto, match="0 of 1 messages were deleted"):
            client.quit()


def test_it_deletes_exactly_what_it_says(
    alice: User, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_numbered(alice.pk, 5)
    calls: list[Sequence[int]] = []

    def failing(*, uids: Sequence[int], **others: object) -> list[tuple[int, int]]:
        calls.append(uids)
        if len(calls) > 1:
            raise StorageUnavailable("the disk went away")
        return expunge(uids=uids, **others)  # type: ignore[arg-type]

    monkeypatch.setattr(maildrop, "UIDS_AT_ONCE", 2)
    monkeypatch.setattr(maildrop, "expunge", failing)
    with session(server, alice) as client:
        client.retr(5)
        for number in (1, 2, 3, 4):
            client.dele(number)
        with pytest.raises(poplib.error_proto, match="2 of 4 messages were deleted"):
            client.quit()
    assert calls == [[1, 2], [3, 4]]
    left = queries.snapshot(inbox(alice).id)
    assert list(left.uids) == [3, 4, 5]
    assert list(left.flags) == [0, 0, FLAG_SEEN]  # those that stayed are not marked \Deleted


# -- many -----------------------------------------------------------------------------------------


def fill(user: User, count: int) -> None:
    """`count` messages, all the same one."""
    one = prepare(b"Subject: one of many\r\n\r\nHello.\r\n", trace_id=new_ulid())
    for _ in range(count // 1_000):
        append(
            mailbox_id=inbox(user).id,
            user_id=user.pk,
            messages=[Appending(message=one, internaldate=FIRST_DAY)] * 1_000,
            origin=ORIGIN,
        )
        one = prepare(b"Subject: one of many\r\n\r\nHello.\r\n", trace_id=new_ulid())


@pytest.mark.parametrize("count", [2_000, pytest.param(20_000, marks=pytest.mark.long)])
def test_it_serves_the_whole_mailbox(alice: User, server: Running, count: int) -> None:
    fill(alice, count)
    with closing(Client(server.ports["pop3"])) as client:
        with spent() as took:
            pop3_login(client, alice.address, PASSWORD)
            assert said(client, "STAT") == f"+OK {count} {count * 32}"
            for command in ("LIST", "UIDL"):
                assert said(client, command).startswith("+OK")
                lines = 0
                while client.line() != ".":
                    lines += 1
                assert lines == count
        assert took.seconds < 4
        client.socket.sendall(b"".join(b"DELE %d\r\n" % n for n in range(1, count + 1)))
        for _ in range(count):
            assert client.line() == "+OK Marked for deletion"
        assert said(client, "STAT") == "+OK 0 0"
        assert said(client, "QUIT").startswith("+OK")
    assert inbox(alice).counters.messages == 0
