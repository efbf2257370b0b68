"""One file per check; this directory is the registry, so nothing is listed anywhere else."""
