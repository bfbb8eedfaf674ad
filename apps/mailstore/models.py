"""Mail at rest.

What a reader sees of a message is `DeliveryHead` + `Message.prefix` + the blob minus
`Message.cuts`; nothing else ever differs from the bytes that were received.

`MailboxState`, `Usage` and `Entry` are hot: they are written only by the constant SQL in
`services/`, never by `save()`. UIDs and modseqs are taken by one UPDATE … RETURNING inside the
transaction that inserts, so they rise in commit order. Lock order everywhere: Usage by user id,
then MailboxState by mailbox id.
"""

from django.db import models
from django.db.models.functions import Lower
from django.db.models.lookups import Exact, GreaterThan

FLAG_SEEN, FLAG_ANSWERED, FLAG_FLAGGED, FLAG_DELETED, FLAG_DRAFT = 1, 2, 4, 8, 16


class SpecialUse(models.TextChoices):
    """RFC 6154 roles, and the inbox."""

    NONE = ""
    INBOX = "inbox"
    DRAFTS = "drafts"
    SENT = "sent"
    ARCHIVE = "archive"
    JUNK = "junk"
    TRASH = "trash"
    SCHEDULED = "scheduled"  # of our own: mail that leaves later, and mail that comes back later
    SNOOZED = "snoozed"


class Counter(models.Model):
    """Named counters that only rise. `uidvalidity` comes from here, not from a clock."""

    name = models.CharField(max_length=30, primary_key=True)
    value = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


class Mailbox(models.Model):
    """A folder of a user. Names are Unicode with `/` between levels; INBOX is spelt so."""

    user = models.ForeignKey("directory.User", on_delete=models.CASCADE, related_name="mailboxes")
    name = models.CharField(max_length=1000)
    special_use = models.CharField(
        max_length=10, choices=SpecialUse.choices, default=SpecialUse.NONE, blank=True
    )
    uidvalidity = models.BigIntegerField()
    created_at = models.BigIntegerField()  # Unix seconds
    deleted_at = models.BigIntegerField(null=True, blank=True)  # soft-deleted since

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name"],
                name="mailbox_name_once",
                condition=models.Q(deleted_at__isnull=True),
            ),
            models.UniqueConstraint(
                fields=["user", "special_use"],
                name="mailbox_use_once",
                condition=models.Q(deleted_at__isnull=True) & ~models.Q(special_use=""),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Subscription(models.Model):
    """A name that LSUB shows, whether a mailbox has it now or not (RFC 3501 section 6.3.6)."""

    user = models.ForeignKey(
        "directory.User", on_delete=models.CASCADE, related_name="subscriptions"
    )
    name = models.CharField(max_length=1000)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="subscription_once"),
        ]

    def __str__(self) -> str:
        return self.name


class MailboxState(models.Model):
    """Hot counters of a mailbox."""

    mailbox = models.OneToOneField(
        Mailbox, on_delete=models.CASCADE, primary_key=True, related_name="counters"
    )
    uidnext = models.BigIntegerField(default=1)
    highestmodseq = models.BigIntegerField(default=1)
    messages = models.BigIntegerField(default=0)
    unseen = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)  # bytes
    recent_floor = models.BigIntegerField(
        default=1
    )  # UIDs from here on are \Recent to the next SELECT
    expunged_floor = models.BigIntegerField(default=0)  # modseq below which Expunged was purged

    def __str__(self) -> str:
        return str(self.mailbox_id)


class Usage(models.Model):
    """Space of a user: kept bytes and messages, bytes reserved for mail in the queue, and bytes of
    expunged mail and deleted mailboxes that can still be brought back."""

    user = models.OneToOneField(
        "directory.User", on_delete=models.CASCADE, primary_key=True, related_name="usage"
    )
    size = models.BigIntegerField(default=0)
    messages = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)
    expunged = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.size}"


