"""What was answered to requests that may be sent again."""

from django.db import models
from django.utils import timezone


class Replay(models.Model):
    """A request that carried an Idempotency-Key, and what it was answered; kept for a day.

    The row is written in the transaction of what was asked for: both are there, or neither is. The
    answer may show a secret (a new token, a first password), so it is sealed.
    """

    caller = models.CharField(max_length=40)  # whose keys these are: token/12
    key = models.BinaryField(max_length=32)  # SHA-256 of what the client sent
    request = models.BinaryField(max_length=32)  # SHA-256 of method, address and body
    status = models.PositiveSmallIntegerField(default=0)
    headers = models.TextField(default="{}")  # JSON: Location, ETag
    answer = models.BinaryField(default=b"")  # sealed (apps.runtime.sealing)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="replay_once")]
        indexes = [models.Index(fields=["created_at"], name="replay_age")]

    def __str__(self) -> str:
        return f"{self.caller} {self.status}"
