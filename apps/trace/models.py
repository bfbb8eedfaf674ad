"""TraceEvent: the flight recorder. One row for each thing that happened to a message, in order."""

from django.db import models


class TraceEvent(models.Model):
    """`kind` is a dotted word (`smtp.received`, `local.delivered`); `data` is JSON."""

    id = models.BigAutoField(primary_key=True)
    trace_id = models.UUIDField()
    at = models.BigIntegerField()  # Unix microseconds
    kind = models.CharField(max_length=40)
    data = models.TextField(default="{}")

    class Meta:
        indexes = [
            models.Index(fields=["trace_id", "id"], name="trace_message"),
            models.Index(fields=["at"], name="trace_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.trace_id}"


class Sent(models.Model):
    """A message that one of our users sent: ties bounces, and the copy in Sent, to its trace.

    `message_id` is the Message-ID as kept in `mailstore.Message`, `envelope_id` the ENVID that the
    sender gave (RFC 3461); `user_id` names a user of the directory, which is a floor above.
    """

    trace_id = models.UUIDField(primary_key=True)
    user_id = models.BigIntegerField()
    message_id = models.CharField(max_length=500)
    envelope_id = models.CharField(max_length=100, default="")
    at = models.BigIntegerField()  # Unix microseconds

    class Meta:
        indexes = [
            models.Index(fields=["message_id", "user_id"], name="sent_message"),
            models.Index(
                fields=["envelope_id", "user_id"],
                name="sent_envelope",
                condition=~models.Q(envelope_id=""),
            ),
            models.Index(fields=["at"], name="sent_age"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.trace_id}"
