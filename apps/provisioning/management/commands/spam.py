"""`manage.py spam …`: what the filter shall do, and what it would have done."""

from apps.provisioning.management.spampolicy import PolicyVerbs
from apps.provisioning.management.spamrescan import RescanVerbs


class Command(PolicyVerbs, RescanVerbs):
    help = "The filter: its lists and thresholds, and what they would have done to past mail."

    def add_verbs(self) -> None:
        self.add_policy_verbs()
        self.add_rescan_verbs()
