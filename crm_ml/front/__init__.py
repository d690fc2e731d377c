"""What a notebook uses: one verb that fits each family, and one that decides a list."""
