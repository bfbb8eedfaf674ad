"""Every rule of every check, for the page and for those who ask what a name means."""

from typing import Final

from apps.scan.attachments.rules import RULES as OF_ATTACHMENTS
from apps.scan.bayes.check import RULES as OF_BAYES
from apps.scan.history.rules import RULES as OF_HISTORY
from apps.scan.links.rules import RULES as OF_LINKS
from apps.scan.lookalikes.rules import RULES as OF_LOOKALIKES
from apps.scan.rulebook import Rule
from apps.scan.rules import RULES as OF_CONTENT
from apps.scan.servers.rules import RULES as OF_SERVERS

RULES: Final[tuple[Rule, ...]] = (
    *OF_HISTORY,
    *OF_CONTENT,
    *OF_LINKS,
    *OF_LOOKALIKES,
    *OF_ATTACHMENTS,
    *OF_BAYES,
    *OF_SERVERS,
)
