"""What content and header say: some seventy plain rules, grouped by theme, and their one check."""

from apps.scan.rules.check import RULES, ContentRules

__all__ = ["RULES", "ContentRules"]
