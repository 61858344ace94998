"""The library behind the jobs: layers, tables and the pipeline that joins them."""
