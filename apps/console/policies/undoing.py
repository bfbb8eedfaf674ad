"""Taking changed policies back: what somebody has changed since stays."""

from collections.abc import Mapping
from typing import Any, Final

from apps.console.policies import changes, files, senders, standing
from apps.console.policies.finding import place_of
from apps.directory.models import TransportScope
from apps.directory.permissions import Powers
from apps.provisioning.administration import lists, outbound, policies
from apps.provisioning.administration.policies import Changed
from apps.scan.attachments.policy import What
from apps.scan.models import Verb
from apps.wire.errors import MailError

STAYS: Final = "Somebody has changed that since; it stays."


def undo_policies(powers: Powers, before: Mapping[str, Any]) -> str:
    """Set thresholds and limits as they were. Raises: as the doors do."""
    place = place_of(powers, *before["place"])
    standings = standing.of_place(place, place.rights(powers))
    wanted = changes.still_so(standings, before["values"])
    changes.apply(powers, place, wanted)
    if not wanted:
        return STAYS
    return f"The policies of {place.name} are as they were."


def undo_files(powers: Powers, before: Mapping[str, Any]) -> str:
    """Say of files what was said before. Raises: as the doors do."""
    domain_id = before["domain"]
    place = place_of(powers, *_place(domain_id))
    now = files.entries(place.domain)
    same = [one for one in before["entries"] if now.get((one[0], one[1]), "") == one[3]]
    for what, value, action, _ in same:
        if action:
            policies.set_file(
                powers=powers, domain_id=domain_id, what=What(what), value=value, action=action
            )
            continue
        try:
            policies.unset_file(powers=powers, domain_id=domain_id, what=What(what), value=value)
        except MailError:
            continue  # somebody else was quicker
    return _told("What is said of files is as it was.", len(same), len(before["entries"]))


def undo_list(powers: Powers, before: Mapping[str, Any]) -> str:
    """Put senders back into a list, or take them out of it. Raises: as the doors do."""
    domain_id = before["domain"]
    scope = policies.scope_of(powers, domain_id=domain_id)
    now = {
        one.value: one.verb for one in senders.named(scope, [one[1] for one in before["entries"]])
    }
    same = [one for one in before["entries"] if now.get(one[1], "") == one[3]]
    for verb, value, note, _ in same:
        if verb:
            lists.add(
                powers=powers, domain_id=domain_id, verb=Verb(verb), senders=[value], note=note
            )
        else:
            lists.remove(powers=powers, domain_id=domain_id, senders=[value])
    return _told("The list is as it was.", len(same), len(before["entries"]))


def undo_points(powers: Powers, before: Any) -> str:
    """Let a rule count what it did. Raises: as the door does."""
    changed = Changed(*before["changed"])
    is_back = policies.put_points_back(powers=powers, changed=changed)
    return f"{changed.name} counts what it did." if is_back else STAYS


def undo_tls(powers: Powers, before: Any) -> str:
    """Ask of a domain what was asked before. Raises: as the door does."""
    changed = Changed(*before["changed"])
    is_back = outbound.put_tls_back(powers=powers, changed=changed)
    return f"TLS of mail to {changed.name} is as it was." if is_back else STAYS


def undo_transport(powers: Powers, before: Any) -> str:
    """Set a transport as it was. Raises: as the door does."""
    is_back = outbound.put_transport_back(
        powers=powers,
        scope=TransportScope(before["scope"]),
        changed=Changed(*before["changed"]),
    )
    return "The transport is as it was." if is_back else STAYS


def kept(changed: Changed, **more: str) -> dict[str, Any]:
    """What has to be known to take back what was done to a row."""
    return {"changed": [changed.name, changed.before, changed.now], **more}


def _place(domain_id: int | None) -> tuple[str, int]:
    return ("server", 0) if domain_id is None else ("domain", domain_id)


def _told(words: str, undone: int, count: int) -> str:
    if undone == count:
        return words
    return f"{undone} of {count} are as before. {STAYS}" if undone else STAYS
