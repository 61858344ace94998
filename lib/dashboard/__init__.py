"""The dashboard: a web app that shows one publication of gold per page, and needs no network."""
