"""The data plane: worker processes that hold models and pictures. The only place that imports model libraries."""
