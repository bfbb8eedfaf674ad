"""How a person wants the webmail to look, and what only the webmail knows of their mail."""

from django.db import models
from django.db.models.functions import Lower


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
