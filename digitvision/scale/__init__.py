"""Training fast on one machine, and sweeps on a cluster."""
