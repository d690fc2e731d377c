"""Sinks: one module for each kind of file that a list can be written to."""
