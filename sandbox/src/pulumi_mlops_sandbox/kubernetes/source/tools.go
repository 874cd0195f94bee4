//go:build tools

// Package tools names the programs of other modules that are built as they are, so that go.mod keeps what they need.
package tools

import (
	_ "github.com/rancher/local-path-provisioner"
	_ "k8s.io/kubernetes/cmd/kube-proxy"
	_ "k8s.io/kubernetes/cmd/kubelet"
	_ "sigs.k8s.io/kube-network-policies/cmd"
	_ "sigs.k8s.io/metrics-server/cmd/metrics-server"
)
