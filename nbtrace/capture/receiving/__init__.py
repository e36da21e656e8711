"""Spans of programs that nbtrace is not in: they speak OpenTelemetry's own protocol, over loopback, when somebody asks for it."""
