// SPDX-License-Identifier: Apache-2.0
// Reads a CustomResourceDefinition as JSON and prints why an API server refuses it, one reason a line.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func main() {
	var external v1.CustomResourceDefinition
	if err := json.NewDecoder(os.Stdin).Decode(&external); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	scheme := runtime.NewScheme()
	install.Install(scheme)
	scheme.Default(&external)
	var internal apiextensions.CustomResourceDefinition
	if err := scheme.Convert(&external, &internal, nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	internal.Status.StoredVersions = []string{"v1alpha1"}
	for _, err := range validation.ValidateCustomResourceDefinition(context.Background(), &internal) {
		fmt.Println(err)
	}
}
