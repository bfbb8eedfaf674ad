"""Who runs commands on this machine."""

import os
import pwd
from contextlib import AbstractContextManager

from django.conf import settings

from apps.audit.acting import Actor, acting
from apps.mime.headers import printable

NAME_LENGTH = 100  # characters


def at_shell() -> AbstractContextManager[None]:
    """Record what is done within as done by whoever runs this command."""
    return acting(Actor("command", None, user_name(settings.SUDO_USER), "command"))


def user_name(behind: str = "") -> str:
    """The name on this machine: of who called sudo, if somebody did, else of this process."""
    if behind:
        return printable(behind)[:NAME_LENGTH]
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container may run under a number that has no name
        return f"uid {os.geteuid()}"
