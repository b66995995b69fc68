{{- define "exposedapp.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The release's name when that says enough already, else RELEASE-exposedapp. */}}
{{- define "exposedapp.fullname" -}}
{{- $name := include "exposedapp.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What the Deployment selects its pods by: never changes within a release. */}}
{{- define "exposedapp.selectorLabels" -}}
app.kubernetes.io/name: {{ include "exposedapp.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Of every object; those that the chart sets win over commonLabels. */}}
{{- define "exposedapp.labels" -}}
{{- $version := dict
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
}}
{{- mergeOverwrite (dict) (default dict .Values.commonLabels) (include "exposedapp.selectorLabels" . | fromYaml) $version | toYaml }}
{{- end }}

{{/*
In a service mesh the pod's own proxy accepts each connection, so that every URL would seem to answer. These
keep Istio (a sidecar, or ambient mode) and Linkerd from it; podLabels and podAnnotations can override them.
*/}}
{{- define "exposedapp.podLabels" -}}
{{- $outsideMesh := dict "sidecar.istio.io/inject" "false" "istio.io/dataplane-mode" "none" }}
{{- mergeOverwrite (dict) $outsideMesh .Values.commonLabels .Values.podLabels (include "exposedapp.selectorLabels" . | fromYaml) | toYaml }}
{{- end }}

{{- define "exposedapp.podAnnotations" -}}
{{- $outsideMesh := dict "sidecar.istio.io/inject" "false" "linkerd.io/inject" "disabled" }}
{{- mergeOverwrite (dict) $outsideMesh .Values.podAnnotations | toYaml }}
{{- end }}

{{- define "exposedapp.catalogName" -}}
{{- printf "%s-catalog" (include "exposedapp.fullname" . | trunc 55 | trimSuffix "-") }}
{{- end }}

{{/* Another name than the operator's: what selects the operator's pods must not select these. */}}
{{- define "exposedapp.catalogSelectorLabels" -}}
app.kubernetes.io/name: {{ include "exposedapp.name" . | trunc 55 | trimSuffix "-" }}-catalog
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Of a NetworkPolicy: what every pod here needs that talks to the API server. */}}
{{- define "exposedapp.apiServerEgress" -}}
# DNS
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
# The API server
- ports:
    {{- range .Values.networkPolicy.apiServerPorts }}
    - port: {{ . }}
    {{- end }}
{{- end }}

{{/* The same of a pod that fetches URLs of nodes; a network may see the pod behind a port of its own node. */}}
{{- define "exposedapp.nodePortEgress" -}}
- ports:
    - port: {{ .Values.networkPolicy.nodePorts.first }}
      endPort: {{ .Values.networkPolicy.nodePorts.last }}
- to:
    - namespaceSelector: {}
{{- end }}

{{- define "exposedapp.catalogLabels" -}}
{{- mergeOverwrite (include "exposedapp.labels" . | fromYaml) (include "exposedapp.catalogSelectorLabels" . | fromYaml) | toYaml }}
{{- end }}

{{- define "exposedapp.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "exposedapp.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is not set: with serviceAccount.create=false, name the account that the operator runs as" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Not empty when the operator needs rights in the cluster as a whole, if only on nodes. */}}
{{- define "exposedapp.hasClusterRole" -}}
{{- if not (and .Values.watchNamespaces .Values.nodes.host) }}true{{ end }}
{{- end }}

{{/* Operators of all namespaces exclude each other; those of some have a Lease for each release. */}}
{{- define "exposedapp.leaseName" -}}
{{- if .Values.watchNamespaces }}{{ include "exposedapp.fullname" . }}{{ else }}exposedapp{{ end }}
{{- end }}

{{/* Where an app is reconciled: the release's namespace if it is watched, else the first that is. */}}
{{- define "exposedapp.testNamespace" -}}
{{- if or (not .Values.watchNamespaces) (has .Release.Namespace .Values.watchNamespaces) }}
{{- .Release.Namespace }}
{{- else }}
{{- first .Values.watchNamespaces }}
{{- end }}
{{- end }}

{{/* Of the webhook's Service, Secret, roles and configuration. */}}
{{- define "exposedapp.admissionName" -}}
{{- printf "%s-admission" (include "exposedapp.fullname" . | trunc 53 | trimSuffix "-") }}
{{- end }}

{{/* [REGISTRY/]REPOSITORY[:TAG][@DIGEST] */}}
{{- define "exposedapp.image" -}}
{{- $unset := "image.repository is not set: no image of the operator is published, so build one and push it to a registry that your cluster pulls from (make push IMAGE=REGISTRY/NAME:TAG), then add --set image.repository=REGISTRY/NAME --set image.tag=TAG" }}
{{- with .Values.image.registry | default .Values.global.imageRegistry }}{{ . }}/{{ end }}
{{- required $unset .Values.image.repository }}
{{- $tag := .Values.image.tag | default (ternary "" .Chart.AppVersion (ne .Values.image.digest "")) }}
{{- with $tag }}:{{ . }}{{ end }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/*
Adds the values that the release's own lack. `helm upgrade --reuse-values` brings those of the chart that
was installed, without the defaults of this one. Each template that reads .Values begins with it.
files/values.yaml is a copy of values.yaml, which a template cannot read.
*/}}
{{- define "exposedapp.defaults" -}}
{{- include "exposedapp.addMissing" (list .Values (.Files.Get "files/values.yaml" | fromYaml)) }}
{{- end }}

{{/* Not merge: that takes false, 0 and "" for missing. In what is passed on to Kubernetes, what lacks is left out on purpose. */}}
{{- define "exposedapp.addMissing" -}}
{{- $passedOn := list "resources" "podSecurityContext" "securityContext" "livenessProbe" "readinessProbe" "namespaceSelector" "issuerRef" }}
{{- $values := index . 0 }}
{{- range $key, $default := index . 1 }}
{{- if not (hasKey $values $key) }}
{{- $_ := set $values $key $default }}
{{- else if and (not (has $key $passedOn)) (kindIs "map" $default) (kindIs "map" (index $values $key)) }}
{{- include "exposedapp.addMissing" (list (index $values $key) $default) }}
{{- end }}
{{- end }}
{{- end }}
