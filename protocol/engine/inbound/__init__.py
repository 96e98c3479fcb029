"""What comes unasked: one family of stanzas a file."""
