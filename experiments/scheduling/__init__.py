"""Stages of DVC side by side, what a run will take, what is here of it."""
