"""Upgrades keep what users have."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import Expunged, Fate
from apps.mailstore.services.copy import move
from apps.mailstore.services.expunge import expunge
from tests.mailstore.making import ORIGIN, box, filled

BEFORE = [("mailstore", "0002_tables")]


@pytest.fixture
def before_subscriptions(transactional_db: None, alice: User) -> Iterator[User]:
    """Alice in a database as it was when a mailbox itself knew whether it is subscribed."""
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()  # others depend on these
    executor.migrate(BEFORE)
    yield alice
    MigrationExecutor(connection).migrate(newest)


def test_it_makes_subscriptions_of_marks_on_mailboxes(before_subscriptions: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE mailstore_mailbox SET subscribed = (name <> 'Junk')")
        cursor.execute("UPDATE mailstore_mailbox SET deleted_at = 1 WHERE name = 'Trash'")
    MigrationExecutor(connection).migrate([("mailstore", "0003_subscription")])
    assert queries.subscriptions(before_subscriptions.pk) == ["Archive", "Drafts", "INBOX", "Sent"]


def test_it_knows_by_the_journal_what_was_moved(transactional_db: None, alice: User) -> None:
    inbox, archive = box(alice), box(alice, "Archive")
    filled(inbox, 3)
    move(mailbox_id=inbox.pk, uids=[1], target_id=archive.pk, origin=ORIGIN)
    expunge(mailbox_id=inbox.pk, uids=[2], marked=False, origin=ORIGIN)
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()  # others depend on these
    executor.migrate([("mailstore", "0008_unindexed")])
    MigrationExecutor(connection).migrate(newest)
    fates = Expunged.objects.order_by("uid").values_list("uid", "fate")
    assert list(fates) == [(1, Fate.MOVED), (2, Fate.EXPUNGED)]
