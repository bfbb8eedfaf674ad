"""`manage.py spam …`: what the filter shall do, and what it would have done."""

from apps.provisioning.management.spamlearning import LearningVerbs
from apps.provisioning.management.spampolicy import PolicyVerbs
from apps.provisioning.management.spamrescan import RescanVerbs


class Command(LearningVerbs, PolicyVerbs, RescanVerbs):
    help = "The filter: its lists and thresholds, and what they would have done to past mail."

    def add_verbs(self) -> None:
        self.add_learning_verbs()
        self.add_policy_verbs()
        self.add_rescan_verbs()
