"""Marts: what analysts read."""
