// What moves: times that tick, parts that the server sends, keys, and the box to jump with. Pages work without it.
"use strict";
{
const main = document.getElementById("page"), began = performance.now();
const first = Date.parse(main?.dataset.now) || Date.now();
const now = () => first + performance.now() - began;

// ---- times, as words.py and saying.py say them
const two = (n) => String(n).padStart(2, "0");
const ago = (s) => s < 60 ? `${s} s` : s < 3600 ? `${s / 60 | 0} min` : s < 86400 ? `${s / 3600 | 0} h`
  : s < 172800 ? "1 day" : `${s / 86400 | 0} days`;
const and = (n, unit, rest, small) => rest ? `${n} ${unit} ${rest} ${small}` : `${n} ${unit}`;
const span = (s) => s < 90 ? `${s} s` : s < 5400 ? `${s / 60 | 0} min`
  : s < 86400 ? and(s / 3600 | 0, "h", (s / 60 | 0) % 60, "min")
  : and(s / 86400 | 0, "d", s < 604800 ? (s / 3600 | 0) % 24 : 0, "h");
const set = (node, text) => { if (node.textContent !== text) node.textContent = text; };

function tick() {
  const at = now();
  for (const time of document.querySelectorAll("time[data-tick]")) {
    const seconds = (Date.parse(time.dateTime) - at) / 1000, words = time.dataset.tick === "ago" ? ago : span;
    const long = words(Math.max(0, words === ago ? -seconds | 0 : Math.round(Math.abs(seconds))));
    set(time, seconds > 0 ? `in ${long}` : `${long} ago`);
  }
  for (const time of document.querySelectorAll("time[data-clock]")) {
    const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)$/.exec(time.dateTime) || [0, "+", 0, 0];
    const here = new Date(at + `${sign}1` * (hours * 60 + +minutes) * 60000);
    set(time, [here.getUTCHours(), here.getUTCMinutes(), here.getUTCSeconds()].map(two).join(":"));
  }
}
tick();
setInterval(tick, 1000);

// ---- parts, changed in place: nodes stay, so that focus, scroll and what is open stay too
function morph(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) return from.replaceWith(to.cloneNode(true));
  if (from.nodeType === 3) { if (from.data !== to.data) from.data = to.data; return; }
  if (from.nodeType !== 1 || from.matches("input, select, textarea, details") || from.isEqualNode(to)) return;
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name)) from.removeAttribute(name);
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  if (!from.matches("time[data-tick]")) children(from, to);
}

function children(from, to) {
  const old = [...from.childNodes], next = [...to.childNodes];
  next.forEach((node, n) => old[n] ? morph(old[n], node) : from.append(node.cloneNode(true)));
  old.slice(next.length).forEach((node) => node.remove());
}

// A row that is chosen, typed in or marked stays as it is.
const isUsed = (node) => node.querySelector(":checked, :is(input, select, textarea):focus")
  || (!getSelection().isCollapsed && getSelection().containsNode(node, true));

// Nothing moves under a pointer that rests on it, nor in its list: what would move it is put off.
function change(node, to, how) {
  if (isUsed(node)) return false;
  const under = main.querySelector(":is(tr, li, a, button, svg):hover"), before = under && node.cloneNode(true);
  const at = () => under?.getBoundingClientRect().top + (node.parentNode.matches("tbody:hover, ul:hover") && node.offsetHeight);
  const was = at();
  how(node, to);
  if (!under || at() === was) return true;
  how(node, before);
  return false;
}

function rows(list, found) {
  let fresh = 0, done = true;
  for (const row of found.querySelectorAll("[data-row]")) {
    const here = list.querySelector(`[data-row="${CSS.escape(row.dataset.row)}"]`);
    if (!here) fresh += 1;
    else if (!change(here, row, morph)) done = false;
  }
  let newer = list.querySelector("#newer");
  if (!fresh) newer?.remove();
  else if (!newer) {
    newer = document.createElement("a");
    Object.assign(newer, { id: "newer", className: "newer", href: location.href });
    list.prepend(newer);
  }
  if (fresh) set(newer, `${fresh} new`);
  return done;
}

const late = new Map(); // what was put off, by the names of parts

function show(event) {
  const { type, data } = event;
  if (type === "title") document.title = new DOMParser().parseFromString(data, "text/html").body.textContent;
  else if (type === "icon") document.querySelector("link[rel=icon]").href = data;
  else if (type === "at") { shown = data; [...late.values()].forEach(show); }
  else {
    const found = document.createElement("template");
    found.innerHTML = data;
    let done = true;
    for (const list of document.querySelectorAll(`[data-part="${type}"]`)) {
      if (!("rows" in list.dataset ? rows(list, found.content) : change(list, found.content, children))) done = false;
    }
    if (done) late.delete(type);
    else late.set(type, event);
    keyed();
  }
  tick();
}

