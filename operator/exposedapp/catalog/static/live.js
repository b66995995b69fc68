// What both pages share: the stream of events, ages, and the copy buttons.

const RETRY_MILLISECONDS = 3000;
const DATES = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

// Follow the page's events. A browser reconnects by itself after a lost connection, but not after an
// answer other than 200, which the catalog gives while its own watch is interrupted.
export function follow(handlers) {
  const { events, since } = document.body.dataset;
  let last = since;
  const open = () => {
    const source = new EventSource(`${events}?since=${encodeURIComponent(last)}`);
    source.addEventListener("live", () => setLive(true));
    source.addEventListener("seen", (event) => { last = event.lastEventId; });
    source.addEventListener("reload", () => location.reload());
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
    }
    source.addEventListener("error", () => {
      setLive(false);
      source.close();
      setTimeout(open, RETRY_MILLISECONDS);
    });
  };
  open();
}

function setLive(isLive) {
  document.getElementById("offline").hidden = isLive;
  document.body.dataset.live = isLive;
}

export function showAges(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = Date.parse(time.dateTime);
    if (Number.isNaN(moment)) continue;
    const seconds = Math.max(0, (Date.now() - moment) / 1000);
    const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? UNITS.at(-1);
    time.textContent = `${Math.floor(seconds / size)} ${unit}`;
    time.title = DATES.format(moment);
  }
}

// Run a change of the page and give the focus back to the element that stands where it was.
export function keepingFocus(root, change) {
  const focusable = (element) => [...element.querySelectorAll("a, button")];
  const index = focusable(root).indexOf(document.activeElement);
  const changed = change();
  if (index >= 0) focusable(changed)[index]?.focus({ preventScroll: true });
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Browsers have no clipboard for pages over plain HTTP.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  await copy(button.dataset.copy);
  button.focus({ preventScroll: true });
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
});

setInterval(() => showAges(document), 30000);
showAges(document);
