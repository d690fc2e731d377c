"""The record of a run: what it leaves behind, by which it is compared, promoted and reproduced."""
