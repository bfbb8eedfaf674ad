"""Mail that is kept from its readers, and what they were told of it.

A row is one reader's copy. It is written in the transaction that settles the copy in the queue, so
a message is in quarantine or in a mailbox, never in both and never in none.
"""

from django.conf import settings
from django.db import models


class Reason(models.TextChoices):
    """Why a copy is kept. Who may let it go follows from it."""

    VIRUS = "virus"  # only an administrator lets it go
    HARMFUL = "harmful"  # no known virus, but it would do what one does: the same
    ATTACHMENT = "attachment"  # a policy keeps such attachments
    PHISHING = "phishing"  # spam that pretends to be of somebody else, or to lead elsewhere
    SPAM = "spam"


DANGEROUS = frozenset({Reason.VIRUS, Reason.HARMFUL})
"""What no link and no reader lets go."""


class QuarantineState(models.TextChoices):
    """What became of it."""

    KEPT = "kept"
    RELEASED = "released"  # given to the queue again, in the transaction that said so
    DELETED = "deleted"  # its bytes stay for as long as that can be taken back


class Quarantined(models.Model):
    """One reader's copy of a message, with all that delivering it later takes."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        db_constraint=False,  # a user who goes at this moment must not fail the rows of others
        db_index=False,
        related_name="+",
    )  # whose it is, also where it was to be sent on; None: an address of ours without a mailbox
    is_elsewhere = models.BooleanField(default=False)  # it is to go to another server
    trace_id = models.UUIDField(db_index=True)
    queue_id = models.UUIDField()  # of the queue row that it came in, by which its verdict is kept
    # Of the row, the bytes: none once it was let go, or deleted for good.
    blob = models.ForeignKey("blobs.Blob", on_delete=models.PROTECT, null=True, db_constraint=False)
    prefix = models.BinaryField(default=b"")
    cuts = models.TextField(default="[]")  # JSON [[start, end], …], as in the queue
    size = models.BigIntegerField()  # prefix + blob - cuts
    sender = models.CharField(max_length=320)  # reverse-path
    address = models.CharField(max_length=320)  # the final recipient
    original = models.CharField(max_length=320)  # the one that RCPT named
    domain = models.CharField(max_length=253)  # of `original`: whose administrators see it
    door = models.CharField(max_length=12)
    smtputf8 = models.BooleanField(default=False)
    body = models.CharField(max_length=12, default="")  # "" or 8BITMIME (RFC 6152)
    requires_tls = models.BooleanField(default=False)
    received_at = models.BigIntegerField()  # Unix microseconds
    author = models.CharField(max_length=320, default="")  # From, as it is written
    author_address = models.CharField(max_length=320, default="")  # its Address.key
    subject = models.CharField(max_length=300, default="")
    reason = models.CharField(max_length=12, choices=Reason.choices)
    rule = models.CharField(max_length=60, default="")  # the one that asked for it
    words = models.CharField(max_length=500, default="")  # the same as a sentence
    points = models.FloatField(default=0.0)
    kept_at = models.BigIntegerField()  # Unix seconds
    state = models.CharField(
        max_length=8, choices=QuarantineState.choices, default=QuarantineState.KEPT
    )
    settled_at = models.BigIntegerField(default=0)  # Unix seconds; 0: still kept
    settled_by = models.CharField(max_length=40, default="")  # user or administrator, and the door
    is_told = models.BooleanField(default=False)  # a digest has named it
    # Much speaks for it that its reader wants it (`scan.wanted`), by what was known when it came.
    is_wanted = models.BooleanField(default=False, db_default=False)

    class Meta:
        indexes = [
            models.Index(fields=["user", "id"], name="quarantined_newest"),
            models.Index(fields=["kept_at"], name="quarantined_age"),
            models.Index(
                fields=["user"],
                name="quarantined_untold",
                condition=models.Q(state="kept", is_told=False),
            ),
            # What administrators list: all, of a reason, of a domain (whose reasons are counted by
            # the index alone); and what one author sent.
            models.Index(fields=["state", "id"], name="quarantined_state"),
            models.Index(fields=["state", "reason", "id"], name="quarantined_reason"),
            models.Index(fields=["domain", "state", "id", "reason"], name="quarantined_domain"),
            models.Index(fields=["author_address", "state"], name="quarantined_author"),
        ]

    def __str__(self) -> str:
        return f"{self.original}: {self.subject}"


class Digest(models.Model):
    """What a user was told: the day of the last digest, and how far into Junk it went."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        db_constraint=False,
        related_name="+",
    )
    every = models.CharField(max_length=6, default="")  # daily, weekly, never; "": the setting's
    day = models.IntegerField(default=0)  # days since 1970-01-01 UTC; 0: never yet
    junk = models.BigIntegerField(default=0)  # its mailbox
    junk_uid = models.BigIntegerField(default=0)  # the first UID of it that was not looked at

    def __str__(self) -> str:
        return f"{self.user_id}: {self.day}"


class Notice(models.Model):
    """How often something happened of which we write, in a period that ends at `until`."""

    key = models.CharField(max_length=100, primary_key=True)
    until = models.BigIntegerField()  # Unix seconds
    count = models.PositiveIntegerField(default=1)  # how often there was cause since

    class Meta:
        indexes = [models.Index(fields=["until"], name="notice_until")]

    def __str__(self) -> str:
        return self.key
