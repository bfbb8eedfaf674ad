"""Many things in one request: a line of JSON for each, and a line of JSON about each."""
