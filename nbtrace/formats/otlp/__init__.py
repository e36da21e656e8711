"""OTLP files: what OpenTelemetry's Collector and other tools read and write."""
