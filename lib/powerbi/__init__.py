"""Power BI: a semantic model (TMDL) and a report (PBIR) over what is published, made from gold's definitions."""
