"""From result files to pages: what a notebook shows of a run, and the page that it becomes."""
