"""Own components, Python and JavaScript side by side."""
