"""The reference that people read: made from the schema, open to all, whole without script."""

import re

import pytest
from django.test import Client
from django.utils.text import slugify

from apps.api.codes import GROUPS
from apps.api.schema import operations
from apps.api.specification import schema

pytestmark = pytest.mark.django_db


def _read(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def test_the_overview_leads_to_every_operation(client: Client) -> None:
    page = _read(client, "/api/docs")
    for _, _, operation in operations(schema()):
        word = slugify(operation["tags"][0])
        assert f'href="/api/docs/{word}#{operation["operationId"]}"' in page


def test_each_operation_is_shown_with_its_samples(client: Client) -> None:
    pages: dict[str, str] = {}
    for path, _, operation in operations(schema()):
        word = slugify(operation["tags"][0])
        page = pages.setdefault(word, _read(client, f"/api/docs/{word}"))
        assert f'id="{operation["operationId"]}"' in page
        assert path in page
        assert "Authorization: Bearer" in page
    for page in pages.values():
        ids = re.findall(r'\bid="([^"]+)"', page)
        assert len(ids) == len(set(ids))
        assert "style=" not in page
        assert "<script>" not in page


def test_each_code_is_explained_where_its_type_leads(client: Client) -> None:
    page = _read(client, "/api/docs/problems")
    for group in GROUPS:
        for code in group.codes:
            assert f'id="{code.name}"' in page


def test_they_ask_nobody_who_they_are(
    client: Client, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    _read(client, "/api/docs")
    with django_assert_num_queries(0):  # type: ignore[operator]
        for address in ("/api/docs", "/api/docs/problems", "/api/docs/organisations"):
            _read(client, address)


@pytest.mark.parametrize("address", ["/api/docs/nothing", "/api/docs/UPPER", "/api/docs/a/b"])
def test_there_is_no_page_of_what_is_not_there(address: str, client: Client) -> None:
    assert client.get(address).status_code == 404
