"""What every template may name: the host and the version."""

from django.conf import settings
from django.http import HttpRequest


def product(request: HttpRequest) -> dict[str, str]:
    """`mail_hostname` and `version`."""
    return {"mail_hostname": settings.MAIL_HOSTNAME, "version": settings.VERSION}
