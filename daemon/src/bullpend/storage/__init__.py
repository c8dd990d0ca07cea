"""A project's pictures in another place: a folder, or the project's bucket."""
