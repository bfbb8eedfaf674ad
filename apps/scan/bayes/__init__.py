"""The statistical filter: what words, links and headers say, as users have taught it."""
