"""Landing files made to measure: the shape and the quirks of the real ones, none of their rows."""
