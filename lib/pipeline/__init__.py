"""Ingest, refine, build: the only place where reading and writing meet the transforms."""
