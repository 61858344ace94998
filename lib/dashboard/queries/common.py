"""What every page needs to know first."""

from lib.dashboard.queries.query import Query

PUBLICATION = Query("""
    SELECT l.live AS schema_name, p.publication_id, p.run_id, p.as_of, p.published_at
    FROM (SELECT serving.live() AS live) AS l
    LEFT JOIN serving.publications AS p ON p.publication_id = substring(l.live FROM '[0-9]+$')::bigint
""")

CHOICES = Query("""
    SELECT country, region, channel, segment, gender FROM rollup_days GROUP BY 1, 2, 3, 4, 5
""")

DAYS = Query('SELECT min("date") AS first, max("date") AS last FROM sales_by_day')
