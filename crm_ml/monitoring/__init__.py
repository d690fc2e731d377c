"""Is today's data like that of the training: profiles that models carry, and their comparison with a day."""
