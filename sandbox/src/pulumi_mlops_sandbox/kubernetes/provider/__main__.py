"""Run the provider: ``python -m pulumi_mlops_sandbox.kubernetes.provider``."""

from pulumi_mlops_sandbox.provider.host import home, serve

if __name__ == "__main__":
    home()  # refuse before anything is loaded
    from pulumi_mlops_sandbox.kubernetes.provider.cluster import Cluster
    from pulumi_mlops_sandbox.kubernetes.provider.service import Objects

    serve(lambda journal, diagnostics: Objects(Cluster(), journal, diagnostics))
