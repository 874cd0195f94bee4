"""Run the provider: ``python -m pulumi_mlops_sandbox.random_provider``."""

from pulumi_mlops_sandbox.provider.host import home, serve

if __name__ == "__main__":
    home()  # refuse before anything is loaded
    from pulumi_mlops_sandbox.provider.service import Service
    from pulumi_mlops_sandbox.random_provider.kinds import Forgetful, Random

    serve(lambda journal, diagnostics: Service(Random(), Forgetful(journal.folder), diagnostics))
