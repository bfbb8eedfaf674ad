"""Policies of the whole installation, and of one domain."""

from apps.api.doors import Door
from apps.provisioning.administration import policies


class PlaceDoor(Door):
    """What doors to the one and to the other have in common."""

    resource = "policies"

    def demand_place(self, domain_id: int | None) -> None:
        """Raise what there is to raise for who may not read them there; None is everywhere."""
        if domain_id is None:
            policies.demand_operator(self.powers)
        else:
            policies.seen_scope(self.powers, domain_id=domain_id)
