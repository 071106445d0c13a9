"""Files of results: what they hold, and the tables made of them."""
