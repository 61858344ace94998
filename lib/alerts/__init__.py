"""What somebody is told of when something goes wrong at night: once, until it is over."""
