"""CLIP as image quality methods use it: no positional embedding, antonym prompts."""
