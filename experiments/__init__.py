"""What is run: one thin script per pipeline stage, the settings, the command line."""
