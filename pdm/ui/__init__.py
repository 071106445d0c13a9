"""The page: a folder for each tab, seven components of its own, and the only code that imports Gradio."""
