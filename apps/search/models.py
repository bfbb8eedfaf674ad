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
