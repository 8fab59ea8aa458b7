"""How the weights of QualiCLIP-small were made, from photographs that anyone may fetch, and dead leaves."""
