"""Accounts in and out: exports of our own, and the stores of other programs. Nothing here talks to a server."""
