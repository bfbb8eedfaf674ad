"""Where objects lie: one contract (`contract.py`), a file for each place."""
