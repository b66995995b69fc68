-- What Argo CD shows as the health of an ExposedApp. To install it, put this file into the ConfigMap
-- argocd-cm, in Argo CD's namespace, as the value of the key
--   resource.customizations.health.exposedapp.dev_ExposedApp

local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function is_true(kind)
  return conditions[kind] ~= nil and conditions[kind].status == "True"
end

-- Whether the status is about the spec as it is now.
local answered = conditions.Ready ~= nil and (status.observedGeneration or -1) >= obj.metadata.generation

local function health()
  if obj.spec.suspend == true then
    return "Suspended"
  elseif not answered then
    return "Progressing"
  elseif is_true("Stalled") then
    return "Degraded"
  elseif is_true("Ready") then
    return "Healthy"
  elseif is_true("Reconciling") then
    return "Progressing"
  end
  return "Degraded"
end

return {
  status = health(),
  message = answered and conditions.Ready.message or "The operator has not answered this spec yet.",
}
