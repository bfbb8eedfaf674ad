"""Ids in addresses: `<row:…>` and `<ulid:…>`, for who imports this."""

from uuid import UUID

from django.urls import register_converter

from apps.runtime.ulid import parse_ulid, ulid_text


class RowConverter:
    """The id of a row: 63 bits, what the databases hold."""

    regex = "[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        """Raises ValueError, which Django takes as: not this address."""
        if (number := int(value)) >= 2**63:
            raise ValueError("more than 63 bits")
        return number

    def to_url(self, value: int) -> str:
        return str(value)


class UlidConverter:
    """The id of a message or of its trace, as people read it."""

    regex = "[0-9A-HJKMNP-TV-Z]{26}"

    def to_python(self, value: str) -> UUID:
        """Raises ValueError, which Django takes as: not this address."""
        found = parse_ulid(value)
        if found is None:
            raise ValueError("no ULID")
        return found

    def to_url(self, value: UUID) -> str:
        return ulid_text(value)


register_converter(RowConverter, "row")
register_converter(UlidConverter, "ulid")
