"""The stand-in for Pulumi's random provider: passwords, bytes, strings and ids. It needs no control plane."""
