{{/*
What the operator may do in the namespaces of apps: each verb is one that it uses. In a ClusterRole, or with
watchNamespaces in a Role of each.
*/}}
{{- define "exposedapp.rules" -}}
# Reads what is wanted; users write it, the operator never does. One is asked for by name before a
# child that has gone is made again.
- apiGroups: [exposedapp.dev]
  resources: [exposedapps]
  verbs: [get, list, watch]
# Says what became of it.
- apiGroups: [exposedapp.dev]
  resources: [exposedapps/status]
  verbs: [patch]
# Sets no finalizer. Where the admission plugin OwnerReferencesPermissionEnforcement is on, this is
# what allows owner references with blockOwnerDeletion.
- apiGroups: [exposedapp.dev]
  resources: [exposedapps/finalizers]
  verbs: [update]
# The app's pods. Server-side apply is a patch, and needs create for an object that is not there
# yet. Deleted only when an app turns from an image to pods that run already, and was not adopted;
# otherwise the garbage collector does that.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
# The app's port on every node.
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch]
# Whether the Service has pods that are ready, and on which nodes.
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
# Why an app's pods are not ready; listed by selector, and only while they are not.
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
# What happened to an app, for kubectl describe. Listed are those of one pod, or of its volume claims, while it is
# not ready and its status does not say why.
- apiGroups: [""]
  resources: [events]
  verbs: [list, create, patch]
{{- end }}
