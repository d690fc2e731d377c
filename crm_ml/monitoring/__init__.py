"""Data drift: profiles of the training data that models carry, and their comparison with a scored day."""
