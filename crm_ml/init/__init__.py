"""A project of one's own, laid out from files of the package; ``configs`` are those of the repository."""
