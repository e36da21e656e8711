"""What names the parts of OpenTelemetry's SDK: its providers, tracers and spans, heard and made. No other room does."""
