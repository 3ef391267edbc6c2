"""Alembic's environment and versions; run by `doorstep.database`, no alembic.ini needed."""
