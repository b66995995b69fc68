// SPDX-License-Identifier: Apache-2.0
package main

import (
	"cmp"
	"context"
	"hash/fnv"
	"net"
	"slices"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	exclusionLabel    = "node.kubernetes.io/exclude-from-external-load-balancers"
	controlPlaneLabel = "node-role.kubernetes.io/control-plane"
	defaultLimit      = 16
)

type host struct {
	position uint64
	address  string
}

// ring has the addresses of all nodes that forward, as a consistent hash ring: an app lists those that follow its own
// position. So a node's change touches the apps that list it, and no others.
type ring []host

// nodeRing keeps the ring until a node changes: with many nodes, it costs more than the rest of a reconcile.
type nodeRing struct {
	mutex sync.Mutex
	ring  ring
}

func (kept *nodeRing) get(ctx context.Context, reader client.Reader) (ring, error) {
	kept.mutex.Lock()
	defer kept.mutex.Unlock()
	if kept.ring != nil {
		return kept.ring, nil
	}
	var nodes corev1.NodeList
	if err := reader.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	kept.ring = make(ring, 0, len(nodes.Items))
	for i := range nodes.Items {
		if address := addressOf(&nodes.Items[i]); address != "" {
			kept.ring = append(kept.ring, host{position(nodes.Items[i].Name), address})
		}
	}
	slices.SortFunc(kept.ring, func(a, b host) int { return cmp.Compare(a.position, b.position) })
	return kept.ring, nil
}

func (kept *nodeRing) forget() {
	kept.mutex.Lock()
	defer kept.mutex.Unlock()
	kept.ring = nil
}

// urls of an app at the node port of its first port.
func (nodes ring) urls(app *ExposedApp, ports []PortStatus) []string {
	if len(ports) == 0 || len(app.Spec.Ports) == 0 {
		return nil
	}
	limit := app.Spec.Nodes.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	first, _ := slices.BinarySearchFunc(nodes, position(string(app.UID)), func(node host, wanted uint64) int {
		return cmp.Compare(node.position, wanted)
	})
	urls, port := make([]string, min(limit, len(nodes))), strconv.Itoa(int(ports[0].NodePort))
	for i := range urls {
		address := nodes[(first+i)%len(nodes)].address
		urls[i] = "http://" + net.JoinHostPort(address, port) + app.Spec.Ports[0].Path
	}
	return urls
}

// addressOf is the InternalIP of a node that forwards, else empty.
func addressOf(node *corev1.Node) string {
	_, excluded := node.Labels[exclusionLabel]
	_, controlPlane := node.Labels[controlPlaneLabel]
	if !node.DeletionTimestamp.IsZero() || (excluded && !controlPlane) || !isReady(node) {
		return ""
	}
	for _, address := range node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP {
			return address.Address
		}
	}
	return ""
}

func isReady(node *corev1.Node) bool {
	return slices.ContainsFunc(node.Status.Conditions, func(condition corev1.NodeCondition) bool {
		return condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue
	})
}

// addressChanges leaves out heartbeats. At the start every app is reconciled anyway.
var addressChanges = predicate.Funcs{
	CreateFunc: func(e event.CreateEvent) bool { return !e.IsInInitialList },
	UpdateFunc: func(e event.UpdateEvent) bool {
		return addressOf(e.ObjectOld.(*corev1.Node)) != addressOf(e.ObjectNew.(*corev1.Node))
	},
}

// appsOfNode are the apps whose URLs are no longer those of their status.
func (r *Reconciler) appsOfNode(ctx context.Context, _ client.Object) []reconcile.Request {
	r.nodes.forget()
	nodes, err := r.nodes.get(ctx, r)
	var apps ExposedAppList
	if err == nil {
		err = r.List(ctx, &apps, client.UnsafeDisableDeepCopy)
	}
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "The apps of a node are not known")
		return nil
	}
	var requests []reconcile.Request
	for i := range apps.Items {
		app := &apps.Items[i]
		if !slices.Equal(nodes.urls(app, app.Status.Ports), app.Status.URLs) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(app)})
		}
	}
	return requests
}

// position on the ring. FNV alone leaves names that differ in their last characters close together.
func position(name string) uint64 {
	hash := fnv.New64a()
	hash.Write([]byte(name))
	value := hash.Sum64()
	value = (value ^ value>>33) * 0xff51afd7ed558ccd
	return value ^ value>>33
}
