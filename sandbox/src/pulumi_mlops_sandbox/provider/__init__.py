"""The protocol half of every stand-in provider: it knows gRPC and Pulumi, and no cloud.

A cloud supplies a :class:`~pulumi_mlops_sandbox.provider.contract.Cloud`: a table of resource kinds that can create,
read, update and delete one object through the cloud's own API. All that the Pulumi engine asks for is done here, once.

One thing that a real provider does not do: a small journal (``journal.py``) remembers objects whose creation the engine
may not have recorded because it was killed, and the next create of the same URN adopts them. It stands for the client
tokens of the clouds' own APIs, which only some of their operations have.
"""
