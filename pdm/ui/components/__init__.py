"""Components that draw themselves in the browser; each one's Python and JavaScript stand side by side."""
