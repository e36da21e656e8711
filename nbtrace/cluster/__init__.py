"""Engines that take work beyond this machine: a module each, opened by name alone, when somebody asks for it."""
