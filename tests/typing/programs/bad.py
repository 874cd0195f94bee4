"""One mistake a line, each of a kind that users make.

``# error:`` marks what both type checkers see on that line, ``# error when it runs:`` what only the library can see.
``bad.toml`` has what the library says of each.
"""

import pulumi

import pulumi_mlops as mlops

platform = mlops.Platform("churn", backend="aws", secrets={"token": pulumi.Output.secret("s3cret")})
store = mlops.FeatureStore("features", platform=platform)
profile = mlops.FeatureGroup(
    "p", store=store, keys=["id"], event_time="at", features={"id": "string", "at": "float"}, online={}
)
registry = mlops.ModelRegistry("models", platform=platform)
churn = mlops.Model("churn", registry=registry)
files = mlops.ModelFiles(image="registry/image:1")
cluster = mlops.Platform("cluster", backend="kubernetes")
later = pulumi.Output.from_input("prod")

# fmt: off
mlops.Platform("a", backend="aws", sttage="prod")  # error: a misspelt argument
mlops.Platform("b", backend="aws", stage="blue", profile="production")  # error: a word that is not one of three
mlops.Platform("c", backend="aws", stage=later)  # error: an Output where a plain value decides
mlops.Platform("d", backend="aws", network={"private": {}, "existing": {"subnets": ["s"], "security_groups": ["g"]}})  # error: two networks
mlops.Platform("e", backend="aws", network={"private": {"zones": "two"}})  # error: a number in words, two levels down
mlops.Platform("f", backend="aws", consumers=["444455556666"])  # error: a bare string as a consumer
mlops.Platform("g", backend="aws", images="churn")  # error when it runs: a text where a list is due
mlops.FeatureStore("h", platform=cluster, materialize="0 3 * * *")  # error: a text where a schedule is due
mlops.FeatureStore("i", platform=cluster, materialize={"cron": "0 3 * * *", "time_zone": "UTC"})  # error: a misspelt key of a schedule
mlops.FeatureGroup("j", store=store, keys=["id"], event_time="at", features={"id": "string", "at": "double"})  # error: a type that features do not have
mlops.FeatureGroup("k", store=platform, keys=["id"], event_time="at", features={"id": "string", "at": "float"})  # error: a platform where a store is due
mlops.FeatureGroup("l", store=store, keys=["id"], event_time="at", features={"id": "string", "at": "float"}, online=True)  # error: True where settings are due
mlops.FeatureGroup("m", store=store, keys=["id"], features={"id": "string"})  # error: a required argument is missing
mlops.ModelRegistry("n", platform=platform, approvers=[{"role": "lead", "account": "444455556666"}])  # error: two kinds of one principal
mlops.ModelRegistry("o", platform=platform, events={"ci": {"to": "arn", "on": ["aproved"]}})  # error: a misspelt word in a list
mlops.Model("q", registry=store)  # error: a store where a registry is due
mlops.Model("r", registry=registry, gate={"auc": 0.92})  # error: a number where a comparison is due
churn.version("latest")  # error: a word where a number is due
churn.approved(otherwise="waits")  # error: a misspelt choice of a method
mlops.Endpoint("s", platform=platform, model=registry)  # error: a registry where a version is due
mlops.Endpoint("t", platform=platform, model=churn)  # error: a model where a version is due
mlops.Endpoint("u", platform=platform, model=files, reads=[profile.as_of(days=90)])  # error: history where the newest values are due
mlops.Endpoint("v", platform=platform, model=files, reads=[profile])  # error: a group where a view is due
mlops.Endpoint("w", platform=platform, model=files, variants=[{"name": "a", "model": files}])  # error when it runs: model beside variants
mlops.Endpoint("x", platform=platform)  # error when it runs: neither model nor variants
mlops.Endpoint("y", platform=platform, model=files, mode={"serverless": {}, "asynchronous": {}})  # error: two modes
mlops.Endpoint("z", platform=platform, model=files, release={"canary": {"percent": 10}, "linear": {"step_percent": 10}})  # error: two ways to release
mlops.Endpoint("aa", platform=platform, model=files, release={"canary": {"percnt": 10}})  # error: a misspelt key, two levels down
mlops.Endpoint("bb", platform=platform, model=files, scaling={"min": 1, "max": 4})  # error when it runs: bounds without a reason to move
mlops.Endpoint("cc", platform=platform, model=files, secrets={"TOKEN": "s3cret"})  # error: the value where its address is due
mlops.Endpoint("dd", platform=platform, model=files, capture_percent=later.apply(len))  # error: an Output where a number decides
mlops.Endpoint("ee", platform=platform, variants=[{"name": "a"}])  # error: a required key is missing in a list
mlops.Endpoint("ff", platform=platform, model=files, invokers=["web"])  # error: a bare string as an invoker
mlops.Identity("gg", platform=platform, reads=profile.online)  # error: one view where a list is due
mlops.Identity("hh", platform=platform, registers=[registry])  # error: a registry where models are due
mlops.Identity("ii", platform=platform, trusts={"github": {"repository": "acme/ranker", "branch": "main", "environment": "prod"}})  # error: a branch and an environment
mlops.ExperimentTracker("jj", platform=platform, wandb={"entity": "acme", "project": "churn"})  # error: a tracker without its key
mlops.Identity("oo", platform=platform, records=[registry])  # error: a registry where a tracker is due
mlops.Model.existing("kk", registry=platform)  # error: a platform where the registry of an existing model is due
mlops.Endpoint.existing("ll", platform=cluster, url="http://score.models")  # error: the address of what exists
mlops.Identity.existing("mm", platform=platform, called=later)  # error: an Output where something is looked up by name
mlops.Dataset("oo", platform=platform, format="avro")  # error: a format that datasets do not have
mlops.Dataset("pp", platform=platform, format="csv", columns={"id": "text"})  # error: a type that columns do not have
mlops.Dataset("qq", platform=platform, parents=[platform])  # error: a platform where parents are due
mlops.Dataset.existing("rr", platform=platform)  # error: a folder that is not named
mlops.FeatureGroup.existing("nn", platform=platform, store=store)  # error when it runs: two places for what exists
seen = mlops.Endpoint("seen", platform=platform, model=files, capture_percent=20)
shown = mlops.Dataset("shown", platform=platform)
mlops.Monitor("ss", endpoint=platform, baseline=shown.latest(), signals=[{"kind": "bias", "group": "a"}])  # error: a platform where an endpoint is due
mlops.Monitor("tt", endpoint=seen, baseline=shown, signals=[{"kind": "data_drift"}], image="i")  # error: a dataset without one of its versions
mlops.Monitor("uu", endpoint=seen, baseline=shown.latest(), signals=[{"kind": "drift"}], image="i")  # error: a kind that signals do not have
rows = mlops.Dataset("batch-rows", platform=platform, format="csv", columns={"id": "string"})
scores = mlops.Dataset("batch-scores", platform=platform, format="csv")
mlops.BatchInference("ba", platform=platform, model=files, command=["score"], input=rows, output=scores)  # error: a dataset where a version of it is due
mlops.BatchInference("bb", platform=platform, model=files, command=["score"], input=rows.latest(), output=scores, keep="id")  # error when it runs: a text where columns are due
mlops.BatchInference("bc", platform=platform, model=files, command=["score"], input=rows.latest(), output=scores, keep=["idd"])  # error when it runs: a column that the rows do not have
mlops.BatchInference("bd", platform=platform, model=files, command=["score"], input=rows.latest(), output=rows)  # error when it runs: scores that would be rows
learnt = mlops.train(image="i", command=["c"], outputs=["model", "baseline"])
mlops.Loop("la", platform=platform, steps={"fit": learnt}, files="model", baseline=learnt.out("baseline"), monitor_image="i")  # error: a text where an output of a step is due
mlops.Loop("lb", platform=platform, steps={"fit": learnt}, files=learnt.out("model"), baseline=shown, monitor_image="i")  # error: a dataset where a baseline is due
mlops.Loop("lc", platform=platform, steps={"fit": learnt}, files=learnt.out("model"), baseline=shown.latest(), model=registry, monitor_image="i")  # error: a registry where one model is due
mlops.Loop("ld", platform=platform, steps={"fit": learnt}, files=learnt.out("model"), baseline=shown.latest(), gate={"auc": ">=0.9"}, monitor_image="i")  # error when it runs: a gate that no step measures
