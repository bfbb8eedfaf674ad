"""Template tags of the webmail."""
