"""Frames and binary nodes: the bytes between the websocket and a `Node`."""
