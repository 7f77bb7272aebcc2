// The mesh as a graph. layout.js says where; this file draws, and lets one choose.
import { $, el, rate, seconds, shown, span, svg } from "./dom.js";
import { build, keyOf, place, ways } from "./layout.js";

let model = { own: "", nodes: new Map(), edges: [], left: 0 };
let found = new Map(), placed = { form: "columns", places: new Map() };
let chosen = "", drawn = "", answers;

// start listens to the keyboard, to the field with the target and to the window.
export function start() {
  $("target").addEventListener("input", (e) => choose(e.target.value.trim()));
  $("graph").addEventListener("keydown", (e) => {
    if (e.key === "Escape") choose("");
    else if (e.key in directions) choose(nextTo(chosen, directions[e.key]));
    else return;
    e.preventDefault();
  });
  $("graph").addEventListener("click", (e) => {
    const name = e.target.closest("[data-node]")?.dataset.node;
    if (name !== undefined) choose(name === chosen ? "" : name);
  });
  new ResizeObserver(() => answers && show(...answers)).observe($("graph"));
}

const directions = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

// nextTo is the nearest node in a direction; from nowhere it is the own one.
function nextTo(name, [dx, dy]) {
  const here = placed.places.get(name);
  if (!here) return model.own;
  let best = name, least = Infinity;
  for (const [other, p] of placed.places) {
    const along = (p.x - here.x) * dx + (p.y - here.y) * dy;
    const aside = Math.abs((p.x - here.x) * dy) + Math.abs((p.y - here.y) * dx);
    if (along > 1 && along + 2 * aside < least) (best = other), (least = along + 2 * aside);
  }
  return best;
}

function choose(name) {
  chosen = model.nodes.has(name) ? name : "";
  if ($("target").value.trim() !== name) $("target").value = chosen;
  draw();
}

// show takes the answers of api/v1/mesh and api/v1/links.
export function show(mesh, links) {
  answers = [mesh, links];
  model = build(mesh, links);
  found = ways(model);
  const box = $("graph").getBoundingClientRect();
  placed = place(model, found, Math.max(320, box.width), Math.max(240, box.height));
  const names = [...model.nodes.keys()], list = $("nodes");
  if ([...list.children].map((o) => o.value).join("\n") !== names.join("\n")) {
    list.replaceChildren(...names.map((n) => el("option", { value: n })));
  }
  if (!model.nodes.has(chosen)) chosen = "";
  draw();
}

function pathTo(name) {
  if (!found.has(name)) return undefined;
  const path = [name];
  while (path[0] !== model.own) path.unshift(found.get(path[0]).before);
  return path;
}

// draw changes nothing when nothing has changed: who reads the page is not disturbed.
function draw() {
  const graph = $("graph"), box = graph.getBoundingClientRect();
  const state = JSON.stringify([model, [...model.nodes.values()], chosen, box.width, box.height], (k, v) =>
    ["silence", "queue", "since"].includes(k) || (k === "traffic" && placed.form !== "columns") ? undefined : v);
  if (state === drawn) return;
  drawn = state;
  const way = chosen ? pathTo(chosen) : undefined;
  const onWay = new Set((way || []).slice(1).map((n, i) => keyOf(way[i], n)));
  graph.setAttribute("viewBox", `0 0 ${Math.max(320, box.width)} ${Math.max(240, box.height)}`);
  graph.setAttribute("class", placed.form);
  const used = new Set([...found].filter(([, w]) => w.before !== undefined).map(([n, w]) => keyOf(n, w.before)));
  const edges = model.edges.map((e) => drawEdge(e, used.has(e.key), onWay.has(e.key)));
  edges.sort((a, b) => a.rank - b.rank);
  const labels = model.edges.flatMap((e) => label(e, used.has(e.key)));
  graph.replaceChildren(...edges.map((e) => e.line), ...labels, ...[...model.nodes.values()].map(drawNode));
  $("left").textContent = model.left ? `and ${model.left} nodes that are known but have no route` : "";
  $("way").value = !chosen ? "" : way ? shown(way.join(" → ")) + ", cost " + found.get(chosen).cost : "no way to " + shown(chosen);
  describe();
}

// drawEdge is a link; those that no way from here uses stay in the background.
function drawEdge(e, used, way) {
  const a = placed.places.get(e.from), b = placed.places.get(e.to);
  const away = model.nodes.get(e.from).away || model.nodes.get(e.to).away;
  const kind = ["link", e.state || (away ? "gone" : ""), used ? "used" : "", way ? "way" : ""].filter(Boolean).join(" ");
  const line = svg("path", { d: curve(a, b, used || e.state === "down"), class: kind, "data-from": e.from, "data-to": e.to });
  const title = svg("title");
  title.textContent = shown([`${e.from} – ${e.to}`, e.cost === undefined ? "" : "cost " + e.cost, facts(e), e.link?.failure].filter(Boolean).join("\n"));
  line.append(title);
  return { line, rank: way ? 3 : e.state ? 2 : used ? 1 : 0 };
}

