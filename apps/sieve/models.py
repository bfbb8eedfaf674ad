"""What a user wants done with mail that arrives: today, that whoever writes is told of an absence.

`docs/decisions/0057-vacation-before-sieve.md` says why this is here before the language is.
"""

from django.conf import settings
from django.db import models


class Audience(models.TextChoices):
    """Who is answered."""

    EVERYONE = "everyone"
    CONTACTS = "contacts"  # only people in the user's contacts
    SPLIT = "split"  # everyone, with another text outside of the organisation


class Vacation(models.Model):
    """How a user answers while away. Without a row nobody is answered.

    The dates are a window in which the answers run by themselves; `is_on` is the user's switch.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="vacation",
    )
    is_on = models.BooleanField(default=False)
    starts_at = models.BigIntegerField(default=0)  # Unix seconds; 0: at once
    ends_at = models.BigIntegerField(default=0)  # Unix seconds; 0: until it is turned off
    subject = models.CharField(max_length=200, blank=True, default="")  # may hold {subject}
    text = models.TextField(blank=True, default="")
    audience = models.CharField(max_length=10, choices=Audience.choices, default=Audience.EVERYONE)
    outside_text = models.TextField(blank=True, default="")  # "": nobody outside is answered
    days = models.PositiveSmallIntegerField(default=7)  # one answer per sender in so many
    # Rises when the words change: who knows the old ones is told the new ones (RFC 5230 4.2).
    edition = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at=0) | models.Q(ends_at__gt=models.F("starts_at")),
                name="vacation_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"vacation of {self.user_id}"


class VacationSent(models.Model):
    """Whom a user has told: the memory that keeps two of these from talking for ever."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        db_constraint=False,  # a user who goes at this moment must not fail the rows of others
        db_index=False,
        related_name="+",
    )
    sender = models.CharField(max_length=320)  # Address.key
    edition = models.PositiveIntegerField()
    at = models.BigIntegerField()  # Unix seconds
    until = models.BigIntegerField()  # Unix seconds: nothing more is said before

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "sender"], name="vacation_sent_once"),
        ]
        indexes = [
            models.Index(fields=["user", "at"], name="vacation_sent_lately"),
            models.Index(fields=["until"], name="vacation_sent_over"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} told {self.sender}"
