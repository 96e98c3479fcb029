"""App state (syncd): LT-hash, patches, snapshots, actions."""
