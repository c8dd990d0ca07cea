"""The torch engine: diffusers pipelines, one module for each family. Imported only in a worker that was told to."""
