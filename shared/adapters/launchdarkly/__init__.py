"""LaunchDarkly."""
