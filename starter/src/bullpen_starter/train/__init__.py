"""Training of the embedded models: scripts that make them again from nothing but the renderer and a seed."""
