"""Alembic's environment and versions; run by `doorstep.store`, no alembic.ini needed."""
