"""A method over pictures outside of tables: inputs, journal, columns, speed."""
