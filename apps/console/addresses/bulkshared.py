"""How the removal of shared mailboxes is taken back."""

from typing import Any

from apps.directory.permissions import Powers
from apps.provisioning.administration import tombstones


def undo_remove(powers: Powers, before: Any) -> str:
    """Bring them back, with their mail and their members. Raises MailError."""
    back = [tombstones.restore(powers=powers, user_id=user_id).address for user_id in before]
    return f"{', '.join(back)} is back, with its mail."
