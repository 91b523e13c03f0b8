"""Azure Container Apps: an app whose traffic is divided between two of its revisions, by their names."""