// ---- one stream a page, while it is seen and nobody stopped it
const pill = document.getElementById("live"), still = document.getElementById("still");
let source = null, heard = 0, shown = main?.dataset.now ?? "", broke = 0, stopped = false;

function says(state, reason) {
  pill.dataset.state = state;
  pill.setAttribute("aria-pressed", state === "live");
  set(pill.querySelector("span"), { live: "Live", stopped: "Stopped", broken: "Not live" }[state]);
  still.hidden = state !== "broken";
  if (reason) set(still.querySelector("p + p"), `${reason} It shows the state of ${shown.slice(11, 19)}.`);
}

function close() {
  source?.close();
  source = null;
}

function open() {
  if (source || stopped || document.hidden) return;
  source = new EventSource(main.dataset.live);
  const over = (reason) => () => { close(); stopped = true; says("broken", reason); };
  source.addEventListener("over", over("You are signed out, or not in this team any more."));
  source.addEventListener("gone", over("What it shows is not there any more."));
  source.addEventListener("full", over("Too many pages are live at once."));
  const parts = [...document.querySelectorAll("[data-part]")].map((part) => part.dataset.part);
  for (const name of ["title", "icon", "at", ...parts]) source.addEventListener(name, show);
  source.addEventListener("at", () => { broke = 0; heard = Date.now(); says("live"); });
  source.onerror = () => {
    broke ||= Date.now();
    says("broken", `The connection broke ${span((Date.now() - broke) / 1000 | 0)} ago.`);
    if (source.readyState === 2) { close(); setTimeout(open, 5000); }
  };
}

if (pill) {
  setInterval(() => {
    if (source && pill.dataset.state === "live" && Date.now() - heard > 20000) says("broken", "Nothing has come for 20 s.");
  }, 1000);
  pill.hidden = false;
  pill.addEventListener("click", () => {
    stopped = !(stopped || pill.dataset.state === "broken");
    close();
    says(stopped ? "stopped" : "live");
    open();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return open();
    close();
    if (pill.dataset.state === "live") says("stopped");
  });
  addEventListener("pagehide", close);
  addEventListener("beforeunload", () => { close(); setTimeout(open, 5000); }); // Firefox complains of a stream that is cut off
  addEventListener("pageshow", open);
}

// ---- what was done is said for 5 s, and not again when the page is loaded again
const toast = document.querySelector("[data-undo]");
if (toast) {
  const address = new URL(location);
  address.searchParams.delete("did");
  history.replaceState(null, "", address);
  const fade = () => toast.matches(":focus-within, :hover") ? setTimeout(fade, 1000) : toast.remove();
  setTimeout(fade, 5000);
}

// ---- a box over the page, for what is a page of its own without script
let box = null, early = null; // what is typed while it is fetched is meant for its field

async function boxed(link) {
  early = "";
  const answer = await fetch(link.href, { headers: { "HX-Request": "true" } }).catch(() => ({}));
  if (answer.status !== 200) return location.assign(link.href);
  box ??= document.body.appendChild(document.createElement("dialog"));
  box.className = "live-box";
  box.setAttribute("aria-label", link.getAttribute("aria-label") || link.firstChild.textContent);
  box.innerHTML = await answer.text();
  htmx.process(box);
  box.showModal();
  const field = box.querySelector("input");
  if (field && early) {
    field.value = early;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  early = null;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-box]");
  if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey) { event.preventDefault(); boxed(link); }
  else if (event.target === box) box.close();
});

// ---- keys: what has data-key is pressed by it, and shows it
const go = { o: "", c: "/crons", q: "/queues", j: "/jobs", d: "/dead-letters", a: "/alerts", s: "/settings/" };
const links = () => [...document.querySelectorAll("#page :is(.rows tbody tr, .groups > li, .needs > li)")].map((row) => row.querySelector("a")).filter(Boolean);
const FIELDS = "input, select, textarea, [contenteditable]";
let after = "";

function step(by) {
  const all = links(), here = all.indexOf(document.activeElement);
  all[Math.max(0, Math.min(all.length - 1, here < 0 ? 0 : here + by))]?.focus();
}

