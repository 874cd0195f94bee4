"""Steps of pipelines, one module a kind: values that a Pipeline holds, and no resources of their own."""
