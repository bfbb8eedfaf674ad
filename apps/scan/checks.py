"""Every check there is, in the order in which their reasons are told.

The one place that lists them: to add one is to write a module with a `base.Check`, and its line
here. Those that others may profit from hearing first stand first; none depends on another.
"""

from apps.scan.attachments.check import Attachments
from apps.scan.base import Check
from apps.scan.bayes.check import Bayes
from apps.scan.bayes.stored import Stored
from apps.scan.history.check import History
from apps.scan.links.check import Links
from apps.scan.links.lists import UrlLists
from apps.scan.lookalikes.check import Lookalikes
from apps.scan.rules import ContentRules
from apps.scan.servers.check import Servers

CHECKS: tuple[Check, ...] = (
    History(),
    ContentRules(),
    Links(),
    Lookalikes(),
    UrlLists(),
    Attachments(),
    Bayes(Stored()),
    Servers(),
)
