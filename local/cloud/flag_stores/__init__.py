"""Stand-ins of the products that flags are distributed to, over real sockets: App Configuration and LaunchDarkly."""
