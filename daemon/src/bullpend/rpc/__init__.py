"""The gRPC edge: serving on a socket, authentication, errors, names and paging. Knows no room."""
