"""The control socket: methods, lines, HTTP, subscriptions. It knows no account and no store: what it serves is handed in."""
