"""What the experiments of churn and propensity share: no family of its own."""
