"""One family of stanzas a file: each builds and parses. The names of the wire stay below this package."""
