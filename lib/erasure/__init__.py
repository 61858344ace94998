"""Forgetting a person: what is kept of them is a keyed hash, so that nothing brings them back."""
