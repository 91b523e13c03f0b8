"""Traffic Manager in the sandbox: profiles of the management API, and a name server that divides users by them."""
