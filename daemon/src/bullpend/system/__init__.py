"""The daemon about itself: information, metrics, settings, diagnosis, shutdown."""
