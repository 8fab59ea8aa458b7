"""What is fitted to pristine pictures, and how far a picture lies from it."""
