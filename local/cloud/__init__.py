"""The sandbox: a loopback stand-in for the parts of Azure that Slipway talks to, with a real data plane behind it."""
