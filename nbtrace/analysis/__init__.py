"""Spans become answers: typed DataFrames, narrowed by one vocabulary of column names."""