function choose(key) {
  const all = [...document.querySelectorAll("#page tbody [type=checkbox]")];
  if (key === "a") {
    const isOn = all.some((box) => !box.checked);
    return all.forEach((box) => { box.checked = isOn; });
  }
  const here = all.findIndex((box) => box.closest("tr").contains(document.activeElement));
  if (here < 0) return;
  const from = key === "X" ? all.slice(0, here).findLastIndex((box) => box.checked) : -1;
  if (from < 0) all[here].click();
  else all.slice(from, here + 1).forEach((box) => { box.checked = true; });
}

// Out of a field; then what is open closes, what is chosen is let go, and the page before this one in the path comes.
function leave(at) {
  const opened = document.querySelector(":is(.switcher, .others)[open]");
  const chosen = document.querySelectorAll("#page tbody :checked");
  const typed = [...document.querySelectorAll("#page form[method=post] :is(input, textarea)")]
    .some((one) => one.value !== one.defaultValue || one.checked !== one.defaultChecked);
  if (at.matches(FIELDS)) at.value && at.type === "search" || at.blur();
  else if (opened) { opened.open = false; opened.firstElementChild.focus(); }
  else if (toast?.isConnected) { toast.remove(); look(document.querySelector("h1")); }
  else if (chosen.length) chosen.forEach((box) => { box.checked = false; });
  else if (!typed) document.querySelector(".crumbs a:last-of-type")?.click();
}

function send(form) {
  (form?.querySelector(".main-act[type=submit]") || form?.querySelector("[type=submit]"))?.click();
}

function press(key) {
  const home = document.querySelector(".jump")?.getAttribute("href").replace(/\/jump$/, "");
  if (after === "g" && key in go) return document.querySelector(`.nav a[href${key === "s" ? "^" : ""}="${home}${go[key]}"]`)?.click();
  if (key === "j" || key === "k") return step(key === "j" ? 1 : -1);
  if (key === "h" || key === "l") return document.querySelector(`#page a[rel=${key === "h" ? "prev" : "next"}]`)?.click();
  if ("xXa".includes(key)) return choose(key);
  document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.click();
}

function arrows(event) {
  const all = [...box.querySelectorAll("li a")], by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const next = by && all[Math.max(0, all.indexOf(document.activeElement) + by)];
  if (event.key === "Escape") { document.activeElement.blur(); box.close(); } // else it only empties the field
  else if (event.key === "Enter" && document.activeElement.matches("input")) all[0]?.click();
  else if (next) next.focus();
  else return;
  event.preventDefault();
}

document.addEventListener("keydown", (event) => {
  if (box?.open) return arrows(event);
  if (early !== null && event.key.length === 1 && !(event.ctrlKey || event.metaKey)) {
    early += event.key;
    return event.preventDefault();
  }
  if (!main || !("keys" in main.dataset)) return;
  if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) return send(event.target.form);
  if (event.key === "Escape") return leave(event.target);
  if (event.metaKey || event.ctrlKey || event.altKey || event.repeat && !"jk".includes(event.key)) return;
  if (event.target.closest(FIELDS)) return;
  if (event.key === "/") event.preventDefault();
  if (event.key !== "g") press(event.key);
  after = event.key;
});

function label(button, shown, name) {
  if (button.querySelector("kbd")) return;
  const key = button.appendChild(document.createElement("kbd"));
  key.textContent = shown;
  key.setAttribute("aria-hidden", "true");
  button.setAttribute("aria-keyshortcuts", name);
}

function labels() {
  for (const button of document.querySelectorAll("[data-key]")) label(button, button.dataset.key, button.dataset.key);
  const sends = document.querySelectorAll("form:has(.input):not([role=search]) .main-act[type=submit]");
  for (const button of sends) label(button, navigator.platform.startsWith("Mac") ? "⌘↵" : "ctrl ↵", "Control+Enter");
}

function keyed() {
  if (main && "keys" in main.dataset) labels();
}
keyed();
document.addEventListener("htmx:afterSettle", keyed);

// ---- who comes begins in the first wrong field; who came by keys, at what was done or at the title
function look(at) {
  if (!at.matches("a, button, " + FIELDS)) at.tabIndex = -1;
  at.focus();
}

const wrong = [...document.querySelectorAll("[aria-invalid=true]")].find((field) => field.checkVisibility());
if (wrong) look(wrong);
else if (sessionStorage.getItem("keys") && !document.querySelector("[autofocus]")) {
  look(document.getElementById(location.hash.slice(1))
    || document.querySelector("#page :is([role=alert], [data-undo], .note[role=status]:not(.still))")
    || document.querySelector("h1"));
}
addEventListener("keydown", () => sessionStorage.setItem("keys", "on"), true);
addEventListener("pointerdown", () => sessionStorage.removeItem("keys"), true);
}
