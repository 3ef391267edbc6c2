"""What Alembic runs for a migration: the connection comes from `doorstep.database`."""

from alembic import context

from doorstep.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
with context.begin_transaction():
    context.run_migrations()
