"""Hooks: programs and URLs that are told of events. Each follows the log by its own durable cursor, in order, at least once."""

from waconnd.hooks.hooks import HookError, Hooks, HookState

__all__ = ["HookError", "HookState", "Hooks"]
