"""The lines of %spans and %nbtrace: what can be typed, what it asks for, and what a wrong one may have meant."""
