"""What was found out about each message that was scanned, and what it came to."""

from django.db import models


class Scanned(models.Model):
    """A verdict with all it was computed from, so that it can be told, and computed again.

    It names no blob by a foreign key: it must not keep the message alive. `id` is the receive id
    of `mailqueue.QueuedMessage`; of a message that LMTP brought for several each has its own.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    trace_id = models.UUIDField()
    message_id = models.CharField(max_length=500)  # as in mailstore.Message
    source = models.UUIDField()  # the blob, which stays only as long as something else names it
    at = models.BigIntegerField()  # Unix microseconds, when it was received
    points = models.FloatField()  # the most of any reader
    action = models.PositiveSmallIntegerField()  # base.Action: the hardest for any reader
    engine = models.CharField(max_length=16)  # `engine.fingerprint()` of the rules that judged
    look_at = models.BigIntegerField()  # Unix seconds: housekeeping looks then whether it may go
    data = models.BinaryField()  # `record.pack`
    deeds = models.TextField(default="[]")  # JSON: what was done with each copy (`deeds.Deed`)

    class Meta:
        indexes = [
            models.Index(fields=["trace_id"], name="scanned_trace"),
            models.Index(fields=["message_id"], name="scanned_message"),
            models.Index(fields=["at"], name="scanned_time"),
            models.Index(fields=["look_at"], name="scanned_age"),
        ]

    def __str__(self) -> str:
        return f"{self.id}: {self.points}"
