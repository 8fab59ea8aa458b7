"""Notebooks executed and rendered; another run to compare with."""
