"""The database is away for a while: told for now, nothing half done, and the session goes on."""

import poplib

import pytest

from apps.directory.models import User
from tests.imap.conftest import add_numbered
from tests.pop3.conftest import Running, session
from tests.support.database import breakable

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_goes_on_when_the_database_is_back(alice: User, server: Running) -> None:
    add_numbered(alice.pk, 3)
    with breakable() as is_gone:
        with session(server, alice) as client:
            is_gone(True)
            with pytest.raises(poplib.error_proto, match=r"\[SYS/TEMP\]"):
                client.retr(1)
            client.dele(2)
            client.dele(3)
            is_gone(False)
            assert client.retr(1)[0].startswith(b"+OK")
            is_gone(True)
            with pytest.raises(poplib.error_proto, match=r"\[SYS/TEMP\]"):
                client.quit()
        is_gone(False)
        with session(server, alice) as client:
            assert client.stat()[0] == 3
            client.dele(2)
            client.quit()
        with session(server, alice) as client:
            assert client.stat()[0] == 2
