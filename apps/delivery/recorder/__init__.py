"""The flight recorder: what its events come to, and who may see what of it."""
