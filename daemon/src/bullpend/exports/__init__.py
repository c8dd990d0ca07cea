"""A project as one file: bundle, comic book, PDF. What is in it, how it is laid out, made, sealed and checked."""
