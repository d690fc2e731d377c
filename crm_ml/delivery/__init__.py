"""Delivery: a published list into the files of campaign tools and into databases."""
