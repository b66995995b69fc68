// Prometheus Operator's CustomResourceDefinitions, for tests/e2e/test_monitoring.py: files of this module's, nothing is
// compiled. Nothing imports it either, so `go mod tidy` would drop it; another version: `go get MODULE@VERSION`.
module exposedapp.dev/tests/kind/prometheus-crds

go 1.26.6

require github.com/prometheus-operator/prometheus-operator v0.85.0
