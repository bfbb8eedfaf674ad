"""Messages out and in: what FETCH reads, parts decoded, messages put together."""
