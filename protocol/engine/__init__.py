"""The connection object: state tables, router, inbound handlers, and the server's end for the sandbox."""
