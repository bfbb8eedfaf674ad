"""By what somebody did something to a message, in words. Pure; what programs call themselves is a
stranger's text, so only words of ours, and a cleaned name, come out."""

from typing import Final

from apps.mime.headers import clean, printable
from apps.ui.clients import browser_words

_NAME_MOST: Final = 40  # characters of a program's own name
_PHONES: Final = (
    *("iphone", "ipad", "ios", "android", "mobile", "phone", "k-9", "k9", "fairemail", "samsung"),
    *("aquamail", "bluemail", "gmail", "outlook-ios", "spark", "maildroid", "huawei"),
)
_HOUSE: Final = {
    "queue": "mailhost",
    "sieve": "a filter rule",
    "fsck": "a repair of the mail store",
    "purge": "mailhost, with the account",
    "command": "an administrator at the command line",
    "console": "an administrator in the console",
    "link": "the link in a letter",
    "api": "a program (API)",
}


def program(door: str, client: str) -> str:
    """Such as "a phone's mail app (K-9 Mail)", "the webmail (Firefox on Linux)"."""
    if door == "web":
        browser = browser_words(client)
        return f"the webmail ({browser})" if browser else "the webmail"
    if door in _HOUSE:
        return _HOUSE[door]
    name = printable(clean(client[: 4 * _NAME_MOST]))[:_NAME_MOST].strip()
    called = f" ({name})" if name else ""
    if door == "pop3":
        return f"a mail program by POP3{called}"
    return f"a phone's mail app{called}" if is_phone(client) else f"a mail program{called}"


def is_phone(client: str) -> bool:
    """Whether a program's name sounds like one that runs on a telephone."""
    text = client[:200].casefold()
    return any(mark in text for mark in _PHONES)
