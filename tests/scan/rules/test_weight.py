"""What the rules come to together: honest mail stays far from Junk, plain spam does not."""

import pytest

from apps.scan.rules import ContentRules
from apps.scan.verdict import Opinion, Standing, combine
from tests.scan.rules.dishonest import UNWANTED
from tests.scan.rules.examples import Example
from tests.scan.rules.honest import DIFFICULT, HONEST
from tests.scan.rules.mail import case

FAR = 2.0  # points: less than half of what makes junk
JUNK = Standing().junk


def opinion(example: Example) -> Opinion:
    """What the content rules alone make of it."""
    one = case(example.raw, example.found, **example.more)
    findings = ContentRules().judge(one, example.given)
    print([(finding.rule, finding.points) for finding in findings])  # noqa: T201 - of a failure
    return combine(findings, {7: Standing()})[7]


@pytest.mark.parametrize("name", HONEST)
def test_it_leaves_honest_mail_far_from_junk(name: str) -> None:
    assert opinion(HONEST[name]).points <= FAR


@pytest.mark.parametrize("name", DIFFICULT)
def test_it_does_not_file_what_only_resembles_spam(name: str) -> None:
    assert JUNK is not None
    assert opinion(DIFFICULT[name]).points < JUNK


@pytest.mark.parametrize("name", UNWANTED)
def test_it_files_spam_of_the_usual_kinds(name: str) -> None:
    assert JUNK is not None
    found = opinion(UNWANTED[name])
    assert found.points >= JUNK
    assert found.why
