"""One mistake a line; each must be seen on its own line."""

import pulumi_mlops as mlops

platform = mlops.Platform("churn", backend="aws")
store = mlops.FeatureStore("features", platform=platform)
profile = mlops.FeatureGroup("p", store=store, keys=["id"], event_time="at", features={"id": "string", "at": "float"})
files = mlops.ModelFiles(image="registry/image:1")

mlops.Platform("a", backend="aws", sttage="prod")  # error: a misspelt argument
mlops.Platform("b", backend="aws", stage="blue", profile="production")  # error: a wrong literal
mlops.Endpoint("c", platform=platform, model=files, scaling={"min": "two"})  # error: a wrong type, nested
mlops.Endpoint("d", platform=profile, model=files)  # error: another noun
mlops.Endpoint("e", model=files)  # error: a required argument is missing
mlops.Endpoint("f", platform=platform, model=files, scaling={"minimum": 1})  # error: an unknown nested key
mlops.Endpoint("g", platform=platform, model=files, reads=[profile])  # error: a group where a view is due
mlops.FeatureGroup("h", store=store, keys=["id"], event_time="at", features={"id": "text"})  # error: no such type
mlops.Endpoint("i", platform=platform, model=files, release={"canary": {"percnt": 10}})  # error: two levels down
mlops.Endpoint("j", platform=platform, model=files, release={"owner": "nobody"})  # error: a wrong literal, nested
mlops.Endpoint("k", platform=platform, variants=[{"name": "a"}])  # error: a required key is missing in a list
mlops.Platform("l", backend="aws", network={"private": {"zones": "two"}})  # error: a wrong type, two levels down
mlops.Model("m", registry=store)  # error: a store where a registry is due
mlops.ModelRegistry("n", platform=platform, events={"ci": {"to": "arn", "on": ["aproved"]}})  # error: a wrong word
