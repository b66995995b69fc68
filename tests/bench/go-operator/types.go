// SPDX-License-Identifier: Apache-2.0
package main

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// The fields of deploy/chart/exposedapp/files/crd.yaml that the benchmark's apps use.

type ExposedAppSpec struct {
	Image    string    `json:"image,omitempty"`
	Replicas *int32    `json:"replicas,omitempty"`
	Ports    []AppPort `json:"ports,omitempty"`
	Nodes    AppNodes  `json:"nodes,omitzero"`
}

type AppPort struct {
	Name       string              `json:"name,omitempty"`
	Port       int32               `json:"port"`
	TargetPort *intstr.IntOrString `json:"targetPort,omitempty"`
	Path       string              `json:"path,omitempty"`
}

type AppNodes struct {
	Limit int `json:"limit,omitempty"`
}

type ExposedAppStatus struct {
	ObservedGeneration int64              `json:"observedGeneration"`
	URL                string             `json:"url,omitempty"`
	URLs               []string           `json:"urls,omitempty"`
	Nodes              NodeCounts         `json:"nodes,omitzero"`
	Ports              []PortStatus       `json:"ports,omitempty"`
	ClusterIPs         []string           `json:"clusterIPs,omitempty"`
	Replicas           int32              `json:"replicas"`
	ReadyReplicas      int32              `json:"readyReplicas"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

type NodeCounts struct {
	Eligible int `json:"eligible"`
	Listed   int `json:"listed"`
}

type PortStatus struct {
	Name       string             `json:"name,omitempty"`
	Port       int32              `json:"port"`
	TargetPort intstr.IntOrString `json:"targetPort"`
	NodePort   int32              `json:"nodePort,omitempty"`
	Protocol   string             `json:"protocol"`
}

type ExposedApp struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ExposedAppSpec   `json:"spec"`
	Status ExposedAppStatus `json:"status,omitzero"`
}

type ExposedAppList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ExposedApp `json:"items"`
}

func addToScheme(scheme *runtime.Scheme) error {
	version := schema.GroupVersion{Group: "exposedapp.dev", Version: "v1alpha1"}
	scheme.AddKnownTypes(version, &ExposedApp{}, &ExposedAppList{})
	metav1.AddToGroupVersion(scheme, version)
	return nil
}

// DeepCopy is what controller-gen would generate, as are the two below.
// What pointers point to is never changed in place.
func (app *ExposedApp) DeepCopy() *ExposedApp {
	copied := *app
	copied.ObjectMeta = *app.ObjectMeta.DeepCopy()
	copied.Spec.Ports = slices.Clone(app.Spec.Ports)
	copied.Status.URLs = slices.Clone(app.Status.URLs)
	copied.Status.Ports = slices.Clone(app.Status.Ports)
	copied.Status.ClusterIPs = slices.Clone(app.Status.ClusterIPs)
	copied.Status.Conditions = slices.Clone(app.Status.Conditions)
	return &copied
}

func (app *ExposedApp) DeepCopyObject() runtime.Object { return app.DeepCopy() }

func (list *ExposedAppList) DeepCopyObject() runtime.Object {
	copied := *list
	copied.Items = make([]ExposedApp, len(list.Items))
	for i := range list.Items {
		copied.Items[i] = *list.Items[i].DeepCopy()
	}
	return &copied
}
