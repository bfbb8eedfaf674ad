"""Mail in flight. The row is the queue: what a door acknowledged is here until it is settled.

`QueuedMessage.id` is the receive id, made per MAIL transaction: a retry after an unknown commit
outcome inserts nothing twice. Leases use the database's clock and carry a token that is checked
again before settling. Settled rows stay for an hour (for that same retry), then `services.prune`
removes them.
"""

from django.db import models

from apps.runtime.ulid import new_ulid


class Lane(models.IntegerChoices):
    """Who processes a message: what takes long must not hold up what does not."""

    FAST = 0
    HEAVY = 1


class MessageState(models.TextChoices):
    """Where a message stands.

    What is offered is processed like what is accepted. It alone may still be refused, as long as
    its door waits (`services.offers`).
    """

    OFFERED = "offered"  # durable, but its door waits for a verdict before it says so
    ACCEPTED = "accepted"  # to be processed: scan, route, local delivery
    ROUTED = "routed"  # processed; some recipients still wait for remote delivery
    REFUSED = "refused"
    HELD = "held"  # an administrator must look (crashes, or by command)
    DONE = "done"
    CANCELLED = "cancelled"  # by its sender, before anything of it had left


class QueuedMessage(models.Model):
    """One received or submitted message with its envelope."""

    id = models.UUIDField(primary_key=True, default=new_ulid, editable=False)
    blob = models.ForeignKey(
        "blobs.Blob", on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    trace_id = models.UUIDField(db_index=True)
    prefix = models.BinaryField(default=b"")  # our Received and other trace fields, CRLF lines
    cuts = models.TextField(default="[]")  # JSON [[start, end], …]: byte ranges of the blob to hide
    size = models.BigIntegerField()  # prefix + blob - cuts
    sender = models.CharField(max_length=320)  # reverse-path; "" is the null path
    smtputf8 = models.BooleanField(default=False)
    body = models.CharField(max_length=12, default="")  # "", 7BIT, 8BITMIME (RFC 6152)
    dsn_ret = models.CharField(max_length=4, default="")  # FULL, HDRS (RFC 3461)
    dsn_envid = models.CharField(max_length=100, default="")
    requires_tls = models.BooleanField(default=False)  # RFC 8689
    # DKIM-Signature fields or an ARC set, CRLF lines: before `prefix` on copies that leave us.
    signatures = models.BinaryField(default=b"")
    door = models.CharField(max_length=12)  # mx, submission, lmtp, web, api
    user = models.ForeignKey(
        "directory.User", on_delete=models.SET_NULL, null=True, db_constraint=False, db_index=False
    )  # who submitted it
    # Where its submitter was at home then: so it is found, and so whose administrators see it.
    # Rows end with it by themselves.
    domain = models.ForeignKey(
        "directory.Domain",
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
    )
    client = models.TextField(default="{}")  # JSON: address, helo, tls, connection id
    # Data of the trace's event of its coming, JSON; whoever claims it first records that, or who
    # does anything else with it before (services/owing.py). "" if that is done.
    owed = models.TextField(default="", db_default="")
    state = models.CharField(max_length=9, choices=MessageState.choices)
    judgement = models.TextField(default="")  # JSON: what its door found out about the sender
    verdict = models.TextField(default="")  # JSON of what its door owes its client: it is refused
    lane = models.PositiveSmallIntegerField(choices=Lane.choices, default=Lane.FAST)
    is_cleared = models.BooleanField(default=False)  # not to be scanned: our own, or let go
    # Unix microseconds, database's clock: until then its door may be waiting. It may have died.
    offered_until = models.BigIntegerField(default=0)
    received_at = models.BigIntegerField()  # Unix microseconds
    hold_until = models.BigIntegerField(default=0)  # Unix microseconds: undo send, scheduled send
    settled_at = models.BigIntegerField(null=True)
    lease_until = models.BigIntegerField(default=0)  # Unix microseconds, database's clock
    lease_token = models.UUIDField(null=True)
    claims = models.PositiveSmallIntegerField(default=0)
    crashes = models.PositiveSmallIntegerField(default=0)  # leases that lapsed while claimed alone
    last_error = models.CharField(max_length=500, default="")

    class Meta:
        indexes = [
            # hold_until in it: mail that its sender holds back is not looked at before its time.
            models.Index(
                fields=["lane", "lease_until", "hold_until", "received_at"],
                name="queue_due",
                condition=models.Q(state__in=["accepted", "offered"]),
            ),
            models.Index(
                fields=["settled_at"],
                name="queue_settled",
                condition=models.Q(state__in=["done", "refused", "cancelled"]),
            ),
            # For people: what is in the queue, oldest first; of a backlog what is held; and what
            # users of one domain have sent. What is filed at once leaves them as soon as it came.
            models.Index(
                fields=["id"],
                name="queue_unfinished",
                condition=models.Q(state__in=["offered", "accepted", "routed", "held"]),
            ),
            models.Index(fields=["id"], name="queue_held", condition=models.Q(state="held")),
            # The state stands in it to be counted.
            models.Index(
                fields=["domain", "id", "state"],
                name="queue_sent",
                condition=models.Q(
                    state__in=["offered", "accepted", "routed", "held"], domain__isnull=False
                ),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class RecipientState(models.TextChoices):
    """Where one recipient stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    QUARANTINED = "quarantined"
    WAITING = "waiting"  # remote: not yet, or to be tried again
    FAILED = "failed"
    HELD = "held"
    DELETED = "deleted"
    CANCELLED = "cancelled"
    REFUSED = "refused"  # with its message, at the dot


class QueuedRecipient(models.Model):
    """One final recipient. Aliases are expanded before the row is made;

    `original` is what RCPT said.
    """

    id = models.BigAutoField(primary_key=True)
    message = models.ForeignKey(
        QueuedMessage, on_delete=models.CASCADE, db_constraint=False, related_name="recipients"
    )
    address = models.CharField(max_length=320)
    original = models.CharField(max_length=320)
    orcpt = models.CharField(max_length=500, default="")  # RFC 3461
    notify = models.CharField(max_length=40, default="")  # RFC 3461: NEVER or SUCCESS,FAILURE,DELAY
    user = models.ForeignKey(
        "directory.User", on_delete=models.SET_NULL, null=True, db_constraint=False, db_index=False
    )  # set for local recipients
    reserved = models.BigIntegerField(default=0)  # bytes of quota held for it
    route = models.CharField(max_length=8, default="")  # local, remote
    state = models.CharField(max_length=12, choices=RecipientState.choices)
    attempts = models.PositiveIntegerField(default=0)
    # Unix microseconds. 0: new, before all that was tried already. While leased: the lease's end,
    # so that no look at what is due passes over what is under way.
    next_attempt_at = models.BigIntegerField(default=0)
    lease_until = models.BigIntegerField(default=0)
    lease_token = models.UUIDField(null=True)
    claims = models.PositiveSmallIntegerField(default=0)
    last_reply = models.CharField(max_length=500, default="")
    # Where a waiting recipient is to be sent: `mx/example.org`, or a `transport/…` of the
    # directory. What is due is claimed by it, so that a dead one delays no other.
    destination = models.CharField(max_length=300, default="")
    crashes = models.PositiveSmallIntegerField(default=0)  # workers that died over it
    is_delay_told = models.BooleanField(default=False)  # the sender knows that it waits

    class Meta:
        indexes = [
            models.Index(
                fields=["next_attempt_at", "destination"],
                name="recipient_due",
                condition=models.Q(state="waiting"),
            ),
            models.Index(
                fields=["destination", "next_attempt_at", "id"],
                name="recipient_destination",
                condition=models.Q(state="waiting"),
            ),
            # Ids of messages sort by time: what waits for too long is at the front.
            models.Index(
                fields=["is_delay_told", "message"],
                name="recipient_age",
                condition=models.Q(state="waiting"),
            ),
            models.Index(
                fields=["lease_until"],
                name="recipient_suspect",
                condition=models.Q(state="waiting", crashes__gte=2),
            ),
            models.Index(
                fields=["destination", "message"],
                name="recipient_held",
                condition=models.Q(state="held"),
            ),
        ]

    def __str__(self) -> str:
        return self.address


class Destination(models.Model):
    """How it goes with one destination; all workers share what each of them learns. The name `*` is
    not one: it stands for all of them, where an administrator pauses all sending."""

    name = models.CharField(max_length=300, primary_key=True)  # QueuedRecipient.destination
    closed_until = models.BigIntegerField(default=0)  # Unix microseconds: nobody tries before
    failures = models.PositiveIntegerField(default=0)  # in a row
    last_ok_at = models.BigIntegerField(default=0)
    last_failed_at = models.BigIntegerField(default=0)
    last_reply = models.CharField(max_length=500, default="")
    # Since then nobody claims its mail; 0: not. `paused_by` says so, by name.
    paused_at = models.BigIntegerField(default=0, db_default=0)
    paused_by = models.CharField(max_length=320, default="", db_default="")

    class Meta:
        indexes = [
            # Every look for what is due asks for the few that are paused.
            models.Index(
                fields=["name"], name="destination_paused", condition=models.Q(paused_at__gt=0)
            )
        ]

    def __str__(self) -> str:
        return self.name


class Aside(models.Model):
    """A message that an administrator has set aside, and how it was: what can be taken back.

    The message is `held` meanwhile, whatever becomes of the workers; what is due to end is ended
    in the transaction that removes this row, and put back in the one that removes it instead.
    """

    message = models.OneToOneField(
        QueuedMessage,
        on_delete=models.CASCADE,
        primary_key=True,
        db_constraint=False,
        related_name="aside",
    )
    act = models.UUIDField(db_index=True)  # one act may be for many messages
    end = models.CharField(max_length=6, default="")  # "" is held, else `Ending`
    due_at = models.BigIntegerField(default=0)  # when it ends, Unix microseconds; 0: never
    by = models.CharField(max_length=320)  # who, by name
    reason = models.CharField(max_length=500, default="")  # of a bounce, for its sender
    state = models.CharField(max_length=9, choices=MessageState.choices)  # before
    error = models.CharField(max_length=500, default="")  # `last_error` before
    waiting = models.TextField(default="[]")  # JSON: ids of the recipients that waited

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="aside_due", condition=models.Q(due_at__gt=0))
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.end}"


class Attempt(models.Model):
    """One try of a remote delivery: where, when, what the other side said."""

    recipient = models.ForeignKey(QueuedRecipient, on_delete=models.CASCADE)
    at = models.BigIntegerField()  # Unix microseconds
    remote = models.CharField(max_length=300)  # host [address]:port
    tls = models.CharField(max_length=120, default="")  # version, cipher, how it was verified
    outcome = models.CharField(max_length=10, default="")  # delivered, deferred, failed
    reply = models.CharField(max_length=500)
    transcript = models.TextField(default="")  # commands and replies, bounded; no message text

    def __str__(self) -> str:
        return f"{self.remote}: {self.reply}"
