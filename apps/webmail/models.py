"""How a person wants the webmail to look, what only the webmail knows of their mail, and what they
are writing."""

from django.db import models
from django.db.models.functions import Lower

from apps.runtime.ulid import new_ulid


class Layout(models.TextChoices):
    """Where the message stands that is read."""

    BESIDE = "beside"
    BELOW = "below"
    FULL = "full"


class Density(models.TextChoices):
    """How much room a row of the list takes."""

    COMFORTABLE = "comfortable"
    COMPACT = "compact"


class Theme(models.TextChoices):
    """Light or dark; `SYSTEM` is what the browser's system says."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Preferences(models.Model):
    """One row for who changed anything; without one all is as the defaults here say."""

    user = models.OneToOneField(
        "directory.User", on_delete=models.CASCADE, primary_key=True, related_name="preferences"
    )
    layout = models.CharField(max_length=8, choices=Layout.choices, default=Layout.BESIDE)
    density = models.CharField(max_length=12, choices=Density.choices, default=Density.COMFORTABLE)
    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.SYSTEM)
    language = models.CharField(max_length=12, blank=True, default="")  # "": the browser's
    time_zone = models.CharField(max_length=64, blank=True, default="")  # "": the server's
    has_conversations = models.BooleanField(default=True)  # False: each message is a row
    has_shortcuts = models.BooleanField(default=True)  # single keys (WCAG 2.1.4)
    marks_read = models.BooleanField(default=True)  # by opening a message
    undo_seconds = models.PositiveSmallIntegerField(default=10)  # between Send and sending; 0: none
    writes_plain = models.BooleanField(default=False)  # new letters begin as plain text

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"


class Label(models.Model):
    """A label of a person: an IMAP keyword that has a colour, and is there before any message has
    it. Which messages have it is the mailstore's (`Keyword`)."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey("directory.User", on_delete=models.CASCADE, related_name="labels")
    keyword = models.CharField(max_length=100)  # an IMAP atom; compared without case
    name = models.CharField(max_length=100)  # as people read it
    hue = models.PositiveSmallIntegerField(default=1)  # 1 to 8, the hues of tokens.css

    class Meta:
        constraints = [
            models.UniqueConstraint(models.F("user"), Lower("keyword"), name="label_once"),
        ]

    def __str__(self) -> str:
        return self.name


class FolderLook(models.Model):
    """The colour that a person gave a folder, their own or a shared one; 0 for one that they
    have put out of sight."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey("directory.User", on_delete=models.CASCADE, related_name="+")
    mailbox = models.ForeignKey("mailstore.Mailbox", on_delete=models.CASCADE, related_name="+")
    hue = models.PositiveSmallIntegerField()  # 1 to 8, or labels.HIDDEN

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "mailbox"], name="folder_look_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.mailbox_id} is {self.hue}"


class TrustedSender(models.Model):
    """An address whose pictures from outside are loaded without asking, where it is proved that
    the mail is from there."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey("directory.User", on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=320)  # the address, folded
    at = models.BigIntegerField()  # Unix seconds

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="trusted_sender_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} trusts {self.key}"


