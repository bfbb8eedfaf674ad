"""The quarantine as the console shows it."""
