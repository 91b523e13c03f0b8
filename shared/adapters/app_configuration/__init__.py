"""Azure App Configuration."""
