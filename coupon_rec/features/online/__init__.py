"""The features of one user, from arrays in memory, as the batch computes them."""
