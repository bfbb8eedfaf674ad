"""Which reports may go to strangers: a forged sender must not be flooded through us.

Where SPF or DMARC told at the door that the sender is forged, none does. Of the rest, what comes
from outside may bear anybody's name, and when a forward of it fails that name gets the report. One
address gets so many in an hour, one domain so many; the rest is dropped and traced. Our own users,
who signed in, are told everything.
"""

import hashlib
import logging
from typing import Final

from django.core.cache import cache
from redis.exceptions import RedisError

from apps.mailauth.suffixes import organisational
from apps.mailauth.types import Policy, Result
from apps.mime.address import Address
from apps.reception.judging import Judgement

logger = logging.getLogger(__name__)

HOUR: Final = 3_600  # seconds from the first report
PER_ADDRESS: Final = 20
PER_DOMAIN: Final = 200


def is_forged(sender: Address, judgement: Judgement | None) -> bool:
    """Whether the domain of a reverse-path says that this message is not its own. A signature of
    its own that holds outweighs SPF: a forwarder has kept the address, and nobody else would tell
    the sender that his mail is lost.

    What a mailing list sends on with a broken signature is its own mail by SPF, whatever DMARC
    says of the author: the list is told what became of it.
    """
    if judgement is None or judgement.case.is_trusted:
        return False
    found, family = judgement.case.authentication, organisational(sender.domain)
    if family in map(organisational, found.proven):
        return False
    if found.spf.result is Result.FAIL and found.spf.scope == "mfrom":
        return True
    return (
        found.spf.result is not Result.PASS
        and found.dmarc.result is Result.FAIL
        and found.dmarc.policy is not Policy.NONE
        and organisational(found.dmarc.author) == family
    )


def admit(stranger: Address) -> bool:
    """Count one more report to a stranger; False if it must not go.

    Without Redis each process counts by itself. If the cache is down the report goes.
    """
    try:
        # Both are counted: who is over one limit uses up the other as well.
        counts = [_count(f"to:{stranger.key}"), _count(f"at:{stranger.domain}")]
    except (RedisError, OSError):
        logger.warning("reports to strangers are not counted: the cache does not answer")
        return True
    return counts[0] <= PER_ADDRESS and counts[1] <= PER_DOMAIN


def _count(name: str) -> int:
    key = f"report:{hashlib.blake2b(name.encode('utf-8', 'replace'), digest_size=12).hexdigest()}"
    cache.add(key, 0, HOUR)
    try:
        return int(cache.incr(key))
    except ValueError:  # It ended between the two.
        return 1
