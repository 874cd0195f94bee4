"""The stand-in for Pulumi's Kubernetes provider: server-side apply of whatever kinds the apiserver has.

There is no table of kinds: discovery tells what exists, the apiserver judges, and the object is the state. It follows
the real provider's behaviour. Where it is more careful, the objects come out the same: an existing object is refused
before it is touched, one field manager applies from the first call on, and a misspelt field is an error at once.
"""
