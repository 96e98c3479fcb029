"""Everything that must outlive the process: the accounts' keys and the archive."""
