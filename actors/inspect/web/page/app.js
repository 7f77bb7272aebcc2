// The page asks the node every other second, and at once when an event says that
// something changed.
import { $, ask, bytes, clock, el, fill, rate, seconds, span } from "./dom.js";
import * as graph from "./graph.js";
import * as tree from "./tree.js";

const period = 2000, soon = 120, keptEvents = 300, retry = 15000, unitsAtOnce = 100;
let after = ""; // page of units
let due, running = false, again = false;

async function refresh() {
  if (running) return void (again = true);
  running = true;
  clearTimeout(due);
  try {
    const [mesh, units, snapshot] = await Promise.all([
      ask("mesh"), ask(`units?limit=${unitsAtOnce}&after=${encodeURIComponent(after)}`), ask("snapshot"),
    ]);
    const actors = await ask("tree"); // by itself: it shows what waits, and questions do
    const links = snapshot.links || [];
    $("node").textContent = mesh.node;
    document.title = mesh.node + " · Receptor";
    graph.show(mesh, links);
    showLinks(links);
    tree.show(actors);
    showUnits(units);
    summary(mesh, snapshot);
    if (!live) pulse("live", "no events, asked at " + clock(Date.now()));
    await tree.detail();
  } catch (err) {
    pulse("lost", "no answer: " + err.message);
  } finally {
    running = false;
    due = setTimeout(refresh, again ? soon : period);
    again = false;
  }
}

function hurry() {
  clearTimeout(due);
  due = setTimeout(refresh, soon);
}

function pulse(tone, text) {
  $("pulse").className = tone;
  if ($("pulse").textContent !== text) $("pulse").textContent = text;
}

function summary(mesh, s) {
  const u = s.units || {};
  const reachable = mesh.nodes.filter((n) => n.next_hop !== undefined).length;
  $("summary").textContent = [
    `version ${s.version || "unknown"}`, `up ${span((Date.parse(s.time) - Date.parse(s.started)) / 1000)}`,
    `${reachable} nodes reachable`, `${u.running || 0} units running, ${u.pending || 0} pending`,
    u.drained ? "drained" : "", s.dead_letters > 0 ? s.dead_letters + " dead letters" : "",
  ].filter(Boolean).join(" · ");
}

const linkWords = {
  LINK_STATE_ESTABLISHED: ["good", "up"], LINK_STATE_CONNECTING: ["wait", "connecting"],
  LINK_STATE_INTRODUCING: ["wait", "introducing"], LINK_STATE_DOWN: ["bad", "down"],
};

function showLinks(links) {
  fill($("links").tBodies[0], links.map((l) => {
    const [tone, word] = linkWords[l.state] || ["faint", "unknown"];
    const t = l.traffic || {}, q = l.queue || {};
    const why = l.failure ? `: ${l.failure}` : "";
    const next = l.next_try ? `, next try ${clock(l.next_try)}` : "";
    return { key: l.path, cells: [
      el("td", { class: "wide" }, l.neighbour || "–", el("small", {}, l.backend || "")),
      el("td", { class: "wide " + tone }, word + why + next), el("td", {}, String(l.cost ?? "")),
      el("td", {}, span(seconds(l.quality?.rtt))), el("td", {}, rate(t.bytes_in_per_second)),
      el("td", {}, rate(t.bytes_out_per_second)), el("td", {}, q.bytes > 0 ? bytes(q.bytes) : ""),
    ] };
  }));
}

const unitTones = { running: "wait", pending: "faint", succeeded: "good", failed: "bad", canceled: "bad" };

function showUnits({ units, next }) {
  fill($("units").tBodies[0], units.map((u) => ({ key: u.id, cells: [
    el("td", { class: "id" }, u.id), el("td", { class: unitTones[u.state] }, u.state),
    el("td", {}, u.remote_type || u.work_type), el("td", {}, u.node || "here"), el("td", {}, bytes(u.output)),
  ] })));
  if (units.length === 0) $("units").tBodies[0].replaceChildren(el("tr", {}, el("td", { colspan: 6, class: "faint" }, "none")));
  $("more").hidden = !next;
  $("first").hidden = !after;
  $("more").onclick = () => ((after = next), refresh());
  $("first").onclick = () => ((after = ""), refresh());
}

// told are the events in words: tone and text.
const told = {
  link_up: (e) => ["good", `link to ${e.neighbour} is up (${e.address || e.path})`],
  link_down: (e) => ["bad", `link to ${e.neighbour} is down: ${e.reason}`],
  actor_failed: (e) => ["bad", `${e.path} failed: ${e.failure}`],
  actor_restarted: (e) => ["good", `${e.path} runs again, restart ${e.restarts}`],
  actor_stopped: (e) => ["wait", `${e.path} stopped`],
  routes_changed: (e) => ["faint", "routes: " + ([
    e.reachable ? "now " + e.reachable.join(", ") : "", e.unreachable ? "no more " + e.unreachable.join(", ") : "",
  ].filter(Boolean).join("; ") || `${e.routes || 0} in all`)],
  unit_changed: (e) => [unitTones[(e.state || "").toLowerCase()] || "faint", `unit ${e.unit} ${e.state} (${e.work_type})`],
  certificate_expires: (e) => ["wait", `certificate of ${e.config} expires ${e.expires}`],
  dead_letter: (e) => ["wait", `${e.count} letters ${e.type} to ${e.target}, which is gone`],
  reloaded: (e) => (e.error ? ["bad", "reload failed: " + e.error] : ["good", "configuration reloaded"]),
  missed: (e) => ["wait", `${e.count} events are gone`],
  action_taken: (e) => ["wait", `${e.action} ${e.path || ""} ${e.detail || ""}`],
  message_traced: (e) => ["faint", `${e.path} got ${e.type}`],
};

function tell(event) {
  const kind = Object.keys(told).find((k) => k in event);
  if (!kind) return;
  const [tone, text] = told[kind](event[kind]);
  const list = $("events");
  list.prepend(el("li", { "data-kind": kind }, el("time", { datetime: event.time }, clock(event.time)), el("span", { class: tone }, text)));
  while (list.children.length > keptEvents) list.lastChild.remove();
  hurry();
}

let live = false;

function follow() {
  const source = new EventSource("api/v1/events");
  source.onopen = () => { live = true; pulse("live", "live"); };
  source.onmessage = (m) => tell(JSON.parse(m.data));
  source.onerror = () => {
    live = false;
    if (source.readyState !== EventSource.CLOSED) return pulse("lost", "the stream of events broke, trying again");
    pulse("live", "no events: the node gives none now, trying again");
    setTimeout(follow, retry); // a refusal is the end of this one
  };
}

graph.start();
tree.start();
tree.onChange(refresh);
refresh();
follow();
