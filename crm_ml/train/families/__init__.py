"""Training: one folder a family with its experiment."""
