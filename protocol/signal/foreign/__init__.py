"""Other programs' stores: pure conversions between their values and our records, without any file (reference 02, 12)."""
