"""Readers of file formats, one file per family, and of tables in memory."""
