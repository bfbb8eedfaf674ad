"""Alice's and Bob's mailboxes."""

import pytest

from apps.directory.models import User
from apps.mailstore.models import Mailbox
from tests.mailstore.making import box


@pytest.fixture
def inbox(alice: User) -> Mailbox:
    return box(alice)


@pytest.fixture
def archive(alice: User) -> Mailbox:
    return box(alice, "Archive")


@pytest.fixture
def bobs_inbox(bob: User) -> Mailbox:
    return box(bob)
