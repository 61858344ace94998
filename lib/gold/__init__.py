"""Gold: the star schema and the marts. One table is one function in one file, and the function's name is its name."""
