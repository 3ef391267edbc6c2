"""Alembic's environment and versions; run by `doorstep.database`, no alembic.ini needed.

A version's first digit is its line. Within a line a migration only adds tables, indexes, and columns that may be empty or have
a default, so that a process of the version before goes on beside it, starts on the new tables, and can be gone back to. What
takes away or renames begins the next line (`1001`); tables of a later line are refused.
"""
