"""Post-process: the fixed chain cutout → refining → upscaling → colour, its settings, and what a worker is told."""
