"""What training loops share, in one process or several."""
