"""What server, domains and users want of the filter: lists of senders, thresholds, points.

A row with neither domain nor user is the server's. docs/spam.md tells which row decides.
"""

from typing import Final

from django.conf import settings
from django.db import models

NEVER: Final = 1e9
"""In the place of a threshold: nothing reaches it."""


class Verb(models.TextChoices):
    """What a list does with a sender."""

    ALLOW = "allow"
    BLOCK = "block"


class EntryKind(models.TextChoices):
    """What an entry names."""

    ADDRESS = "address"
    DOMAIN = "domain"  # and all below it
    NETWORK = "network"  # that brings the message


class ListEntry(models.Model):
    """A sender that is allowed or blocked. A scope has one entry for one value: the last word."""

    key = models.BigIntegerField(primary_key=True)  # of scope and value: `entries.key_of_entry`
    domain = models.ForeignKey(
        "directory.Domain", on_delete=models.CASCADE, null=True, related_name="+"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )
    verb = models.CharField(max_length=5, choices=Verb.choices)
    kind = models.CharField(max_length=7, choices=EntryKind.choices)
    value = models.CharField(max_length=320)  # Address.key, A-label, network
    # Of a network its prefix length, 200 more for IPv6: few numbers are in use, and tell which
    # networks around an address are worth looking for. 0 for the other kinds.
    bits = models.PositiveSmallIntegerField(default=0)
    note = models.CharField(max_length=200, default="", blank=True)
    created_at = models.BigIntegerField()  # Unix seconds

    class Meta:
        indexes = [models.Index(fields=["bits"], name="listentry_bits")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(domain__isnull=True) | models.Q(user__isnull=True),
                name="listentry_one_scope",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.value}"


class Threshold(models.Model):
    """From how many points on what is done. None: as the next wider scope has it."""

    scope = models.CharField(max_length=30, primary_key=True)  # `scopes.Scope.text`
    domain = models.OneToOneField(
        "directory.Domain", on_delete=models.CASCADE, null=True, related_name="+"
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )
    junk = models.FloatField(null=True)
    refuse = models.FloatField(null=True)
    hold = models.FloatField(null=True)  # of mail that is sent from here
    is_off = models.BooleanField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(domain__isnull=True) | models.Q(user__isnull=True),
                name="threshold_one_scope",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope}: {self.junk}, {self.refuse}"


class RulePoints(models.Model):
    """What a rule counts here instead of what it usually does."""

    # A rule of `catalogue.RULES`, or one that such a row stands for: RSPAMD_SOMETHING.
    rule = models.CharField(max_length=80, primary_key=True)
    points = models.FloatField()
    is_most = models.BooleanField(default=False)  # its points vary: this is the most they come to

    def __str__(self) -> str:
        return f"{self.rule}: {self.points}"
