"""The pictures behind the numbers: small copies of them, what a method errs on each, where all err."""
