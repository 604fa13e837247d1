"""Tables as Markdown, LaTeX and records."""
