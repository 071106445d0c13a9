"""What several tabs use: how events run, a visitor's state, errors, downloads, and words."""
