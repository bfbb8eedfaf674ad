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
