"""Application Insights telemetry in Log Analytics, asked in KQL."""
