"""What the pages ask the database: functions that give a statement and its parameters, and neither run nor draw."""
