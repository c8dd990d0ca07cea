"""The gallery: a window into a list of any length, and what people say of pictures."""
