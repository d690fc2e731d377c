"""Parts of a search for settings: trials, their store, folds before the test, the verdict and its report."""
