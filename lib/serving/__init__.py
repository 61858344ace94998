"""Gold, served: a PostgreSQL database that holds exactly one run, or exactly the one before."""
