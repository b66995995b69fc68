// The list of all apps: rows come, change and go; search and filters; the filters are in the URL.
import { follow, keepingFocus, showAges } from "./live.js";

const byId = (id) => document.getElementById(id);
const list = byId("apps");
const search = byId("search");
const namespace = byId("namespace");
const boxes = [...byId("states").querySelectorAll("input")];
const rows = new Map([...list.children].map((row) => [row.dataset.key, row]));
const texts = new WeakMap();

function textOf(row) {
  if (!texts.has(row)) {
    const parts = row.querySelectorAll(".reason, .message, .address a, .address code");
    texts.set(row, [row.dataset.key, ...[...parts].map((part) => part.textContent)].join("\n").toLowerCase());
  }
  return texts.get(row);
}

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const states = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
  const counts = Object.fromEntries(boxes.map((box) => [box.value, 0]));
  let shown = 0;
  for (const row of rows.values()) {
    const isInScope = (!namespace.value || row.dataset.namespace === namespace.value)
      && words.every((word) => textOf(row).includes(word));
    if (isInScope) counts[row.dataset.state] += 1;
    const isShown = isInScope && states.has(row.dataset.state);
    if (row.hidden === isShown) row.hidden = !isShown;
    shown += isShown;
  }
  for (const box of boxes) box.parentElement.querySelector(".count").textContent = counts[box.value];
  setText(byId("summary"), `${shown} of ${rows.size} ${rows.size === 1 ? "app" : "apps"} shown; ${counts["not-ready"]} not ready.`);
  byId("empty").hidden = shown > 0;
  setText(byId("empty"), rows.size ? "No app matches the search and the filters." : "There are no ExposedApps in this cluster yet.");
}

// A live region speaks whenever its text is set, also to what it was.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function listNamespaces() {
  const names = [...new Set([...rows.values()].map((row) => row.dataset.namespace))].sort();
  if (namespace.value && !names.includes(namespace.value)) names.push(namespace.value);
  if (names.join() === [...namespace.options].slice(1).map((option) => option.value).join()) return;
  const chosen = namespace.value;
  namespace.replaceChildren(namespace.options[0], ...names.map((name) => new Option(name, name)));
  namespace.value = chosen;
}

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html.trim(); // rendered and escaped by the server
  return template.content.firstElementChild;
}

// Rows are sorted by the order that the server gives them.
function placeFor(row) {
  let low = 0;
  let high = list.children.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list.children[middle].dataset.order < row.dataset.order) low = middle + 1;
    else high = middle;
  }
  return list.children[low] ?? null;
}

function put({ key, html }) {
  const row = parse(html);
  const before = rows.get(key);
  showAges(row);
  keepingFocus(before ?? row, () => {
    before?.remove();
    list.insertBefore(row, placeFor(row));
    return row;
  });
  rows.set(key, row);
}

function remember() {
  const query = new URLSearchParams();
  if (search.value) query.set("q", search.value);
  if (namespace.value) query.set("namespace", namespace.value);
  const hidden = boxes.filter((box) => !box.checked).map((box) => box.value);
  if (hidden.length) query.set("hidden", hidden.join());
  history.replaceState(null, "", `?${query}`);
}

function recall() {
  const query = new URLSearchParams(location.search);
  search.value = query.get("q") ?? "";
  const chosen = query.get("namespace");
  if (chosen) namespace.add(new Option(chosen, chosen, true, true));
  const hidden = (query.get("hidden") ?? "").split(",");
  for (const box of boxes) box.checked = !hidden.includes(box.value);
}

byId("filters").addEventListener("input", () => { remember(); filter(); });
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, select, textarea");
  if (event.key === "/" && !isTyping) { event.preventDefault(); search.focus(); }
  if (event.key === "Escape" && event.target === search) { search.value = ""; remember(); filter(); }
});

recall();
listNamespaces();
filter();
byId("filters").hidden = false;

follow({
  apps: ({ rows: changed, deleted }) => {
    for (const key of deleted) { rows.get(key)?.remove(); rows.delete(key); }
    changed.forEach(put);
    listNamespaces();
    filter();
  },
});
