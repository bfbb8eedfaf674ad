"""How acts on many things are taken back: by name, as `BulkAct.what` has it.

Each room of the console that does such acts says here what their opposite is. It gets the powers of
who asks now, and what was kept; it does what it can by the doors that did the act, and returns
a sentence of what came of it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from apps.console import userbulk
from apps.console.addresses import bulkaliases, bulkshared
from apps.console.domains import bulk as domains
from apps.console.policies import undoing as policies
from apps.console.quarantine import bulk as quarantine
from apps.console.queue import acts as queue
from apps.directory.permissions import Powers

Undo = Callable[[Powers, Any], str]

UNDOERS: Final[Mapping[str, Undo]] = {
    "alias.remove": bulkaliases.undo_remove,
    "alias.state": bulkaliases.undo_state,
    domains.STATE: domains.undo_state,
    "policy.change": policies.undo_policies,
    "policy.files": policies.undo_files,
    "policy.list": policies.undo_list,
    "policy.points": policies.undo_points,
    "policy.tls": policies.undo_tls,
    "policy.transport": policies.undo_transport,
    quarantine.BLOCK: quarantine.undo_block,
    quarantine.DELETE: quarantine.undo_delete,
    queue.ASIDE: queue.undo_aside,
    queue.RELEASE: queue.undo_release,
    "shared.remove": bulkshared.undo_remove,
    userbulk.GROUP: userbulk.undo_group,
    userbulk.QUOTA: userbulk.undo_quota,
    userbulk.REMOVE: userbulk.undo_remove,
    userbulk.STATE: userbulk.undo_state,
}
