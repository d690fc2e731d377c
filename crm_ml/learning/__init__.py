"""Learning: what a list has earned against its hold-outs, and whether its predictions came true."""
