"""What reception remembers: whom it asked to come back, whom it knows, and what it refused.

Losing these rows costs senders a delay and users a look at what was refused, never mail. `key` is
`keys.key_of` of what a row is about: one narrow number to find it by, on any database.
"""

from django.conf import settings
from django.db import models


class Greylisted(models.Model):
    """Mail that was asked to come back, and whether it did.

    `origin` is the domain that SPF or DKIM proved, else the client's network. A row with neither
    sender nor recipient stands for all further mail of an origin that has too many rows.
    """

    key = models.BigIntegerField(primary_key=True)  # of origin, sender, recipient
    origin = models.CharField(max_length=253)
    sender = models.CharField(max_length=320)  # reverse-path, "" for the null path
    recipient = models.CharField(max_length=320)
    first_at = models.BigIntegerField()  # Unix seconds
    last_at = models.BigIntegerField()  # Unix seconds
    attempts = models.PositiveIntegerField(default=1)
    passed_at = models.BigIntegerField(default=0)  # Unix seconds; 0: it has not come back yet

    class Meta:
        indexes = [
            models.Index(
                fields=["origin"], name="greylisted_waiting", condition=models.Q(passed_at=0)
            ),
            models.Index(fields=["last_at"], name="greylisted_age"),
        ]

    def __str__(self) -> str:
        return f"{self.origin} <{self.sender}> to <{self.recipient}>"


class Acquaintance(models.Model):
    """A sender that mail was taken from: `example.org` (SPF or DKIM proved it), or
    `example.org from 192.0.2.0/24` (nothing did)."""

    key = models.BigIntegerField(primary_key=True)  # of the name
    name = models.CharField(max_length=310)
    first_day = models.IntegerField()  # days since 1970-01-01 UTC
    last_day = models.IntegerField()
    days = models.PositiveIntegerField(default=1)  # different ones with mail
    messages = models.PositiveBigIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["last_day"], name="acquaintance_age")]

    def __str__(self) -> str:
        return f"{self.name}: {self.messages}"


class Correspondent(models.Model):
    """Somebody that a user of ours wrote to."""

    key = models.BigIntegerField(primary_key=True)  # of user and address
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        db_constraint=False,  # a user who goes at this moment must not fail the rows of others
        db_index=False,
        related_name="+",
    )
    address = models.CharField(max_length=320)  # its Address.key
    last_at = models.BigIntegerField()  # Unix seconds
    messages = models.PositiveIntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["user", "last_at"], name="correspondent_newest"),
            models.Index(fields=["last_at"], name="correspondent_age"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.address}"


class Refused(models.Model):
    """A message, or an attempt at one, that was refused for what its sender is."""

    id = models.BigAutoField(primary_key=True)
    trace_id = models.UUIDField()
    at = models.BigIntegerField()  # Unix seconds
    reason = models.CharField(max_length=40)  # a stable word: dmarc, list, …
    words = models.CharField(max_length=500)  # the reason as a sentence
    reply = models.CharField(max_length=500)  # what the client was told
    client = models.CharField(max_length=45)  # its address
    helo = models.CharField(max_length=255)
    sender = models.CharField(max_length=320)  # reverse-path
    author = models.CharField(max_length=320)  # From, "" if there was no message yet
    subject = models.CharField(max_length=300)
    header = models.TextField()  # the beginning of it, as text
    size = models.PositiveIntegerField(default=0)  # octets of the message, 0 without one

    class Meta:
        indexes = [models.Index(fields=["at"], name="refused_age")]

    def __str__(self) -> str:
        return f"{self.reason}: <{self.sender}>"


class RefusedFor(models.Model):
    """A user for whom it was refused. `others`: as many more were refused for the user in the
    same minute, and are not kept."""

    id = models.BigAutoField(primary_key=True)
    refused = models.ForeignKey(
        Refused, on_delete=models.CASCADE, db_constraint=False, related_name="users"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    address = models.CharField(max_length=320)  # that it was sent to
    at = models.BigIntegerField()  # Unix seconds, as in Refused
    others = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["user", "id"], name="refused_for_newest")]

    def __str__(self) -> str:
        return f"{self.address}: {self.refused_id}"
