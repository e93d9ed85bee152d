"""The features of one user, from arrays in memory, equal to the batch to the last bit."""
