"""One kept message as its page shows it: why it is here, and what speaks for it."""

from dataclasses import dataclass, fields

from apps.console.quarantine.keptlist import KeptLine, of_row
from apps.directory.permissions import Powers
from apps.provisioning.administration import keptmessage
from apps.provisioning.administration.keptmessage import Story


@dataclass(frozen=True, slots=True)
class KeptMessage(Story):
    """All that its page says without looking into it."""

    line: KeptLine


def told(powers: Powers, number: int) -> KeptMessage:
    """One copy in sight; a few statements. Raises NotFound."""
    story = keptmessage.told(powers, number)
    known = {one.name: getattr(story, one.name) for one in fields(story)}
    return KeptMessage(**known, line=of_row(story.row))
