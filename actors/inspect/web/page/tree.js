// The tree of actors, as a tree that screen readers and keyboards know.
import { $, ask, bytes, clock, el, seconds, span } from "./dom.js";

const open = new Set(["node", "node/links", "node/control", "node/work"]);
const known = new Map(); // path -> list item
let chosen = "";

export function start() {
  const tree = $("tree");
  tree.addEventListener("click", (e) => {
    const item = e.target.closest("[role=treeitem]");
    if (item) choose(item.dataset.path), toggle(item.dataset.path);
  });
  tree.addEventListener("keydown", (e) => key(e));
}

// show takes the answer of api/v1/tree.
export function show(actor) {
  const seen = new Set();
  const item = render(actor, seen, 1);
  if ($("tree").firstChild !== item) $("tree").replaceChildren(item);
  for (const path of [...known.keys()]) if (!seen.has(path)) known.delete(path);
  if (!known.has(chosen)) chosen = "";
  for (const [path, li] of known) li.tabIndex = path === (chosen || actor.path) ? 0 : -1;
}

function render(a, seen, level) {
  seen.add(a.path);
  let li = known.get(a.path);
  if (!li) {
    li = el("li", { role: "treeitem", "data-path": a.path, tabindex: -1 }, el("div", { class: "row" }));
    known.set(a.path, li);
  }
  li.setAttribute("aria-level", level);
  li.setAttribute("aria-selected", a.path === chosen);
  li.dataset.state = a.state;
  li.firstChild.replaceChildren(...row(a));
  const children = a.children || [];
  if (children.length === 0) li.removeAttribute("aria-expanded");
  else li.setAttribute("aria-expanded", open.has(a.path));
  const shown = children.length && open.has(a.path);
  let group = li.children[1];
  if (!shown) {
    if (group) group.remove();
    for (const c of children) mark(c, seen);
    return li;
  }
  if (!group) li.append((group = el("ul", { role: "group" })));
  const items = children.map((c) => render(c, seen, level + 1));
  if (items.length !== group.children.length || items.some((c, i) => group.children[i] !== c)) group.replaceChildren(...items);
  return li;
}

// mark keeps what is folded away.
function mark(a, seen) {
  seen.add(a.path);
  for (const c of a.children || []) mark(c, seen);
}

const words = {
  STATE_RUNNING: ["good", "running"], STATE_RESTARTING: ["bad", "restarting"], STATE_STOPPING: ["wait", "stopping"],
};

function row(a) {
  const [tone, word] = words[a.state] || ["faint", "unknown"];
  const name = a.path.slice(a.path.lastIndexOf("/") + 1);
  const notes = [];
  if (a.restarts) notes.push(a.restarts + " restarts");
  if (a.state === "STATE_RESTARTING") notes.push(a.last_failure || "");
  if (a.mailbox_depth) notes.push(a.mailbox_depth + " waiting");
  const hidden = open.has(a.path) ? 0 : restarting(a);
  if (hidden) notes.push(hidden + " restarting below");
  return [
    el("span", { class: "dot " + tone, role: "img", "aria-label": word }),
    el("span", { class: "name" }, name), el("span", { class: hidden ? "note bad" : "note" }, notes.join(", ")),
  ];
}

// restarting counts what is in trouble below an actor: folding does not hide it.
function restarting(a) {
  return (a.children || []).reduce((n, c) => n + (c.state === "STATE_RESTARTING" ? 1 : 0) + restarting(c), 0);
}

function toggle(path) {
  if (!open.delete(path)) open.add(path);
  changed();
}

let changed = () => {};
export const onChange = (f) => (changed = f);

function choose(path) {
  chosen = path;
  for (const [p, li] of known) {
    li.setAttribute("aria-selected", p === path);
    li.tabIndex = p === path ? 0 : -1;
  }
  known.get(path)?.focus();
  detail();
}

function key(e) {
  const items = [...$("tree").querySelectorAll("[role=treeitem]")];
  const at = items.findIndex((i) => i.dataset.path === (chosen || items[0].dataset.path));
  const item = items[at];
  const path = item.dataset.path, expanded = item.getAttribute("aria-expanded");
  switch (e.key) {
    case "ArrowDown": if (items[at + 1]) choose(items[at + 1].dataset.path); break;
    case "ArrowUp": if (items[at - 1]) choose(items[at - 1].dataset.path); break;
    case "ArrowRight": if (expanded === "false") toggle(path); else if (expanded && items[at + 1]) choose(items[at + 1].dataset.path); break;
    case "ArrowLeft": if (expanded === "true") toggle(path); else if (path.includes("/")) choose(item.parentElement.closest("[role=treeitem]").dataset.path); break;
    case "Home": choose(items[0].dataset.path); break;
    case "End": choose(items.at(-1).dataset.path); break;
    case "Enter": case " ": choose(path); toggle(path); break;
    default: return;
  }
  e.preventDefault();
}

// detail shows what the chosen actor says of itself now.
export async function detail() {
  const box = $("detail");
  if (!chosen) return box.replaceChildren();
  const path = chosen;
  try {
    const a = await ask("tree?detail=1&path=" + encodeURIComponent(path));
    if (path === chosen) box.replaceChildren(el("h3", { class: "id" }, a.path), facts(a), ...history(a));
  } catch (err) {
    if (path === chosen) box.replaceChildren(el("p", { class: "bad" }, err.message));
  }
}

function facts(a) {
  const list = el("dl");
  const add = (name, value) => value !== undefined && value !== "" && list.append(el("dt", {}, name), el("dd", {}, String(value)));
  add("kind", a.kind);
  add("state", (words[a.state] || ["", a.state])[1]);
  add("uptime", span(seconds(a.uptime)));
  add("next try", a.next_try && clock(a.next_try));
  add("restarts", a.restarts);
  add("mailbox", a.mailbox_depth);
  for (const f of a.description?.attributes || []) add(f.name, value(f));
  const busy = a.activity;
  if (busy) {
    add("messages", `${busy.messages || 0}, ${Number(busy.messages_per_second || 0).toFixed(1)} a second`);
    add("now", busy.current);
    for (const h of (busy.handling || []).slice(0, 6)) {
      add(h.type, `${h.count} times, p50 ${span(seconds(h.p50))}, p99 ${span(seconds(h.p99))}`);
    }
  }
  return list;
}

function value(f) {
  if (f.duration !== undefined) return span(seconds(f.duration));
  if (f.time !== undefined) return clock(f.time);
  if (f.number !== undefined && /bytes|size/.test(f.name)) return bytes(f.number);
  return f.text ?? f.number ?? f.quantity ?? f.flag;
}

function history(a) {
  const all = [...(a.failures || []), ...(a.lost || []).map((l) => ({ ...l, failure: l.path.slice(a.path.length + 1) + ": " + l.failure }))];
  if (all.length === 0) return [];
  all.sort((x, y) => (x.time < y.time ? 1 : -1));
  return [el("h3", {}, "Failures and restarts"), ...all.map((f) => el("details", {},
    el("summary", {}, clock(f.time) + " " + f.failure + (f.restarted ? ", again at " + clock(f.restarted) : "")),
    f.stack ? el("pre", {}, f.stack) : ""))];
}
