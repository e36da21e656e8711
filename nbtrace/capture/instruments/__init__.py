"""What is switched on and off around the user's code, a module each: install, uninstall, status."""
