"""The library's rules in profile `dev`."""

from pulumi_mlops.policies.pack import serve

serve(profile="dev")
