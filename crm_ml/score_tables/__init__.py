"""Score tables: what each champion says of each customer on a day, one module a family."""
