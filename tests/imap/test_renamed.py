"""A mail program before and after its user, or the user's domain, was renamed: nothing to load
again, and nobody signed out."""

import re
from collections.abc import Callable

import pytest

from apps.delivery import accept
from apps.delivery.submission import reverse_path
from apps.directory import routing
from apps.directory.authority import Authority
from apps.directory.models import User
from apps.mailqueue.services import EnvelopeRecipient
from apps.mime.address import Address
from apps.provisioning import renaming
from tests.imap.conftest import add_numbered
from tests.imap.talk import Talk
from tests.support.imap_server import RunningServer
from tests.support.mail import drain, submission

OLD = "alice@example.test"


def rename_user() -> str:
    renaming.rename_user(OLD, "alicia@example.test")
    return "alicia@example.test"


def rename_domain() -> str:
    renaming.rename_domain("example.test", "new.test")
    return "alice@new.test"


RENAMES = pytest.mark.parametrize("rename", [rename_user, rename_domain])


def picture(talk: Talk) -> tuple[str, list[str], list[str]]:
    """What a client keeps: UIDVALIDITY, the flags of each UID, what it is subscribed to."""
    opened, _ = talk.say("SELECT INBOX")
    (validity,) = re.findall(r"\[UIDVALIDITY (\d+)\]", " ".join(opened))
    rows, _ = talk.say("UID FETCH 1:* (FLAGS)")
    names, _ = talk.say('LSUB "" "*"')
    return validity, [row.replace(r" \Recent", "").replace(r"\Recent", "") for row in rows], names


def send_to(address: str) -> None:
    """What the door does: resolve, accept; then the worker files it."""
    found = routing.resolve(Address.parse(address))
    people = [EnvelopeRecipient(one.address, address, one.user_id) for one in found.users]
    accept.accept([submission(people)])
    drain()


@RENAMES
def test_it_finds_all_as_it_was(
    server: RunningServer, alice: User, rename: Callable[[], str]
) -> None:
    add_numbered(alice.pk, 3)
    before = Talk(server.port, OLD)
    before.say("UID STORE 2 +FLAGS (\\Flagged work)")
    before.say("SUBSCRIBE Archive")
    kept = picture(before)

    name = rename()

    assert picture(before) == kept  # and it is still signed in
    after = Talk(server.port, name)
    assert picture(after) == kept
    send_to(OLD)
    lines, _ = before.say("NOOP")
    assert "* 4 EXISTS" in lines
    after.say("NOOP")
    rows, _ = after.say("UID FETCH 4 (BODY.PEEK[HEADER.FIELDS (DELIVERED-TO)])")
    assert f"Delivered-To: {name}" in " ".join(rows)
    for one in (before, after):
        one.close()


@RENAMES
def test_its_user_goes_on_to_send_as_the_old_address(
    alice: User, rename: Callable[[], str]
) -> None:
    name = rename()

    for address in (OLD, name):
        path = reverse_path(alice.pk, Address.parse(address))
        assert (str(path.address), path.authority) == (address, Authority.OWN)


def test_it_signs_in_by_the_old_domain(server: RunningServer, alice: User) -> None:
    add_numbered(alice.pk, 1)
    rename_domain()

    talk = Talk(server.port, OLD)
    assert len(picture(talk)[1]) == 1
    talk.close()


@RENAMES
def test_who_shares_a_mailbox_sees_its_owners_new_name(
    server: RunningServer, alice: User, bob: User, rename: Callable[[], str]
) -> None:
    add_numbered(alice.pk, 2)
    owner, other = Talk(server.port, OLD), Talk(server.port, "bob@example.test")
    owner.say("SETACL INBOX bob@example.test lrs")
    shared = f"Other Users/{OLD}/INBOX"
    other.say(f'SUBSCRIBE "{shared}"')
    opened, _ = other.say(f'SELECT "{shared}"')

    name = rename()

    again = f"Other Users/{name}/INBOX"
    for command in ("LIST", "LSUB"):
        rows, _ = other.say(f'{command} "" "Other Users/*/INBOX"')
        assert [row.rsplit(' "/" ', 1)[1].strip('"') for row in rows] == [again]
    fresh, _ = other.say(f'SELECT "{again}"')
    assert [line for line in fresh if "UID" in line] == [line for line in opened if "UID" in line]
    _, answer = other.say(f'SELECT "{shared}"')
    assert answer.startswith("NO ")
    for one in (owner, other):
        one.close()
