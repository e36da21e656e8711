"""Notebooks run from outside, without a browser: what nbtrace tells the kernel, and what becomes of its recording."""
