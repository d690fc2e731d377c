"""Customers dealt into parts, each of which is worked on alone, here or elsewhere."""
