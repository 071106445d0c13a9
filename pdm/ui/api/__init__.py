"""The endpoints that scripts call, one file for pictures and one for edited sets."""