// curve leaves the straight line where other nodes may stand on it.
function curve(a, b, used) {
  if (placed.form !== "columns" || (used && a.y === b.y)) return `M${a.x} ${a.y}L${b.x} ${b.y}`;
  if (a.x === b.x) return `M${a.x} ${a.y}Q${a.x + 0.4 * Math.abs(a.y - b.y)} ${(a.y + b.y) / 2} ${b.x} ${b.y}`;
  if (used) {
    const half = (a.x + b.x) / 2;
    return `M${a.x} ${a.y}C${half} ${a.y} ${half} ${b.y} ${b.x} ${b.y}`;
  }
  return `M${a.x} ${a.y}Q${(a.x + b.x) / 2} ${Math.min(a.y, b.y) - 40} ${b.x} ${b.y}`;
}

function facts(e) {
  const l = e.link;
  if (!l || e.state !== "up") return e.state;
  const t = l.traffic || {};
  return [span(seconds(l.quality?.rtt)), t.bytes_in_per_second === undefined ? "" : "↓" + rate(t.bytes_in_per_second),
    t.bytes_out_per_second === undefined ? "" : "↑" + rate(t.bytes_out_per_second)].filter(Boolean).join(" ");
}

// label tells the cost, and of own links how good they are, where there is room.
function label(e, used) {
  if (placed.form === "many" || !(used || e.state)) return [];
  if (placed.form === "rings" && (e.cost ?? 1) === 1) return [];
  const a = placed.places.get(e.from), b = placed.places.get(e.to);
  const said = (text, below) => {
    const t = svg("text", { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 + below, class: "cost " + e.state });
    t.textContent = text;
    return t;
  };
  if (e.state === "down") return [said("down", -6)];
  if (placed.form !== "columns" || e.state !== "up") return [said(e.cost ?? "", -6)];
  const t = e.link.traffic || {}, rtt = span(seconds(e.link.quality?.rtt));
  return [said([e.cost ?? "", rtt].filter((p) => p !== "").join(" · "), -6),
    said(rate((t.bytes_in_per_second || 0) + (t.bytes_out_per_second || 0)), 15)];
}

function drawNode(n) {
  const p = placed.places.get(n.name), own = n.name === model.own;
  const kind = [own ? "own" : "", n.away ? "away" : "", n.work ? "works" : "", n.name === chosen ? "chosen" : ""].filter(Boolean).join(" ");
  const g = svg("g", { class: kind, "data-node": n.name, transform: `translate(${p.x} ${p.y})` });
  const big = { columns: 11, rings: 6, many: 3 }[placed.form];
  g.append(svg("circle", { r: own ? big + 3 : p.turn === undefined && placed.form === "many" ? 6 : big }));
  const title = svg("title");
  title.textContent = shown([n.name, own ? "this node" : n.away ? "no route" : `by ${n.next_hop}, cost ${n.cost}`,
    n.work ? "work: " + n.work.join(", ") : ""].filter(Boolean).join("\n"));
  g.append(title);
  if (placed.form !== "many" || own || n.name === chosen || p.turn === undefined) g.append(nameOf(n.name, p, big));
  return g;
}

const longest = { columns: 24, rings: 12, many: 12 }; // letters of a name

// nameOf stands below the node, or points away from the middle.
function nameOf(name, p, big) {
  const text = svg("text");
  const letters = [...shown(name)];
  text.textContent = letters.length > longest[placed.form] ? letters.slice(0, longest[placed.form] - 1).join("") + "…" : letters.join("");
  if (placed.form !== "rings" || p.turn === undefined) {
    text.setAttribute("y", big + 15);
    text.setAttribute("class", "below");
    return text;
  }
  const leftwards = Math.cos(p.turn) < 0;
  const degrees = (p.turn * 180) / Math.PI + (leftwards ? 180 : 0);
  text.setAttribute("transform", `rotate(${degrees}) translate(${leftwards ? -big - 4 : big + 4} 4)`);
  text.setAttribute("class", leftwards ? "leftwards" : "");
  return text;
}

// describe tells of the chosen node what the mesh knows of it.
function describe() {
  const n = model.nodes.get(chosen), box = $("chosen");
  if (!n) return box.replaceChildren();
  const list = el("dl");
  const add = (name, value) => value && list.append(el("dt", {}, name), el("dd", {}, value));
  add("route", n.name === model.own ? "this node" : n.away ? "none" : `by ${n.next_hop}, cost ${n.cost}`);
  add("neighbours", Object.entries(n.links || {}).map(([to, cost]) => `${to} (${cost})`).join(", "));
  add("services", (n.services || []).join(", "));
  add("work", (n.work || []).join(", "));
  box.replaceChildren(el("h3", {}, n.name), list);
}
