"""How the lake is: written anew at each run's end, and no part of a publication."""

from lib.dashboard.queries.query import Query

RUNS = Query("SELECT * FROM operations.runs ORDER BY run_id DESC")
FRESHNESS = Query("SELECT * FROM operations.freshness ORDER BY table_name")
QUARANTINE = Query("SELECT * FROM operations.quarantine ORDER BY rows DESC, table_name, reason")
CONSERVATION = Query("SELECT * FROM operations.conservation ORDER BY layer, table_name")
PUBLICATIONS = Query("SELECT * FROM serving.publications ORDER BY publication_id DESC LIMIT 20")
