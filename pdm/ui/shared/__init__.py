"""What several tabs use: events, a visitor's state, words."""
