"""Facts: what happened, one row each time."""
