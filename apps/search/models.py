"""What the database knows of the search index, which may lie in a file of its own."""

from django.db import models


class IndexState(models.Model):
    """One row (id 1): which filling of which index the outbox (`mailstore.Unindexed`) goes with.

    Changed in the transaction that takes what a batch has settled off the outbox. An index whose
    stamp says something else is not of this database: one of them was lost, or brought back from a
    backup.
    """

    id = models.SmallIntegerField(primary_key=True)
    epoch = models.BigIntegerField()  # random, of this filling
    number = models.BigIntegerField()  # batches settled
    version = models.IntegerField()  # of `apps.mime.searchtext`
    # While the index is filled anew: messages below this id have yet to enter the outbox, and the
    # index cannot be asked.
    below = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.epoch}: {self.number}"


class Indexed(models.Model):
    """What the index knows of a pair, where it is a table of the main database: only there
    (`backends.postgres`). Written and read by SQL alone; Django knows of it as of any table."""

    pk = models.CompositePrimaryKey("owner_id", "message_id")
    owner_id = models.BigIntegerField()
    message_id = models.BigIntegerField()
    is_apart = models.BooleanField()  # no text is kept: the message has to be scanned
    sender = models.TextField()
    to = models.TextField()
    cc = models.TextField()
    bcc = models.TextField()
    subject = models.TextField()
    header = models.TextField()
    body = models.TextField()
    filename = models.TextField()

    def __str__(self) -> str:
        return f"{self.owner_id}: {self.message_id}"
