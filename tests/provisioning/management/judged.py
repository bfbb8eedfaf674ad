"""Mail that was judged, for the commands that tell of it."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import transaction

from apps.blobs import services as blobs
from apps.scan import runner
from apps.scan.base import Case, Check, Finding, Given
from apps.scan.deeds import Deed, Done
from apps.scan.services import verdicts
from tests.scan.cases import case

LIES = Finding("LINK_LIES", 4.0, "a link shows bank.test and leads to \x1b[2Jthief.test")
MONEY = Finding("TEXT_MONEY", 2.5, "it offers a million")


class Told:
    """A check that finds what the test said when it was asked."""

    name: ClassVar[str] = "told"

    def gather(self, cases: Sequence[Case]) -> Sequence[Given]:
        return [self.findings for _ in cases]

    findings: ClassVar[list[dict[str, Any]]] = []

    def judge(self, case: Case, given: Given) -> Sequence[Finding]:
        return [Finding.from_data(one) for one in given]


CHECKS: tuple[Check, ...] = (Told(),)


def judge(one: Case | None = None, *findings: Finding, done: Done = Done.JUNK, **more: Any) -> Case:
    """Judge a message, file it as `done` says, keep both."""
    one = one or case(**more)
    Told.findings = [finding.as_data() for finding in findings]
    (verdict,) = runner.run([one], CHECKS)
    blob = blobs.prepare(one.raw)
    deeds = [
        Deed(reader.address, reader.written, reader.user_id, done, "", 1, 7)
        for reader in one.readers
    ]
    with transaction.atomic():
        blobs.insert([blob])
        verdicts.keep([(verdicts.prepare(one, verdict, blob_id=blob.id), deeds)])
    return one
