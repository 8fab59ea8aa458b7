"""ARNIQA's encoder and what it is shown: a picture, and the same at half scale."""
