// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
)

const (
	concurrentReconciles = 16
	nameLabel            = "exposedapp.dev/name"
)

type Reconciler struct {
	client.Client
	nodes nodeRing
}

func (r *Reconciler) SetupWithManager(manager ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(manager).
		For(&ExposedApp{}).
		Owns(&appsv1.Deployment{}).
		Owns(&corev1.Service{}).
		Watches(&corev1.Node{}, handler.EnqueueRequestsFromMapFunc(r.appsOfNode), builder.WithPredicates(addressChanges)).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrentReconciles}).
		Complete(r)
}

func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var app ExposedApp
	if err := r.Get(ctx, request.NamespacedName, &app); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !app.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil // owner references delete the children
	}

	metadata := metav1.ObjectMeta{Namespace: app.Namespace, Name: app.Name}
	deployment, service := &appsv1.Deployment{ObjectMeta: metadata}, &corev1.Service{ObjectMeta: metadata}
	if err := r.apply(ctx, &app, deployment, func() { setDeployment(&app, deployment) }); err != nil {
		return ctrl.Result{}, err
	}
	if err := r.apply(ctx, &app, service, func() { setService(&app, service) }); err != nil {
		return ctrl.Result{}, err
	}

	nodes, err := r.nodes.get(ctx, r)
	if err != nil {
		return ctrl.Result{}, err
	}
	before := app.DeepCopy()
	setStatus(&app, deployment, service, nodes)
	if equality.Semantic.DeepEqual(before.Status, app.Status) {
		return ctrl.Result{}, nil
	}
	return ctrl.Result{}, client.IgnoreNotFound(r.Status().Patch(ctx, &app, client.MergeFrom(before)))
}

// apply creates a child, or updates it where it differs. One that has another owner is left alone.
func (r *Reconciler) apply(ctx context.Context, app *ExposedApp, child client.Object, set func()) error {
	_, err := controllerutil.CreateOrUpdate(ctx, r.Client, child, func() error {
		if child.GetResourceVersion() != "" && !metav1.IsControlledBy(child, app) {
			return fmt.Errorf("%T %s is not this app's", child, child.GetName())
		}
		set()
		labels := child.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[nameLabel] = app.Name
		labels["app.kubernetes.io/name"] = app.Name
		labels["app.kubernetes.io/managed-by"] = "go-operator"
		child.SetLabels(labels)
		return controllerutil.SetControllerReference(app, child, r.Scheme())
	})
	return err
}

func setDeployment(app *ExposedApp, deployment *appsv1.Deployment) {
	labels := map[string]string{nameLabel: app.Name}
	spec := &deployment.Spec
	spec.Replicas = app.Spec.Replicas
	spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
	spec.Template.Labels = labels
	if len(spec.Template.Spec.Containers) != 1 {
		spec.Template.Spec.Containers = make([]corev1.Container, 1)
	}
	container := &spec.Template.Spec.Containers[0]
	container.Name, container.Image, container.Ports = "app", app.Spec.Image, nil
	for _, port := range app.Spec.Ports {
		if target := targetOf(port); target.Type == intstr.Int {
			container.Ports = append(container.Ports, corev1.ContainerPort{
				Name: port.Name, ContainerPort: target.IntVal, Protocol: corev1.ProtocolTCP,
			})
		}
	}
}

func setService(app *ExposedApp, service *corev1.Service) {
	nodePorts := map[int32]int32{}
	for _, port := range service.Spec.Ports {
		nodePorts[port.Port] = port.NodePort
	}
	service.Spec.Type = corev1.ServiceTypeNodePort
	service.Spec.Selector = map[string]string{nameLabel: app.Name}
	service.Spec.Ports = make([]corev1.ServicePort, len(app.Spec.Ports))
	for i, port := range app.Spec.Ports {
		service.Spec.Ports[i] = corev1.ServicePort{
			Name: port.Name, Protocol: corev1.ProtocolTCP, Port: port.Port, TargetPort: targetOf(port),
			NodePort: nodePorts[port.Port], // without it the API server allocates another
		}
	}
}

func targetOf(port AppPort) intstr.IntOrString {
	if port.TargetPort != nil {
		return *port.TargetPort
	}
	return intstr.FromInt32(port.Port)
}

func setStatus(app *ExposedApp, deployment *appsv1.Deployment, service *corev1.Service, nodes ring) {
	status := &app.Status
	status.ObservedGeneration = app.Generation
	status.Ports = make([]PortStatus, len(service.Spec.Ports))
	for i, port := range service.Spec.Ports {
		status.Ports[i] = PortStatus{port.Name, port.Port, port.TargetPort, port.NodePort, string(port.Protocol)}
	}
	status.ClusterIPs = service.Spec.ClusterIPs
	status.URL, status.URLs = "", nodes.urls(app, status.Ports)
	if len(status.URLs) > 0 {
		status.URL = status.URLs[0]
	}
	status.Nodes = NodeCounts{Eligible: len(nodes), Listed: len(status.URLs)}
	status.Replicas, status.ReadyReplicas = deployment.Status.Replicas, deployment.Status.ReadyReplicas

	ready := workload(deployment)
	set := func(kind string, condition metav1.Condition) {
		condition.Type, condition.ObservedGeneration = kind, app.Generation
		meta.SetStatusCondition(&status.Conditions, condition)
	}
	set("WorkloadAvailable", ready)
	set("ServiceReady", metav1.Condition{Status: "True", Reason: "Available", Message: "The Service has its ports."})
	set("Reachable", metav1.Condition{Status: "Unknown", Reason: "NotProbed", Message: "This operator does not probe."})
	if len(status.URLs) == 0 {
		ready = metav1.Condition{Status: "False", Reason: "NoEligibleNode", Message: "No node forwards."}
	}
	set("Ready", ready)
}

// workload says whether the pods are as the spec has them. A Deployment without replicas has 1.
func workload(deployment *appsv1.Deployment) metav1.Condition {
	wanted, observed := int32(1), deployment.Status
	if deployment.Spec.Replicas != nil {
		wanted = *deployment.Spec.Replicas
	}
	switch {
	case wanted == 0:
		return metav1.Condition{Status: "True", Reason: "ScaledToZero", Message: "Scaled to zero."}
	case observed.ObservedGeneration >= deployment.Generation && observed.AvailableReplicas >= wanted &&
		observed.UpdatedReplicas >= wanted:
		return metav1.Condition{Status: "True", Reason: "Available", Message: "The pods are available."}
	default:
		message := fmt.Sprintf("%d of %d pods are available.", observed.AvailableReplicas, wanted)
		return metav1.Condition{Status: "False", Reason: "Progressing", Message: message}
	}
}
