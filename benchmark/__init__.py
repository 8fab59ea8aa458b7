"""The instrument: images, degradations, scoring, statistics and studies. Knows no method by name."""
