"""Where work runs: executors, a dask cluster, the crash-proof worker pool."""
