"""A running IMAP service, and messages to find in it."""

from collections.abc import Callable, Iterator

import pytest

from apps.directory.models import User
from apps.imap.limits import Limits
from apps.mailstore import queries
from apps.mailstore.origin import Origin
from apps.mailstore.services.append import Appending, AppendResult, append
from apps.mailstore.services.prepare import prepare
from apps.runtime.conversation import Patience
from apps.runtime.ulid import new_ulid
from tests.support.imap_server import RunningServer, running

MESSAGE = (
    "From: Carol Example <carol@example.net>\r\n"
    "To: alice@example.test\r\n"
    "Subject: Message {0}\r\n"
    "Date: Tue, {0:02d} Oct 2024 10:00:00 +0200\r\n"
    "Message-ID: <{0}@example.net>\r\n"
    "\r\n"
    "Hello, this is message {0}.\r\n"
)
FIRST_DAY = 1_727_776_800  # 2024-10-01 10:00 UTC

Add = Callable[..., AppendResult]


def add_message(user_id: int, raw: bytes, mailbox: str = "INBOX", **more: object) -> AppendResult:
    """Put one message into a user's mailbox."""
    target = next(row for row in queries.mailboxes(user_id) if row.name == mailbox)
    values: dict[str, object] = {"internaldate": FIRST_DAY, **more}
    appending = Appending(message=prepare(raw, trace_id=new_ulid()), **values)  # type: ignore[arg-type]
    origin = Origin("test", user_id)
    return append(mailbox_id=target.id, user_id=user_id, messages=[appending], origin=origin)[0]


def add_numbered(user_id: int, count: int, mailbox: str = "INBOX") -> None:
    """Put `count` of MESSAGE into a mailbox, a day apart."""
    for number in range(1, count + 1):
        raw = MESSAGE.format(number).encode()
        add_message(user_id, raw, mailbox, internaldate=FIRST_DAY + (number - 1) * 86_400)


@pytest.fixture
def server(transactional_db: None) -> Iterator[RunningServer]:
    with running() as one:
        yield one


@pytest.fixture
def strict_server(transactional_db: None) -> Iterator[RunningServer]:
    """With short deadlines and small limits, as the hostile tests need them."""
    patience = Patience(login_time=2.0, drain_time=1.0)
    limits = Limits(patience, message_size=100_000, idle_keepalive=0.2, page_rows=50)
    with running(limits) as one:
        yield one


@pytest.fixture
def inbox(alice: User, server: RunningServer) -> RunningServer:
    """A running server with three messages in Alice's INBOX."""
    add_numbered(alice.pk, 3)
    return server
