"""What the console itself keeps: acts on many things at once that can still be taken back."""

import uuid

from django.db import models

from apps.directory.models import User


class BulkAct(models.Model):
    """What an administrator did to many things at once, with how each was before.

    `before` has an entry per thing that was really changed: what `apps.console.undoing` needs to
    do the opposite; a secret only sealed, as in its row. The opposite is done by the same doors
    with the powers of that moment.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")  # who did it
    what = models.CharField(max_length=40)  # "user.state", as in `apps.console.undoing`
    before = models.JSONField()
    run = models.UUIDField(null=True, blank=True)  # all portions of one act have it
    done_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["done_at"], name="console_bulkact_done")]

    def __str__(self) -> str:
        return f"{self.what} {self.done_at}"


class ImportKind(models.TextChoices):
    """What the lines of a file are."""

    USERS = "users", "Users"
    ALIASES = "aliases", "Aliases and groups"
    DOMAINS = "domains", "Domains"


class ImportState(models.TextChoices):
    """How far an import is. The row is the truth, whatever a worker was told."""

    READING = "reading"  # its lines are being written; nobody is shown it
    READY = "ready"  # it was looked at, and nothing is done
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"  # by who began it
    STOPPED = "stopped"  # the role of who began it has ended
    TAKING_BACK = "taking_back"
    TAKEN_BACK = "taken_back"


class LineState(models.TextChoices):
    """What becomes of a line."""

    GOOD = "good"  # to be added
    WRONG = "wrong"  # says what is wrong, before anything is done
    THERE = "there"  # was there before
    ADDED = "added"
    FAILED = "failed"  # was good, and could not be added any more
    REMOVED = "removed"  # was added, and taken back
    KEPT = "kept"  # was added, is in use, and so was not taken back


class Import(models.Model):
    """A file of one administrator, and how far a worker is with it.

    Only who holds the lease changes lines: each batch begins by renewing it, in the transaction
    that does the work, so that two workers never do a line twice.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")  # whose it is
    kind = models.CharField(max_length=8, choices=ImportKind.choices)
    state = models.CharField(
        max_length=12, choices=ImportState.choices, default=ImportState.READING
    )
    file_name = models.CharField(max_length=200, default="", blank=True)
    notes = models.JSONField(default=list)  # sentences: how it was read
    columns = models.JSONField(default=list)  # as the file has them, for those who mend it
    must_change = models.BooleanField(default=True)  # passwords of the file hold until the web
    good = models.PositiveIntegerField(default=0)
    wrong = models.PositiveIntegerField(default=0)
    there = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)
    kept = models.PositiveIntegerField(default=0)
    address = models.CharField(max_length=45, default="", blank=True)  # of the browser
    made_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # Until then passwords can be had and the import be taken back; then its secrets are wiped.
    open_until = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "-made_at"], name="console_import_mine"),
            models.Index(
                fields=["lease_until"],
                name="console_import_due",
                condition=models.Q(state__in=["running", "taking_back"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.made_at}"


class ImportLine(models.Model):
    """A line of it. `cells` has no password: that is in `secret`, sealed, and wiped in time."""

    job = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="lines")
    number = models.PositiveIntegerField()  # in the file, the first is 1
    state = models.CharField(max_length=8, choices=LineState.choices)
    cells = models.JSONField()  # texts by field
    column = models.CharField(max_length=60, default="", blank=True)  # of which `reason` speaks
    reason = models.CharField(max_length=400, default="", blank=True)
    # Of the file; afterwards the temporary one that was made up. Sealed for this line alone.
    secret = models.BinaryField(null=True, blank=True)
    made_id = models.BigIntegerField(null=True, blank=True)  # of the user, alias or domain

    class Meta:
        indexes = [
            models.Index(fields=["job", "state", "number"], name="console_importline_state"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="console_importline_once")
        ]

    def __str__(self) -> str:
        return f"line {self.number}: {self.state}"
