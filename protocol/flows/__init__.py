"""Conversations of several round trips, as straight-line code, and the small runner that steps them."""
