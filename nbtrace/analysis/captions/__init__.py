"""What a span that follows OpenTelemetry's conventions says of itself in a few words: `caption` in caption.py."""
