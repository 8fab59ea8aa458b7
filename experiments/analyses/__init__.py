"""What the stages compute of one method: sweeps, harmless changes, maps."""
