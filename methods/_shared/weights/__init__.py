"""Files of weights: where they are kept, what is in them, which of them a method was made of."""
