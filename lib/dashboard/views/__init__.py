"""One module per page: what it asks, and how that is laid out."""
