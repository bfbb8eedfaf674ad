"""The rules under which other scanners are heard. Pure."""

from typing import Final

from apps.scan.base import Action
from apps.scan.rulebook import Rule

CLAMD_VIRUS: Final = Rule("CLAMD_VIRUS", 0.0, "ClamAV finds a virus in it", action=Action.REFUSE)
CLAMD_UNWANTED: Final = Rule(
    "CLAMD_UNWANTED",
    0.0,
    "ClamAV finds something that its configuration wants held back, such as an encrypted archive",
    action=Action.QUARANTINE,
)
CLAMD_SUSPICION: Final = Rule(
    "CLAMD_SUSPICION", 4.0, "ClamAV guesses at phishing, or finds a program that some do not want"
)
CLAMD_LIMITS: Final = Rule(
    "CLAMD_LIMITS", 1.0, "ClamAV did not look at all of it, because of limits of its own"
)
RSPAMD_SYMBOL: Final = Rule(
    "RSPAMD_*", -4.0, "A symbol of rspamd, under its name there, with the points it has there", 8.0
)
RSPAMD_OTHER: Final = Rule(
    "RSPAMD_OTHER", -4.0, "What the points of rspamd are more, or less, than those told", 8.0
)
RSPAMD_REJECT: Final = Rule(
    "RSPAMD_REJECT", 15.0, "rspamd would refuse the message: by its points, or whatever they are"
)
SPAMD_RULE: Final = Rule(
    "SPAMD_*",
    -4.0,
    "A rule of SpamAssassin, under its name there, with the points it has there",
    8.0,
)
SPAMD_OTHER: Final = Rule(
    "SPAMD_OTHER", -4.0, "What the points of SpamAssassin are more, or less, than those told", 8.0
)
SCANNER_AWAY: Final = Rule(
    "SCANNER_AWAY", 0.0, "A scanner that is set does not answer; SCANNERS_DEAD says what is done"
)
SCANNER_BUSY: Final = Rule(
    "SCANNER_BUSY", 0.0, "A scanner has too much to do; the message waits up to five minutes for it"
)
SCANNER_MISSED: Final = Rule(
    "SCANNER_MISSED", 0.0, "A scanner answers, but could not look at this message"
)
SCANNER_SKIPPED: Final = Rule(
    "SCANNER_SKIPPED", 0.0, "A scanner was not asked: the message is too large for it"
)

RULES: Final = (
    *(CLAMD_VIRUS, CLAMD_UNWANTED, CLAMD_SUSPICION, CLAMD_LIMITS),
    *(RSPAMD_SYMBOL, RSPAMD_OTHER, RSPAMD_REJECT, SPAMD_RULE, SPAMD_OTHER),
    *(SCANNER_AWAY, SCANNER_BUSY, SCANNER_MISSED, SCANNER_SKIPPED),
)
