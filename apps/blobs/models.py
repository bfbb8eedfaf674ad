"""Blob: bytes of messages, written once and never changed.

Small ones live compressed in the row (one fsync, one backup); larger ones are objects in the store
that BLOB_URL names. Sharing is by reference: all recipients of one transaction, and copies, name
the same blob. There are no reference counts; `services.collect` removes what no table in
`REFERRERS` names.
"""

from django.db import models

from apps.runtime.ulid import new_ulid


class Codec(models.IntegerChoices):
    """How the bytes are kept."""

    RAW = 0  # inline, as they are
    ZSTD = 1  # inline, one zstd frame
    FRAMES = 2  # an object of frames of 256 KiB: a partial read never starts at 0


class Blob(models.Model):
    """One run of bytes. `inline` holds them (encoded by `codec`), or `key` names the object."""

    id = models.UUIDField(primary_key=True, default=new_ulid, editable=False)
    sha256 = models.BinaryField(max_length=32)  # of the decoded bytes; integrity only, not identity
    size = models.BigIntegerField()  # decoded bytes
    codec = models.PositiveSmallIntegerField(choices=Codec.choices, default=Codec.RAW)
    inline = models.BinaryField(null=True)
    # Of an object: length and CRC-32 of each stored frame, so that a partial read finds its frames
    # and checks them.
    frames = models.BinaryField(default=b"")
    key = models.CharField(max_length=100, default="", blank=True)
    created_at = models.BigIntegerField()  # Unix seconds; ids rise with it, so it needs no index

    def __str__(self) -> str:
        return f"{self.id} ({self.size} bytes)"


class Hold(models.Model):
    """While one is valid, no blob is collected: a backup copies rows first and objects after."""

    id = models.UUIDField(primary_key=True, default=new_ulid, editable=False)
    reason = models.CharField(max_length=100)
    until = models.BigIntegerField()  # Unix seconds: a holder that died does not hold for ever

    def __str__(self) -> str:
        return self.reason