class Identity(models.Model):
    """A name and a signature with which a person writes as one of the addresses that they may
    write as. Without a row an address has the person's name and no signature; the right to an
    address is the directory's, and is asked each time."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey("directory.User", on_delete=models.CASCADE, related_name="identities")
    key = models.CharField(max_length=320)  # Address.key
    address = models.CharField(max_length=320)  # as it is written
    name = models.CharField(max_length=200, blank=True, default="")
    reply_to = models.CharField(max_length=320, blank=True, default="")
    signature_html = models.TextField(blank=True, default="")  # cleaned
    signature_text = models.TextField(blank=True, default="")
    is_above_quote = models.BooleanField(default=True)  # where the signature stands in a reply
    attaches_card = models.BooleanField(default=False)
    is_default = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="identity_once"),
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(is_default=True), name="identity_one_default"
            ),
        ]

    def __str__(self) -> str:
        return self.address


class DraftKind(models.TextChoices):
    """What a letter is to the message that it was begun from."""

    NEW = "new"
    REPLY = "reply"
    REPLY_ALL = "reply_all"
    FORWARD = "forward"  # its text within ours
    FORWARD_ATTACHED = "forward_attached"  # as a part of type message/rfc822
    AGAIN = "again"  # one that came back, to be sent once more


class DraftState(models.TextChoices):
    """Where a letter stands. `SENT` is what the queue has, held back or gone."""

    OPEN = "open"
    SENT = "sent"
    SCHEDULED = "scheduled"
    DISCARDED = "discarded"


class Draft(models.Model):
    """A letter that is being written, or was sent from here. Its message in Drafts (later in
    Scheduled or Sent) is what IMAP clients see; this row is what the composer opens again, and what
    decides of two sendings which is the one."""

    id = models.UUIDField(primary_key=True, default=new_ulid, editable=False)
    user = models.ForeignKey("directory.User", on_delete=models.CASCADE, related_name="drafts")
    state = models.CharField(max_length=10, choices=DraftState.choices, default=DraftState.OPEN)
    revision = models.PositiveIntegerField(default=0)  # rises with each save
    kind = models.CharField(max_length=16, choices=DraftKind.choices, default=DraftKind.NEW)
    # The message that it was begun from, as long as that is there.
    source_mailbox = models.ForeignKey(
        "mailstore.Mailbox", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    source_uid = models.BigIntegerField(null=True)
    # Where its own message lies now.
    mailbox = models.ForeignKey(
        "mailstore.Mailbox", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    uid = models.BigIntegerField(null=True)
    fields = models.TextField(default="{}")  # JSON: see services.drafts.Fields
    message_id = models.CharField(max_length=998, default="")
    in_reply_to = models.CharField(max_length=998, blank=True, default="")
    references = models.TextField(blank=True, default="")
    # Its encoded files and the end of the message, as made at the last change of them.
    tail = models.ForeignKey("blobs.Blob", on_delete=models.PROTECT, null=True, db_constraint=False)
    tail_made_of = models.CharField(max_length=64, default="")  # SHA-256: which files, and how
    queue_id = models.UUIDField(null=True)
    hold_until = models.BigIntegerField(default=0)  # Unix microseconds: it leaves then
    marks_source = models.BooleanField(default=False)  # by sending it that became answered
    created_at = models.BigIntegerField()  # Unix seconds, as the others
    saved_at = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["user", "state", "saved_at"], name="draft_user"),
            models.Index(fields=["mailbox", "uid"], name="draft_message"),
            models.Index(
                fields=["hold_until"],
                condition=models.Q(state=DraftState.SCHEDULED),
                name="draft_scheduled",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} of {self.user_id}"


class DraftFile(models.Model):
    """A file of a letter: attached, or shown within its text (`cid`)."""

    id = models.UUIDField(primary_key=True, default=new_ulid, editable=False)
    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=255)  # a last component; no path, no control character
    media_type = models.CharField(max_length=127)  # type/subtype, lower case
    size = models.BigIntegerField()  # octets that are to come
    received = models.BigIntegerField(default=0)  # octets that are here, without a gap
    cid = models.CharField(max_length=200, blank=True, default="")  # "": attached
    carried = models.IntegerField(null=True)  # the part of the source that it was; -1: all of it
    created_at = models.BigIntegerField()  # Unix seconds

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["draft", "carried"], name="draft_file_carried_once"),
        ]

    def __str__(self) -> str:
        return self.name


class DraftChunk(models.Model):
    """A piece of a file, as it came; all of them in their order are the file."""

    id = models.BigAutoField(primary_key=True)
    file = models.ForeignKey(DraftFile, on_delete=models.CASCADE, related_name="chunks")
    offset = models.BigIntegerField()  # octets before it
    blob = models.ForeignKey("blobs.Blob", on_delete=models.PROTECT, db_constraint=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["file", "offset"], name="draft_chunk_once"),
        ]

    def __str__(self) -> str:
        return f"{self.file_id} from {self.offset}"


class Snooze(models.Model):
    """A message that comes back to where it was when its time has come."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey("directory.User", on_delete=models.CASCADE, related_name="+")
    mailbox = models.ForeignKey(  # Snoozed, and the UID there
        "mailstore.Mailbox", on_delete=models.CASCADE, related_name="+"
    )
    uid = models.BigIntegerField()
    back_to = models.ForeignKey(  # NULL: it has gone; the inbox then
        "mailstore.Mailbox", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    until = models.BigIntegerField(db_index=True)  # Unix seconds

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mailbox", "uid"], name="snooze_once"),
        ]

    def __str__(self) -> str:
        return f"{self.mailbox_id}.{self.uid} until {self.until}"
