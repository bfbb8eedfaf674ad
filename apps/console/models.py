"""What the console itself keeps: acts on many things at once that can still be taken back."""

import uuid

from django.db import models

from apps.directory.models import User


class BulkAct(models.Model):
    """What an administrator did to many things at once, with how each was before.

    `before` has an entry per thing that was really changed: what `apps.console.undoing` needs to
    do the opposite, never a secret. The opposite is done by the same doors with the powers of that
    moment.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")  # who did it
    what = models.CharField(max_length=40)  # "user.state", as in `apps.console.undoing`
    before = models.JSONField()
    done_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["done_at"], name="console_bulkact_done")]

    def __str__(self) -> str:
        return f"{self.what} {self.done_at}"
