"""From pickled weights to safetensors, in a process that can do nothing else; only ever by hand, never in a run."""
