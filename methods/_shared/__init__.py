"""Parts that several methods share; no method by itself."""
