"""Addresses of pages of ours as they stand in letters."""

from django.conf import settings
from django.urls import reverse

from apps.wire.errors import NotFound


def absolute(name: str, *args: str) -> str:
    """The address of a page with scheme and host. Behind a proxy, that one speaks HTTPS on its
    usual port.

    Args:
        name: of the URL pattern; `args` are its arguments.

    Raises:
        NotFound: the web is off here.
    """
    return origin() + reverse(name, args=args)


def origin() -> str:
    """Scheme, host and port of all pages.

    Raises:
        NotFound: the web is off here.
    """
    where = settings.WEB_LISTEN
    if where is None:
        raise NotFound("web", text="The web is off here")
    is_secure = settings.WEB_TLS or bool(settings.TRUSTED_PROXIES)
    usual = bool(settings.TRUSTED_PROXIES) or where.port == (443 if is_secure else 80)
    host = settings.MAIL_HOSTNAME + ("" if usual else f":{where.port}")
    return f"{'https' if is_secure else 'http'}://{host}"
