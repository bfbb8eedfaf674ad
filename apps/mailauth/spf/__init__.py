"""Sender Policy Framework (RFC 7208): whether a domain lets a client use its name.

    result = await spf.check_sender(client, resolver)
    field = spf.received_spf(result, client)

- `check`: the checks of HELO and of the reverse-path; `field`: Received-SPF.
- `evaluation`: check_host() with its limits. `record`, `macros`: what is pure of it.

Nothing raises but CancelledError: whatever a record holds, and whatever the DNS does, there is a
result, after 20 seconds at the latest.
"""

from apps.mailauth.spf.check import check_helo, check_sender
from apps.mailauth.spf.field import received_spf

__all__ = ["check_helo", "check_sender", "received_spf"]