class QuotaNotice(models.Model):
    """How full a mailbox was when its user was told of it last; none for who was told nothing."""

    user = models.OneToOneField(
        "directory.User", on_delete=models.CASCADE, primary_key=True, related_name="quota_notice"
    )
    level = models.PositiveSmallIntegerField()  # percent: 80, 95 or 100
    told_at = models.BigIntegerField()  # Unix seconds

    def __str__(self) -> str:
        return f"{self.user_id}: {self.level} %"


class Message(models.Model):
    """What a message is: derived once, then immutable and shared by all entries that show it."""

    id = models.BigAutoField(primary_key=True)
    blob = models.ForeignKey("blobs.Blob", on_delete=models.PROTECT, db_constraint=False)
    trace_id = models.UUIDField(db_index=True)
    prefix = models.BinaryField(default=b"")
    cuts = models.TextField(default="[]")  # JSON [[start, end], …] within the blob
    size = models.BigIntegerField()  # prefix + blob - cuts, without the delivery head
    header_size = models.BigIntegerField()  # bytes of the header block with its blank line
    header = models.BinaryField()  # that block, without head; empty if longer than HEADER_KEPT
    envelope = models.BinaryField()  # IMAP ENVELOPE, ready to send
    bodystructure = models.BinaryField()  # IMAP BODYSTRUCTURE, ready to send
    parts = (
        models.BinaryField()
    )  # part offsets within the shown bytes without head, see apps.mime.derive
    subject = models.CharField(max_length=1000, default="")
    sender_name = models.CharField(max_length=300, default="")
    sender_address = models.CharField(max_length=320, default="")
    recipients = models.TextField(default="")  # To and Cc, decoded, bounded
    sent_at = models.DateTimeField(null=True)  # Date field in UTC
    sent_date = models.DateField(null=True)  # its local calendar day (RFC 3501 SENTBEFORE …)
    message_id = models.CharField(max_length=998, default="")
    in_reply_to = models.CharField(max_length=998, default="")
    references = models.TextField(default="")
    preview = models.CharField(max_length=300, default="")
    has_attachments = models.BooleanField(default=False)
    created_at = models.BigIntegerField()  # Unix seconds

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], condition=models.Q(has_attachments=True), name="message_attached"
            ),
        ]

    def __str__(self) -> str:
        return self.subject


class LineSize(models.Model):
    """How much longer a message gets when it is sent by lines (POP3); few messages have a row."""

    message = models.OneToOneField(
        Message, on_delete=models.CASCADE, primary_key=True, db_constraint=False
    )
    growth = models.BigIntegerField()  # octets more when every line ends with CRLF
    ascii_growth = models.BigIntegerField()  # the same, UTF-8 in header fields made ASCII too

    def __str__(self) -> str:
        return f"lines of message {self.message_id}"


class DeliveryHead(models.Model):
    """Fields of one delivery (Return-Path, Delivered-To), shown before the message."""

    id = models.BigAutoField(primary_key=True)
    raw = models.BinaryField()

    def __str__(self) -> str:
        return f"head {self.pk}"


class ThreadReference(models.Model):
    """A Message-ID that a conversation of a user knows, by its digest."""

    pk = models.CompositePrimaryKey("user_id", "digest")
    user = models.ForeignKey(
        "directory.User", on_delete=models.CASCADE, db_constraint=False, db_index=False
    )
    digest = models.BigIntegerField()  # see services.threads
    thread_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.user_id}: {self.digest}"


