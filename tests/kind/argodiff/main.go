// SPDX-License-Identifier: Apache-2.0
// Compares objects as Argo CD does: reads JSON, {"desired": ..., "live": ...} a line, and writes for each Synced, or the
// patch of the live object that a sync would send. With a file that has an API server's /openapi/v2, as Argo CD does for
// ServerSideApply=true. The package is Argo CD's own, in the version of go.mod.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/argoproj/gitops-engine/pkg/diff"
	jsonpatch "github.com/evanphx/json-patch/v5"
	openapi "github.com/google/gnostic-models/openapiv2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kube-openapi/pkg/util/proto"
)

type pair struct {
	Desired, Live unstructured.Unstructured
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	var options []diff.Option
	if len(arguments) == 1 {
		parser, err := parserOf(arguments[0])
		if err != nil {
			return err
		}
		options = append(options, diff.WithStructuredMergeDiff(true), diff.WithGVKParser(parser),
			diff.WithManager("argocd-controller"))
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 8<<20) // twice what the API server takes for one object
	for lines.Scan() {
		result, err := compare(lines.Bytes(), options)
		if err != nil {
			return err
		}
		fmt.Println(result)
	}
	return lines.Err()
}

func parserOf(file string) (*managedfields.GvkParser, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	document, err := openapi.ParseDocument(text)
	if err != nil {
		return nil, err
	}
	models, err := proto.NewOpenAPIData(document)
	if err != nil {
		return nil, err
	}
	return managedfields.NewGVKParser(models, false)
}

func compare(line []byte, options []diff.Option) (string, error) {
	var objects pair
	if err := json.Unmarshal(line, &objects); err != nil {
		return "", err
	}
	result, err := diff.Diff(&objects.Desired, &objects.Live, options...)
	if err != nil {
		return "", err
	}
	if !result.Modified {
		return "Synced", nil
	}
	patch, err := jsonpatch.CreateMergePatch(result.NormalizedLive, result.PredictedLive)
	return string(patch), err
}
