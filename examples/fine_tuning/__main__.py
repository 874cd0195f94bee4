"""A language model is tuned on several GPUs, registered if it is good enough, and served once somebody approves it.

The command is what the image has: Hugging Face's TRL with LoRA, started by torchrun with a process for each GPU. At its
end it merges the adapter into the weights and writes both into the folder of its output, so that any server of language
models can be given the version. Base weights come from Hugging Face, by a token that only the job reads.
"""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
LOSS = config.get_float("loss") or 1.2  # of talks that it was not tuned on
platform = mlops.Platform(
    "assistant",
    backend=config.require("backend"),
    secrets={"hub-token": config.require_secret("hub_token")},
    existing=config.get_object("existing", {}),
)
talks = mlops.Dataset("talks", platform=platform, format="jsonl", columns={"prompt": "string", "answer": "string"})
registry = mlops.ModelRegistry("models", platform=platform)
llama = mlops.Model("llama", registry=registry, gate={"loss": f"<={LOSS}"})

tune = mlops.train(
    image=config.require("image"),
    command=["python", "tune.py", "--model=meta-llama/Llama-3.1-8B", "--use_peft", "--lora_r=16", "--merge"],
    inputs={"talks": talks.latest()},
    outputs=["model"],
    metrics=["loss"],
    parameters={"epochs": mlops.parameter("epochs")},
    secrets={"hub-token": platform.secret("hub-token")},
    compute={"accelerator": config.require("accelerators")},
    launcher="torchrun",
    checkpoints=True,
    max_hours=12,
)
keep = mlops.register(llama, tune.out("model"), when=tune.metric("loss") <= LOSS, image=config.get("registered"))
mlops.Pipeline("tuning", platform=platform, parameters={"epochs": 3}, steps={"tune": tune, "register": keep})
chat = mlops.Endpoint(
    "chat",
    platform=platform,
    model=llama.approved(otherwise="wait"),
    compute={"cpus": 8, "memory_gb": 32, "accelerator": config.require("one_accelerator")},
    serve=config.require_object("serve"),
    environment=config.require_object("environment"),
)
pulumi.export("dataset", talks.location)
pulumi.export("url", chat.url)
