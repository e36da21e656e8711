"""Conditions: the text of a `where=`, read into a tree, and the rows of a table that meet the tree. docs/conditions.md is
the page that says what can be written."""
