"""What is run: one thin script per pipeline stage, the settings, the command line."""

import gc

# Importing torch and open_clip makes half a million objects that stay; looking among them for garbage again
# and again takes most of a second of every stage.
gc.set_threshold(200_000, 20, 20)
