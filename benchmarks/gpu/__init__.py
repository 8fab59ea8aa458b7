"""What has to be measured on a CUDA device, in one call: ``make gpu`` (docs/performance.md)."""
