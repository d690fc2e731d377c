"""Models of customer features that the families share: trees, lines, rules, calibration, reasons.

A family says what is predicted and of whom; how a number is learned from a row of features stands here once.
"""
