"""The page: one builder a tab, three small components, and the only code that imports gradio."""
