"""Taking changed policies back: what somebody has changed since stays."""

from collections.abc import Mapping
from typing import Any

from apps.console.policies import changes, standing
from apps.console.policies.finding import place_of
from apps.directory.permissions import Powers
from apps.provisioning.administration import lists, policies
from apps.scan.attachments.policy import What
from apps.scan.models import Verb
from apps.wire.errors import MailError


def undo_policies(powers: Powers, before: Mapping[str, Any]) -> str:
    """Set thresholds and limits as they were. Raises: as the doors do."""
    place = place_of(powers, *before["place"])
    standings = standing.of_place(place, place.rights(powers))
    wanted = changes.still_so(standings, before["values"])
    changes.apply(powers, place, wanted)
    if not wanted:
        return "Somebody has changed that since; it stays."
    return f"The policies of {place.name} are as they were."


def undo_files(powers: Powers, before: Mapping[str, Any]) -> str:
    """Say of files what was said before. Raises: as the doors do."""
    domain_id = before["domain"]
    for what, value, action in before["entries"]:
        if action:
            policies.set_file(
                powers=powers, domain_id=domain_id, what=What(what), value=value, action=action
            )
            continue
        try:
            policies.unset_file(powers=powers, domain_id=domain_id, what=What(what), value=value)
        except MailError:
            continue  # somebody else was quicker
    return "What is said of files is as it was."


def undo_list(powers: Powers, before: Mapping[str, Any]) -> str:
    """Put senders back into a list, or take them out of it. Raises: as the doors do."""
    domain_id = before["domain"]
    for verb, value, note in before["entries"]:
        if verb:
            lists.add(
                powers=powers, domain_id=domain_id, verb=Verb(verb), senders=[value], note=note
            )
        else:
            lists.remove(powers=powers, domain_id=domain_id, senders=[value])
    return "The list is as it was."
