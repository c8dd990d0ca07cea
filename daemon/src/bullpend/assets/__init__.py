"""The registry of pictures and files: content-addressed, immutable, with sidecars and thumbnails."""
