"""Ids in the console's addresses."""

from django.urls import register_converter


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


register_converter(RowConverter, "row")
