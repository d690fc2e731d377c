"""Storage: files that are whole or absent, and what they follow from."""
