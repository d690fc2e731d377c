"""Learning from outcomes: what a list brought beside its hold-outs, and whether its promises held."""
