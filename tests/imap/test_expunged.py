"""FETCH of what another session has expunged, to the last moment that it can be had."""

from contextlib import closing

import pytest

from apps.directory.models import User
from apps.mailstore.services.purge import purge
from tests.conftest import PASSWORD
from tests.imap.conftest import add_numbered
from tests.support.dialogue import Client
from tests.support.imap_server import RunningServer


def said(client: Client, command: str) -> list[str]:
    client.send(f"x {command}")
    lines = [client.line()]
    while not lines[-1].startswith(("x ", "(")):
        lines.append(client.line())
    return lines


def test_it_says_what_is_lost_when_the_rest_is_purged(alice: User, server: RunningServer) -> None:
    add_numbered(alice.pk, 3)
    with closing(Client(server.port)) as one, closing(Client(server.port)) as other:
        for client in (one, other):
            said(client, f'LOGIN {alice.address} "{PASSWORD}"')
            said(client, "SELECT INBOX")
        said(one, "STORE 2 +FLAGS.SILENT (\\Deleted)")
        said(one, "EXPUNGE")
        assert said(other, "FETCH 2 (RFC822.SIZE)")[-1].startswith("x OK [EXPUNGEISSUED]")
        purge(keep_days=-1)
        lines = said(other, "FETCH 1:3 (UID BODY.PEEK[TEXT]<0.5>)")
        assert lines == [
            "* 1 FETCH (UID 1 BODY[TEXT]<0> {5}",
            "Hello)",
            "* 3 FETCH (UID 3 BODY[TEXT]<0> {5}",
            "Hello)",
            "x NO [EXPUNGEISSUED] Some of the messages no longer exist",
        ]


@pytest.mark.parametrize("pages", [1, 2])
def test_it_answers_for_many_expunged_messages(
    alice: User, strict_server: RunningServer, pages: int
) -> None:
    """More than a page of FETCH, which has 50 messages here."""
    count = 40 * pages
    add_numbered(alice.pk, count)
    with closing(Client(strict_server.port)) as one, closing(Client(strict_server.port)) as other:
        for client in (one, other):
            said(client, f'LOGIN {alice.address} "{PASSWORD}"')
            said(client, "SELECT INBOX")
        said(one, "STORE 1:* +FLAGS.SILENT (\\Deleted)")
        said(one, "EXPUNGE")
        lines = said(other, "FETCH 1:* (UID RFC822.SIZE FLAGS)")
        assert [int(line.split()[1]) for line in lines[:-1]] == list(range(1, count + 1))
        assert all("\\Deleted" in line for line in lines[:-1])
