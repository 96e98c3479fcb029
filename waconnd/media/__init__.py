"""Files on their way: where they come from, what they are, sealed, uploaded, downloaded, kept for a while."""
