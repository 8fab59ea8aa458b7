"""The settings as they are composed from ``experiments/``, each composition made once a process."""

from functools import cache

from experiments.settings import compose

composed = cache(compose.composed)
profile_settings = cache(compose.profile_settings)
