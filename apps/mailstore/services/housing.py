"""Mends what users have as such, when fsck has found it damaged: accounts of space, INBOX, names,
UIDVALIDITYs, rights. Each function says what it did, nothing if there was nothing to do any more.
"""

from typing import Final

from django.db import connection, transaction

from apps.events.bus import publish_on_commit
from apps.events.types import MailboxesChanged
from apps.mailstore.models import Mailbox, SpecialUse
from apps.mailstore.services import aside, mailboxes, recounting, restored
from apps.mailstore.services.locks import lock
from apps.mailstore.services.mending import RECOVERED
from apps.mailstore.shares import RIGHTS
from apps.runtime.rows import fetch

_RESERVE: Final = "UPDATE mailstore_usage SET reserved = %s WHERE user_id = %s"


def open_account(user_id: int) -> str:
    """Make a user's account of space."""
    return recount(user_id) and "made, and counted"


def recount(user_id: int) -> str:
    """Count anew what a user uses."""
    with transaction.atomic():
        lock(users=[user_id])
        recounting.count_user(user_id)
    return "counted anew"


def reserve(user_id: int, size: int) -> None:
    """Set what is reserved for a user, within the caller's transaction and under its lock."""
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, [size, user_id])


def open_inbox(user_id: int) -> str:
    """Give a user an INBOX: the mailbox of that name if there is one."""
    with transaction.atomic():
        lock(users=[user_id])
        live = Mailbox.objects.filter(user=user_id, deleted_at=None)
        if live.filter(special_use=SpecialUse.INBOX).exists():
            return ""
        if live.filter(name=mailboxes.INBOX).update(special_use=SpecialUse.INBOX):
            return "the mailbox of that name is it again"
        mailboxes.create(user_id=user_id, name=mailboxes.INBOX, special_use=SpecialUse.INBOX)
    return "made, empty"


def rename(mailbox_id: int, where: str) -> str:
    """Give a mailbox a name that can be asked for."""
    with transaction.atomic():
        box = Mailbox.objects.select_for_update(no_key=True).filter(pk=mailbox_id).first()
        if box is None:
            return ""
        aside.keep("mailbox", where, {"id": box.pk, "name": box.name})
        box.name = f"{RECOVERED}-{box.pk}"
        box.save(update_fields=["name"])
        publish_on_commit(MailboxesChanged(box.user_id))
    return f"called {box.name} now"


def take_use_off(mailbox_id: int, where: str) -> str:
    """Take a role off a mailbox that is none."""
    with transaction.atomic():
        box = Mailbox.objects.select_for_update(no_key=True).filter(pk=mailbox_id).first()
        if box is None:
            return ""
        aside.keep("mailbox", where, {"id": box.pk, "special_use": box.special_use})
        box.special_use = SpecialUse.NONE
        box.save(update_fields=["special_use"])
        publish_on_commit(MailboxesChanged(box.user_id))
    return "it has no role now"


def renew_uidvalidity(mailbox_id: int) -> str:
    """Give a mailbox a UIDVALIDITY that no client has seen."""
    with transaction.atomic():
        return recounting.renew_uidvalidity(mailbox_id)


def raise_uidvalidity(value: int) -> str:
    """Let new mailboxes get higher UIDVALIDITYs than this one."""
    restored.go_on_after(value)
    return f"the next are above {value} now"


def clean_rights(right_id: int, where: str) -> str:
    """Leave of rights those that there are; set aside a row that then gives none."""
    with transaction.atomic(), connection.cursor() as cursor:
        sql = "SELECT mailbox_id, user_id, rights FROM mailstore_mailboxright WHERE id = %s"
        rows = fetch(sql, [right_id])
        if not rows:
            return ""
        mailbox_id, user_id, before = rows[0]
        row = {"mailbox_id": mailbox_id, "user_id": user_id, "rights": before}
        aside.keep("mailbox", where, row)
        rights = "".join(letter for letter in RIGHTS if letter in before)
        if rights:
            cursor.execute(
                "UPDATE mailstore_mailboxright SET rights = %s WHERE id = %s", [rights, right_id]
            )
            return f"{rights} are left"
        cursor.execute("DELETE FROM mailstore_mailboxright WHERE id = %s", [right_id])
    return "set aside"


def forget_reference(user_id: int, digest: int, where: str) -> str:
    """Set aside what a conversation that cannot be knows."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM mailstore_threadreference WHERE user_id = %s AND digest = %s"
            " RETURNING thread_id",
            [user_id, digest],
        )
        row = cursor.fetchone()
        if row is None:
            return ""
        known = {"user_id": user_id, "digest": digest, "thread_id": row[0]}
        aside.keep("thread", where, known)
    return "set aside"
