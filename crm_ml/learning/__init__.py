"""Learning: what a list has earned beside its hold-outs, and whether its promises held."""
