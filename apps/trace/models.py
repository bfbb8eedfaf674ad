"""TraceEvent: the flight recorder. One row for each thing that happened to a message, in order.

`Passage` and `Party` are an index of the events, made of them in the background: they can be thrown
away and made again. Nothing on the way of mail waits for them.
"""

from django.db import models


class TraceEvent(models.Model):
    """`kind` is a dotted word (`smtp.received`, `local.delivered`); `data` is JSON."""

    id = models.BigAutoField(primary_key=True)
    trace_id = models.UUIDField()
    at = models.BigIntegerField()  # Unix microseconds
    kind = models.CharField(max_length=40)
    data = models.TextField(default="{}")

    class Meta:
        indexes = [
            models.Index(fields=["trace_id", "id"], name="trace_message"),
            models.Index(fields=["at"], name="trace_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.trace_id}"


class Sent(models.Model):
    """A message that one of our users sent: ties bounces, and the copy in Sent, to its trace.

    `message_id` is the Message-ID as kept in `mailstore.Message`, `envelope_id` the ENVID that the
    sender gave (RFC 3461); `user_id` names a user of the directory, which is a floor above.
    """

    trace_id = models.UUIDField(primary_key=True)
    user_id = models.BigIntegerField()
    message_id = models.CharField(max_length=500)
    envelope_id = models.CharField(max_length=100, default="")
    at = models.BigIntegerField()  # Unix microseconds

    class Meta:
        indexes = [
            models.Index(fields=["message_id", "user_id"], name="sent_message"),
            # Ids of traces sort by time: what somebody sent last stands at the end.
            models.Index(fields=["user_id", "trace_id"], name="sent_user"),
            models.Index(
                fields=["envelope_id", "user_id"],
                name="sent_envelope",
                condition=~models.Q(envelope_id=""),
            ),
            models.Index(fields=["at"], name="sent_age"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.trace_id}"


class Outcome(models.TextChoices):
    """What became of a message as a whole; of several recipients, the one that needs most looking
    at."""

    WAITING = "waiting"  # accepted, and not tried yet
    DEFERRED = "deferred"  # tried, and to be tried again
    HELD = "held"  # an administrator must look
    QUARANTINED = "quarantined"
    DELIVERED = "delivered"  # in a mailbox here, or accepted by another server
    JUNK = "junk"  # in a mailbox here, in Junk
    PUT_OFF = "put off"  # not taken for now: greylisted, too busy
    REFUSED = "refused"
    BOUNCED = "bounced"  # accepted, then failed for good
    CANCELLED = "cancelled"  # by its sender, before it left
    DELETED = "deleted"  # by an administrator, or from quarantine


class Direction(models.TextChoices):
    """Which way a message goes, seen from here."""

    INCOMING = "incoming"  # from another server to users of ours
    OUTGOING = "outgoing"  # from a user of ours to elsewhere, perhaps to users of ours as well
    INTERNAL = "internal"  # from a user of ours, or from ourselves, to users of ours alone


class Passage(models.Model):
    """One message on its way: what its events come to. Texts are as people read them, cut to their
    columns; strangers chose most of them."""

    trace_id = models.UUIDField(primary_key=True)
    at = models.BigIntegerField()  # of the first event, Unix microseconds
    last_at = models.BigIntegerField()  # of the last
    direction = models.CharField(max_length=8, choices=Direction.choices)
    door = models.CharField(max_length=12)
    sender = models.CharField(max_length=320)  # reverse-path
    recipient = models.CharField(max_length=320, default="")  # the first of `recipients`
    recipients = models.PositiveIntegerField(default=0)  # how many addresses were written
    subject = models.CharField(max_length=300, default="")
    message_id = models.CharField(max_length=500, default="")  # with its brackets
    address = models.CharField(max_length=45, default="")  # of the client
    peer = models.CharField(max_length=255, default="")  # the client's name, or the last server's
    size = models.BigIntegerField(default=0)  # octets
    points = models.FloatField(null=True)  # of the filter
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    cause = models.CharField(max_length=300, default="")  # in one sentence
    # Microseconds from the first event until the last recipient was settled; null before that.
    took = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["at", "trace_id"], name="passage_time"),
            models.Index(fields=["outcome", "at"], name="passage_outcome"),
            models.Index(fields=["address", "at"], name="passage_client"),
            models.Index(fields=["message_id", "at"], name="passage_message"),
        ]

    def __str__(self) -> str:
        return f"{self.sender} {self.outcome}"


class Subject(models.Model):
    """The words of a passage's subject, as `apps.trace.words` folds them. On SQLite a table of
    FTS5, on Postgres one with a GIN index (migration 0004): only the statements of `services` and
    `queries` touch it. Rows are numbered by time, so that the newest are found first."""

    rowid = models.BigIntegerField(primary_key=True)  # `words.place`
    words = models.TextField()
    trace_id = models.UUIDField()

    def __str__(self) -> str:
        return str(self.rowid)


class Role(models.TextChoices):
    """What an address has to do with a message."""

    SENDER = "sender"
    WRITTEN = "written"  # as the envelope named it
    FINAL = "final"  # what an alias or a group led to


class Party(models.Model):
    """An address that took part in a passage. Whose it was is looked up once, when it is indexed:
    who gets the address later sees nothing of what went before."""

    id = models.BigAutoField(primary_key=True)
    trace_id = models.UUIDField()
    at = models.BigIntegerField()  # Passage.at
    role = models.CharField(max_length=7, choices=Role.choices)
    address = models.CharField(max_length=320)  # small letters, as `Address.key` compares it
    domain = models.CharField(max_length=255)
    # Ids of the directory, which is a floor above; null for what is elsewhere.
    user_id = models.BigIntegerField(null=True)
    domain_id = models.BigIntegerField(null=True)
    # What became of this recipient alone; of a message that names none, its sender has it. Null for
    # who only sent it, and for an alias, whose members have theirs. These three may be null because
    # SQLite adds no other column without copying the table.
    outcome = models.CharField(max_length=12, choices=Outcome.choices, null=True)  # noqa: DJ001
    took = models.BigIntegerField(null=True)  # microseconds until that was settled
    # The domain in whose figures it counts: its own; else the one whose address led there; else the
    # sender's. Null where none of them is here.
    counted_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trace_id", "role", "address"], name="party_once")
        ]
        indexes = [
            models.Index(fields=["address", "at"], name="party_address"),
            models.Index(fields=["domain", "at"], name="party_domain"),
            models.Index(
                fields=["user_id", "at"],
                name="party_user",
                condition=models.Q(user_id__isnull=False),
            ),
            models.Index(
                fields=["domain_id", "at"],
                name="party_home",
                condition=models.Q(domain_id__isnull=False),
            ),
            models.Index(fields=["at"], name="party_age"),
        ]

    def __str__(self) -> str:
        return f"{self.address} {self.trace_id}"


