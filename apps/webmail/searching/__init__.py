"""Search on the web: what was typed, shown as chips, results, counts and suggestions."""
