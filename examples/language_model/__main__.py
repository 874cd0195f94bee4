"""A large language model is served with vLLM: weights in a folder, GPUs, a secret token, and somebody who may call it.

What differs between the backends stands in STARTED and in Pulumi.<backend>.yaml. SageMaker and Azure start an image as
it is, so that the image there takes its options from variables; SageMaker asks it at port 8080, and Azure ends a
request after 180 seconds. On Kubernetes the program says how vLLM is started. `pulumi config set version 3` serves
version 3 of the registry in place of the folder.
"""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
backend, image, version = config.require("backend"), config.require("image"), config.get_int("version")
STARTED: dict[str, mlops.Serve] = {
    "aws": {},
    "azure": {"port": 8000, "health": "/health", "timeout_seconds": 180},
    "kubernetes": {
        "command": ["vllm", "serve", "/mnt/models", "--port", "8000", "--max-model-len", "16384"],
        "port": 8000,
        "health": "/health",
        "timeout_seconds": 300,
        "shared_memory_gb": 16,
    },
}

platform = mlops.Platform(
    "assistant",
    backend=backend,
    secrets={"hub-token": config.require_secret("hub_token")},
    existing=config.get_object("existing", {}),
)
registry = mlops.ModelRegistry("models", platform=platform)
llama = mlops.Model("llama", registry=registry)
chat = mlops.Endpoint(
    "chat",
    platform=platform,
    model=llama.version(version) if version else {"image": image, "artifact": config.require("weights")},
    compute={"cpus": 8, "memory_gb": 32, "accelerator": config.require("accelerator")},
    serve={"image": image if version else None, "startup_minutes": 40, **STARTED[backend]},
    scaling={"min": 1, "max": 2, "requests_per_replica": 60},
    environment=config.require_object("environment"),
    secrets={"HUB_TOKEN": platform.secret("hub-token")},
)
support = mlops.Identity("support", platform=platform, invokes=[chat], trusts=config.require_object("callers"))

pulumi.export("url", chat.url)
pulumi.export("caller", support.principal)
