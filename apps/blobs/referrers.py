"""The columns that may name a blob: what none of them names is collected.

Tables of higher floors, so names and not models; `tests/blobs/test_referrers.py` walks all models
and fails when one is missing here.
"""

from typing import Final

REFERRERS: Final = (
    ("mailqueue_queuedmessage", "blob_id"),
    ("mailstore_junkmark", "blob_id"),
    ("mailstore_message", "blob_id"),
    ("reports_arrival", "blob_id"),
    ("scan_quarantined", "blob_id"),
    ("webmail_draft", "tail_id"),
    ("webmail_draftchunk", "blob_id"),
)


def unreferenced() -> str:
    """A condition on `blobs_blob`: no referrer names the row."""
    return " AND ".join(
        f"NOT EXISTS (SELECT 1 FROM {table} AS r WHERE r.{column} = blobs_blob.id)"
        for table, column in REFERRERS
    )
