"""Scanners beside our own, and what the machine lacks for ours."""

import asyncio
from typing import Final

from apps.provisioning.health.checks import Check, State
from apps.scan.attachments import library
from apps.scan.servers.answers import AwayError, MissedError
from apps.scan.servers.asking import Scanner
from apps.scan.servers.check import configured

SECONDS: Final = 2.0


def scanners() -> list[Check]:
    """Each that is set, asked at once."""
    wanted = configured()
    if not wanted:
        words = "None is set (RSPAMD_URL, SPAMD, CLAMD): mail is judged by our own filter alone."
        return [Check("scanners", "Other scanners", State.OFF, words)]

    async def ask() -> list[Check]:
        return list(await asyncio.gather(*(_ping(scanner) for scanner in wanted)))

    return asyncio.run(ask())


async def _ping(scanner: Scanner) -> Check:
    key, name = f"scanner.{scanner.name}", scanner.name
    advice = "Start it, or see its setting. What happens meanwhile, SCANNERS_DEAD says."
    try:
        async with asyncio.timeout(SECONDS):
            answer = await scanner.ping()
    except TimeoutError:
        words = f"It does not answer within {SECONDS:g} seconds."
        return Check(key, name, State.BAD, words, advice)
    except (AwayError, MissedError, OSError) as error:
        return Check(key, name, State.BAD, f"It does not answer: {str(error)[:120]}.", advice)
    return Check(key, name, State.OK, f"It answers: {answer[:120]}.")


def what_is_missing() -> str:
    """What the service can do without, and does less; "" if all is there."""
    if library.loaded() is not None:
        return ""
    return (
        "Packed rar, lzh and arj archives, and some of 7z and cab, are not opened: libarchive is "
        "not on this machine (on Debian: apt-get install libarchive13)."
    )


def libraries() -> list[Check]:
    """The same as a check."""
    missing = what_is_missing()
    if not missing:
        return [Check("libraries", "Libraries", State.OK, "All that can be used is there.")]
    return [Check("libraries", "Libraries", State.WARNING, missing, "Install it and start anew.")]
