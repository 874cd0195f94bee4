"""The sandbox's cluster without the stages that play KServe, started with ``-m`` as the sandbox starts its own."""

import shutil
import sys
import tempfile
from pathlib import Path

from pulumi_mlops_sandbox.kubernetes import played, server

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for stage in played.OWN_STAGES.glob("*.yaml"):
            if stage.name != "kserve.yaml":
                shutil.copy(stage, folder)
        played.OWN_STAGES = Path(folder)
        code = server.main()
    sys.exit(code)
