"""The queue as the console shows it: its list, destinations, one message, and acts."""
