"""One test per step of a person's journey, on the starter, over the public socket."""
