"""What is run: the stages of the pipeline, the settings, the command line."""
