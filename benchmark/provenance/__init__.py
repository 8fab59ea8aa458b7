"""Where a number is from: signatures, published figures with their standing, bibliographies."""
