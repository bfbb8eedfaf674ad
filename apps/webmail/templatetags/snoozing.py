"""Times at which snoozed mail may come back."""

from django import template
from django.utils import timezone

from apps.webmail import snoozed
from apps.webmail.folders import Folder
from apps.webmail.snoozed import Time

register = template.Library()


@register.simple_tag
def snooze_times() -> list[Time]:
    """Those that the menu offers now, on the person's clock."""
    return snoozed.times(timezone.localtime())


@register.simple_tag
def snoozed_until(folder: Folder, uid: int) -> str:
    """When a message of Snoozed comes back, in words; one query."""
    return snoozed.words(snoozed.until(folder.id, [uid]).get(uid, 0))
