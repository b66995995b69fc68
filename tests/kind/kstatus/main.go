// SPDX-License-Identifier: Apache-2.0
// Says what kstatus makes of objects: reads JSON, one object a line, and writes for each its status, a tab, and why.
// It is the package that Helm 4 waits with, in the version that go.mod has for Helm.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 4<<20) // more than the API server takes for one object
	for lines.Scan() {
		verdict, why := judge(lines.Bytes())
		fmt.Printf("%s\t%s\n", verdict, strings.ReplaceAll(why, "\n", " "))
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func judge(line []byte) (verdict, why string) {
	var object unstructured.Unstructured
	if err := object.UnmarshalJSON(line); err != nil {
		return "Error", err.Error()
	}
	result, err := status.Compute(&object)
	if err != nil {
		return "Error", err.Error()
	}
	return result.Status.String(), result.Message
}
