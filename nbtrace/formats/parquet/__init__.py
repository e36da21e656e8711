"""Parquet: one file, or a folder of files that grows."""
