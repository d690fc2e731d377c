"""The experiment of probability."""
