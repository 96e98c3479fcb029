"""End-to-end encryption: pairwise sessions, sender keys, envelopes, and the records that hold them."""
