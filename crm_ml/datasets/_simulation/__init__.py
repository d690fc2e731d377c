"""Parts of the simulator; see `crm_ml.datasets.simulated`."""