class Entry(models.Model):
    """A message in a mailbox: the narrow hot row. Nothing points at it by foreign key."""

    pk = models.CompositePrimaryKey("mailbox_id", "uid")
    mailbox = models.ForeignKey(
        Mailbox, on_delete=models.CASCADE, db_constraint=False, db_index=False
    )
    uid = models.BigIntegerField()
    message = models.ForeignKey(Message, on_delete=models.PROTECT, db_constraint=False)
    head = models.ForeignKey(
        DeliveryHead, on_delete=models.PROTECT, null=True, db_constraint=False, db_index=False
    )
    flags = models.SmallIntegerField(default=0)
    keywords = models.BigIntegerField(default=0)  # bits named by Keyword
    modseq = models.BigIntegerField()
    internaldate = models.BigIntegerField()  # Unix seconds
    internaldate_offset = models.SmallIntegerField(default=0)  # minutes east of UTC
    saved_at = models.BigIntegerField()  # Unix seconds (RFC 8514)
    size = models.BigIntegerField()  # all that is shown, head included
    # The conversation, named by the id of the first message that was filed of it; NULL for what was
    # filed before there were any and has not been asked for yet.
    thread_id = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["mailbox", "modseq"], name="entry_modseq"),
            models.Index(fields=["mailbox", "internaldate", "uid"], name="entry_date"),
            # A conversation in a mailbox, and whether a message is its newest there.
            models.Index(
                fields=["mailbox", "thread_id", "internaldate", "uid"],
                name="entry_conversation",
                condition=models.Q(thread_id__isnull=False),
            ),
            models.Index(
                fields=["mailbox", "uid"],
                name="entry_unthreaded",
                condition=models.Q(thread_id__isnull=True),
            ),
            # What lists of unread, starred and labelled mail walk over: few of very many.
            models.Index(
                fields=["mailbox", "internaldate", "uid"],
                name="entry_unseen",
                condition=models.Q(Exact(models.F("flags").bitand(FLAG_SEEN), 0)),
            ),
            models.Index(
                fields=["mailbox", "internaldate", "uid"],
                name="entry_starred",
                condition=models.Q(GreaterThan(models.F("flags").bitand(FLAG_FLAGGED), 0)),
            ),
            models.Index(
                fields=["mailbox", "internaldate", "uid", "keywords"],
                name="entry_labelled",
                condition=~models.Q(keywords=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mailbox_id}/{self.uid}"


class MailboxRight(models.Model):
    """What others may do in a mailbox (RFC 4314). One row for each who was given something."""

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="granted")
    user = models.ForeignKey(  # NULL: anyone of the owner's organisation
        "directory.User", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    rights = models.CharField(max_length=20)  # letters of lrswipkxtea, in this order, each once

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["mailbox", "user"],
                name="mailbox_right_once",
                condition=models.Q(user__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["mailbox"],
                name="mailbox_right_of_anyone_once",
                condition=models.Q(user__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mailbox_id}: {self.user_id or 'anyone'} {self.rights}"


class Annotation(models.Model):
    """A note on a mailbox, or on the account (RFC 5464)."""

    user = models.ForeignKey(  # /private: whose it is; /shared: the owner of what it is on
        "directory.User", on_delete=models.CASCADE, related_name="+"
    )
    mailbox = models.ForeignKey(  # NULL: on the account
        Mailbox, on_delete=models.CASCADE, null=True, blank=True, related_name="annotations"
    )
    entry = models.CharField(max_length=255)  # lower-case, with /private or /shared before it
    value = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["mailbox", "user", "entry"],
                name="annotation_once",
                condition=models.Q(mailbox__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["user", "entry"],
                name="annotation_of_account_once",
                condition=models.Q(mailbox__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mailbox_id or 'account'} {self.entry}"


class Keyword(models.Model):
    """Names the bits of Entry.keywords in one mailbox (0 to 62)."""

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE)
    bit = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)  # as first written; compared without case

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mailbox", "bit"], name="keyword_bit_once"),
            models.UniqueConstraint(models.F("mailbox"), Lower("name"), name="keyword_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Judged(models.TextChoices):
    """What a user says of a message by what is done with it."""

    SPAM = "spam"  # put into Junk, or marked so
    HAM = "ham"  # taken out of Junk, or marked so
    KEPT = "kept"  # answered, or filed from the inbox: hardly spam, but nobody was asked
    UNSPAM = "unspam"  # the mark was taken off again, and nothing said instead
    UNHAM = "unham"


class JunkMark(models.Model):
    """What a user said of a message and the spam filter has yet to learn: an outbox, whose rows
    live for seconds. The blob is named, not the message: a copy in quarantine has no message."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        "directory.User", on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )
    blob_id = models.UUIDField(db_index=True)
    judged = models.CharField(max_length=8, choices=Judged.choices)
    at = models.BigIntegerField()  # Unix seconds
    tries = models.SmallIntegerField(default=0)  # to learn it that began
    lease_until = models.BigIntegerField(default=0)  # Unix seconds; until then somebody does

    def __str__(self) -> str:
        return f"{self.user_id}: {self.blob_id} is {self.judged}"


class Unindexed(models.Model):
    """What the search index has to look at again: an outbox, whose rows live for seconds.

    Written in the transaction that gives a user a message, or takes the last trace of it away; the
    index finds out itself which of the two it was. Rows are taken off by id, so a pair may wait
    several times.
    """

    id = models.BigAutoField(primary_key=True)
    user_id = models.BigIntegerField(db_index=True)  # the owner of the mailbox, not who filed it
    message_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.user_id}: {self.message_id}"


class Fate(models.IntegerChoices):
    """What became of a message that left a mailbox."""

    EXPUNGED = 0
    MOVED = 1  # it lives on where it went
    RESTORED = 2  # it lives on under the UID that it was given when it was brought back
    REPLACED = 3  # expunged with its successor in place (RFC 8508)


class Expunged(models.Model):
    """A message that left a mailbox: answers QRESYNC and undelete until it is purged."""

    pk = models.CompositePrimaryKey("mailbox_id", "uid")
    mailbox = models.ForeignKey(
        Mailbox, on_delete=models.CASCADE, db_constraint=False, db_index=False
    )
    uid = models.BigIntegerField()
    modseq = models.BigIntegerField()
    at = models.BigIntegerField()  # Unix seconds
    message = models.ForeignKey(Message, on_delete=models.PROTECT, db_constraint=False)
    head = models.ForeignKey(
        DeliveryHead, on_delete=models.PROTECT, null=True, db_constraint=False, db_index=False
    )
    flags = models.SmallIntegerField(default=0)
    keywords = models.BigIntegerField(default=0)
    internaldate = models.BigIntegerField()
    internaldate_offset = models.SmallIntegerField(default=0)
    size = models.BigIntegerField()
    cost = models.BigIntegerField(default=0)  # bytes kept for its sake: few if it lives on
    fate = models.SmallIntegerField(choices=Fate.choices, default=Fate.EXPUNGED)
    thread_id = models.BigIntegerField(null=True)
    saved_at = models.BigIntegerField(null=True)
    user_id = models.BigIntegerField(null=True)  # who

    class Meta:
        indexes = [
            models.Index(fields=["mailbox", "modseq"], name="expunged_modseq"),
            models.Index(fields=["at"], name="expunged_age"),
        ]

    def __str__(self) -> str:
        return f"{self.mailbox_id}/{self.uid}"


class Change(models.Model):
    """Append-only journal: one row per operation, with its UID set."""

    id = models.BigAutoField(primary_key=True)
    at = models.BigIntegerField()  # Unix microseconds
    mailbox_id = models.BigIntegerField()
    user_id = models.BigIntegerField(null=True)  # who did it
    what = models.CharField(max_length=12)  # deliver, append, flags, expunge, copy, move, …
    uids = models.TextField()  # IMAP sequence-set of UIDs
    modseq = models.BigIntegerField()
    before = models.TextField(default="")  # JSON
    after = models.TextField(default="")  # JSON
    door = models.CharField(max_length=12)
    client = models.CharField(max_length=200, default="")
    address = models.CharField(max_length=45, default="")

    class Meta:
        indexes = [
            models.Index(fields=["mailbox_id", "modseq"], name="change_mailbox"),
            models.Index(fields=["at"], name="change_age"),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.uids}"


class SetAside(models.Model):
    """A row that `fsck` took out of the way, as it was: nothing reads it but people."""

    id = models.BigAutoField(primary_key=True)
    at = models.BigIntegerField()  # Unix seconds
    kind = models.CharField(max_length=20)  # of the finding
    place = models.CharField(max_length=1500)  # where it was
    row = models.TextField()  # JSON of its columns; octets as {"hex": …}

    def __str__(self) -> str:
        return f"{self.kind}: {self.place}"
