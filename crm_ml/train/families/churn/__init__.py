"""The experiment of churn."""
