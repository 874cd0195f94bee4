"""Run the provider: ``python -m pulumi_mlops_sandbox.aws.provider``."""

from pulumi_mlops_sandbox.provider.host import home, serve

if __name__ == "__main__":
    home()  # refuse before anything is loaded
    from pulumi_mlops_sandbox.aws.provider.cloud import Aws
    from pulumi_mlops_sandbox.provider.service import Service

    serve(lambda journal, diagnostics: Service(Aws(), journal, diagnostics))
