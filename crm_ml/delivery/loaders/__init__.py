"""Loaders: one module for each kind of database or file that a list is loaded into."""
