"""Models of the customers: what they will do, learnt from what they did."""
