"""What filtering keeps: verdicts, lists and thresholds, quarantine, what was learned."""
