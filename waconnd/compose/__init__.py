"""From what a client says to what the protocol sends: contents, options, references to earlier messages."""
