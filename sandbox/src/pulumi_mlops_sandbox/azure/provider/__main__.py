"""Run the provider: ``python -m pulumi_mlops_sandbox.azure.provider``."""

from pulumi_mlops_sandbox.provider.host import home, serve

if __name__ == "__main__":
    home()  # refuse before anything is loaded
    from pulumi_mlops_sandbox.azure.provider.cloud import Azure
    from pulumi_mlops_sandbox.provider.service import Service

    serve(lambda journal, diagnostics: Service(Azure(), journal, diagnostics))
