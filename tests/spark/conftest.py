"""A Spark cluster on loopback, started once."""

from spark_cluster import cluster, standalone

__all__ = ["cluster", "standalone"]