class Cursor(models.Model):
    """How far the index has read the events; one row."""

    name = models.CharField(max_length=20, primary_key=True)
    event_id = models.BigIntegerField(default=0)  # all up to this one are indexed

    def __str__(self) -> str:
        return f"{self.name} {self.event_id}"


class Figures(models.Model):
    """What is counted; each counts in the span in which its message began, as what has become of
    it by now. Of everything, messages: those that came, and those that users here sent elsewhere,
    `outgoing`. Of a domain, recipients: each at one domain alone (`Party.counted_id`), so that
    domains can be added up."""

    received = models.BigIntegerField(default=0)  # taken: not outgoing; for an address here
    sent = models.BigIntegerField(default=0)  # taken: outgoing; for an address elsewhere
    delivered = models.BigIntegerField(default=0)  # received, and in an inbox or a folder here
    handed = models.BigIntegerField(default=0)  # sent, and accepted by the other servers
    junk = models.BigIntegerField(default=0)
    quarantined = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    put_off = models.BigIntegerField(default=0)
    deferred = models.BigIntegerField(default=0)
    bounced = models.BigIntegerField(default=0)
    viruses = models.BigIntegerField(default=0)
    octets = models.BigIntegerField(default=0)  # of what was taken
    # How long it took to a mailbox here: microseconds in all, and how many messages took no longer
    # than each of `flow.BOUNDS` and longer than the one before; the last one took longer than all.
    took = models.BigIntegerField(default=0)
    took_0 = models.BigIntegerField(default=0)
    took_1 = models.BigIntegerField(default=0)
    took_2 = models.BigIntegerField(default=0)
    took_3 = models.BigIntegerField(default=0)
    took_4 = models.BigIntegerField(default=0)
    took_5 = models.BigIntegerField(default=0)
    took_6 = models.BigIntegerField(default=0)
    took_7 = models.BigIntegerField(default=0)
    took_8 = models.BigIntegerField(default=0)
    took_9 = models.BigIntegerField(default=0)
    took_10 = models.BigIntegerField(default=0)
    took_11 = models.BigIntegerField(default=0)
    took_12 = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class Flow(Figures):
    """A minute, an hour, a quarter of a day or a day of mail flow, of a domain or of everything.
    Made of the passages, and made again whenever one of its messages has changed."""

    id = models.BigAutoField(primary_key=True)
    span = models.PositiveIntegerField()  # seconds
    domain_id = models.BigIntegerField()  # of the directory, a floor above; 0 is everything
    at = models.BigIntegerField()  # when it begins, Unix microseconds

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["span", "domain_id", "at"], name="flow_once")
        ]
        indexes = [models.Index(fields=["span", "at"], name="flow_age")]

    def __str__(self) -> str:
        return f"{self.domain_id} {self.at} +{self.span} s"


class FlowTotal(Figures):
    """All that was ever counted, and how far that goes; one row. It only rises: what a message
    leaves to become something else is not taken off."""

    name = models.CharField(max_length=20, primary_key=True)
    event_id = models.BigIntegerField(default=0)  # all up to this one are counted
    highest = models.BigIntegerField(default=0)  # the same, of the totals: an index may be remade
    until = models.BigIntegerField(default=0)  # what was recorded before is counted, microseconds

    def __str__(self) -> str:
        return f"{self.name} {self.event_id}"
