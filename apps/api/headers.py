"""Which headers an operation takes and which scope it needs, told to whoever reads the schema: both
hang on the door."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

IDEMPOTENCY_KEY = {"$ref": "#/components/parameters/IdempotencyKey"}
IF_MATCH = {"$ref": "#/components/parameters/IfMatch"}
IF_NONE_MATCH = {"$ref": "#/components/parameters/IfNoneMatch"}


class Telling(AutoSchema):
    """drf-spectacular's, with these headers and the scope (`x-scope`)."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """An operation as OpenAPI has it; None for one that is not told."""
        found = super().get_operation(*args, **kwargs)
        headers = []
        has_turn = not getattr(self.view, "is_idempotent", True)
        if self.method == "POST" and getattr(self.view, "takes_key", has_turn):
            headers.append(IDEMPOTENCY_KEY)
        if self.method in getattr(self.view, "matches", ()):
            headers.append(IF_MATCH)
        door: Any = self.view
        if found is not None and hasattr(door, "resource"):
            found["x-scope"] = f"{door.resource}:{door.way(self.method)}"
        if found is not None and headers:
            found["parameters"] = [*found.get("parameters", []), *headers]
        return found
