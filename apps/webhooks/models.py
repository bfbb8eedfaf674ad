"""Events that are told to programs elsewhere, where they are told, and what came of it."""

from typing import Final
from uuid import UUID

from django.db import models
from django.utils import timezone

from apps.directory.models import Domain, Organization
from apps.runtime.ulid import new_ulid, ulid_text

MAX_URL: Final = 2_000


class Endpoint(models.Model):
    """A webhook: an address of somebody else's server to which events are posted.

    It belongs to an organisation with all its domains, to a domain with its alias domains, or,
    without either, to the installation.
    """

    id = models.BigAutoField(primary_key=True)
    uid = models.UUIDField(unique=True, default=new_ulid)  # the secret is sealed for it
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, null=True, blank=True)
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, null=True, blank=True)
    url = models.CharField(max_length=MAX_URL)
    description = models.CharField(max_length=200, default="", blank=True)
    types = models.TextField(default="[]")  # JSON list; empty: all
    secret = models.BinaryField()  # sealed (apps.runtime.sealing): `signing.Keys` as JSON
    is_enabled = models.BooleanField(default=True)
    stopped = models.CharField(max_length=300, default="", blank=True)  # why mailhost ended it
    created_at = models.DateTimeField(default=timezone.now)
    succeeded_at = models.BigIntegerField(null=True)  # this and the rest: Unix microseconds
    failing_since = models.BigIntegerField(null=True)  # the first failure since then
    failures = models.PositiveIntegerField(default=0)  # in a row; several at once are one
    closed_until = models.BigIntegerField(default=0)  # nothing is sent before
    turn_at = models.BigIntegerField(default=0)  # when it was its turn last

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(organization__isnull=True) | models.Q(domain__isnull=True),
                name="webhook_place_is_one",
            )
        ]

    def __str__(self) -> str:
        return self.url


class Event(models.Model):
    """Something that happened. Rows are added by one writer at a time, so their numbers rise in
    the order in which they can be seen; old ones go."""

    id = models.BigAutoField(primary_key=True)
    uid = models.UUIDField(unique=True, default=new_ulid)  # what programs know it by
    at = models.BigIntegerField()  # when it happened, Unix microseconds
    gathered_at = models.BigIntegerField()
    type = models.CharField(max_length=40)  # of `kinds.KINDS`
    # Ids of the directory; what it tells of may be gone.
    organization_id = models.BigIntegerField(null=True)
    domain_id = models.BigIntegerField(null=True)  # never that of an alias domain
    data = models.TextField()  # JSON
    origin = models.CharField(max_length=80, default="")  # of what could be read twice

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["origin"], name="hookevent_once", condition=~models.Q(origin="")
            )
        ]
        indexes = [
            models.Index(fields=["organization_id", "id"], name="hookevent_organization"),
            models.Index(fields=["domain_id", "id"], name="hookevent_domain"),
            models.Index(fields=["gathered_at"], name="hookevent_age"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.name}"

    @property
    def name(self) -> str:
        """What programs know it by."""
        return name_of(self.uid)


def name_of(uid: UUID) -> str:
    """The id of an event as it is written."""
    return f"evt_{ulid_text(uid)}"


class State(models.TextChoices):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(models.Model):
    """An event on its way to an endpoint."""

    id = models.BigAutoField(primary_key=True)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)  # since it was last asked for
    # The next attempt; this and the rest in Unix microseconds. While somebody sends it, when that
    # has to be over: then it is due again.
    due_at = models.BigIntegerField()
    lease = models.UUIDField(null=True)  # of who sends it
    status = models.PositiveSmallIntegerField(null=True)  # of the last answer
    error = models.CharField(max_length=300, default="")  # of the last attempt, in words
    tried_at = models.BigIntegerField(null=True)
    log = models.TextField(default="[]")  # JSON: the last attempts (`services.deliveries.Attempt`)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event"], name="hookdelivery_once")
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "due_at"],
                name="hookdelivery_due",
                condition=models.Q(state="pending"),
            ),
            models.Index(fields=["endpoint", "id"], name="hookdelivery_log"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.endpoint_id}: {self.state}"


class Interest(models.Model):
    """Somebody reads the events of an organisation, or of everything (0), as a stream or a list."""

    organization_id = models.BigIntegerField(primary_key=True)
    until = models.BigIntegerField()  # Unix microseconds

    def __str__(self) -> str:
        return str(self.organization_id)


class Cursor(models.Model):
    """How far a source of events was read."""

    name = models.CharField(max_length=20, primary_key=True)
    place = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} {self.place}"
