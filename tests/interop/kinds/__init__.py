"""The table of kinds: what each side says, and exactly what the other must see of it."""

from tests.interop.kinds import business, files, words

KINDS = [*words.KINDS, *files.KINDS, *business.KINDS]
