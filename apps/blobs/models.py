"""Blob: bytes of messages, written once and never changed.

Small ones live compressed in the row (one fsync, one backup); larger ones are objects in the store that
BLOB_URL names. Sharing is by reference: all recipients of one transaction, and copies, name the same blob.
There are no reference counts; `services.collect` removes what no table in `REFERRERS` names.
"""

from django.db import models

from apps.runtime.ulid import new_ulid


class Codec(models.IntegerChoices):
    """How the bytes are kept."""

    RAW = 0
    ZSTD = 1
    ZSTD_FRAMES = 2  # independent frames of 256 KiB, so that a partial read never starts at 0


class Blob(models.Model):
    """One run of bytes. `inline` holds them (encoded by `codec`), or `key` names the object."""

    id = models.UUIDField(primary_key=True, default=new_ulid, editable=False)
    sha256 = models.BinaryField(max_length=32)  # of the decoded bytes; integrity only, not identity
    size = models.BigIntegerField()  # decoded bytes
    codec = models.PositiveSmallIntegerField(choices=Codec.choices, default=Codec.RAW)
    inline = models.BinaryField(null=True)
    key = models.CharField(max_length=100, default="", blank=True)
    created_at = models.BigIntegerField()  # Unix seconds

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="blob_age")]

    def __str__(self) -> str:
        return f"{self.id} ({self.size} bytes)"
