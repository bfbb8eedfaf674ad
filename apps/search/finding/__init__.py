"""From a query to the messages that it finds, newest first, a page at a time."""
