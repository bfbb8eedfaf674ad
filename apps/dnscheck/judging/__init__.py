"""From answers to findings: how each record stands, and one sentence on what to do. Pure.

    findings = judge(wanted, answers, host="mail.example.org")

- `evidence`: a verdict and what it rests on. `mx`, `spf`, `dkim`, `texts`, `names`: what is right.
- `weighing`: many servers, one finding. `troubles`: zones and servers that cannot be asked.
"""

from apps.dnscheck.judging.troubles import counts, provider, trouble
from apps.dnscheck.judging.weighing import judge

__all__ = ["counts", "judge", "provider", "trouble"]
