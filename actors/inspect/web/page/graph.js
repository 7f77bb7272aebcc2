// The mesh as a graph. Positions come from a small force layout that keeps what
// it has when nodes come and go; nothing but the node's own answers is drawn.
import { $, el, svg } from "./dom.js";

const gravity = 0.012, push = 2400, pull = 0.03, wanted = 70, most = 80;

const places = new Map(); // node -> {x, y}
let model = { own: "", nodes: new Map(), edges: [] };
let chosen = "";
let warmth = 0;

// start listens to the keyboard and to the field with the target.
export function start() {
  $("target").addEventListener("input", (e) => choose(e.target.value.trim()));
  $("graph").addEventListener("keydown", (e) => {
    const names = [...model.nodes.keys()];
    const at = names.indexOf(chosen);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
    if (step) choose(names[(at + step + names.length) % names.length]);
    else if (e.key === "Escape") choose("");
    else return;
    e.preventDefault();
  });
}

function choose(name) {
  chosen = model.nodes.has(name) ? name : "";
  if ($("target").value.trim() !== name) $("target").value = chosen;
  draw();
}

// show takes the answers of api/v1/mesh and api/v1/links.
export function show(mesh, links) {
  model = build(mesh, links);
  for (const name of model.nodes.keys()) if (!places.has(name)) places.set(name, seat(name, places.size)), (warmth = 1);
  for (const name of places.keys()) if (!model.nodes.has(name)) places.delete(name);
  $("nodes").replaceChildren(...[...model.nodes.keys()].map((n) => el("option", { value: n })));
  if (!model.nodes.has(chosen)) chosen = "";
  settle();
  draw();
}

// build makes one edge of the two directions in which a link is known, and adds own
// links that are down: the mesh has forgotten those already.
function build(mesh, links) {
  const nodes = new Map(mesh.nodes.map((n) => [n.name, n]));
  const edges = new Map();
  const edge = (a, b) => {
    const [from, to] = a < b ? [a, b] : [b, a];
    const key = from + "\u0000" + to;
    if (!edges.has(key)) edges.set(key, { from, to, cost: undefined, state: "" });
    return edges.get(key);
  };
  for (const n of mesh.nodes) {
    for (const [to, cost] of Object.entries(n.links || {})) {
      if (!nodes.has(to)) nodes.set(to, { name: to });
      edge(n.name, to).cost = cost;
    }
  }
  for (const l of links || []) {
    const name = l.neighbour || (l.state === "LINK_STATE_ESTABLISHED" ? "" : l.backend);
    if (!name) continue;
    if (!nodes.has(name)) nodes.set(name, { name });
    const e = edge(mesh.node, name);
    if (l.state === "LINK_STATE_ESTABLISHED") e.state = "up";
    else if (e.state !== "up") e.state = "down";
  }
  const names = [...nodes.keys()].sort();
  return { own: mesh.node, nodes: new Map(names.map((n) => [n, nodes.get(n)])), edges: [...edges.values()] };
}

// seat is where a new node begins: around the middle, by its number.
function seat(name, n) {
  const turn = n * 2.399963, far = 24 * Math.sqrt(n + 0.5);
  return { x: far * Math.cos(turn), y: far * Math.sin(turn), dx: 0, dy: 0 };
}

// settle moves the nodes for a bounded number of rounds.
function settle() {
  if (warmth === 0) return;
  const all = [...places.values()];
  const rounds = Math.max(12, Math.min(most, Math.round(60000 / (all.length * all.length + 1))));
  for (let i = 0; i < rounds; i++) round(all, 1 - i / rounds);
  warmth = 0;
}

function round(all, heat) {
  for (const p of all) (p.dx = -p.x * gravity), (p.dy = -p.y * gravity);
  for (let i = 0; i < all.length; i++) {
    for (let j = i + 1; j < all.length; j++) {
      const a = all[i], b = all[j];
      const x = a.x - b.x, y = a.y - b.y, force = push / (x * x + y * y + 30);
      const far = Math.hypot(x, y) || 1;
      a.dx += (x / far) * force; a.dy += (y / far) * force;
      b.dx -= (x / far) * force; b.dy -= (y / far) * force;
    }
  }
  for (const e of model.edges) {
    const a = places.get(e.from), b = places.get(e.to);
    const x = b.x - a.x, y = b.y - a.y, far = Math.hypot(x, y) || 1, force = pull * (far - wanted);
    a.dx += (x / far) * force; a.dy += (y / far) * force;
    b.dx -= (x / far) * force; b.dy -= (y / far) * force;
  }
  const limit = 30 * heat + 2;
  for (const p of all) {
    const far = Math.hypot(p.dx, p.dy) || 1, go = Math.min(far, limit) / far;
    p.x += p.dx * go; p.y += p.dy * go;
  }
}

// wayTo is the cheapest way from the own node, as the routers compute it.
export function wayTo(target, { own, nodes, edges } = model) {
  const near = new Map([...nodes.keys()].map((n) => [n, []]));
  for (const e of edges) {
    if (e.cost === undefined || e.state === "down") continue;
    near.get(e.from).push([e.to, e.cost]);
    near.get(e.to).push([e.from, e.cost]);
  }
  const cost = new Map([[own, 0]]), before = new Map(), open = new Set([own]);
  while (open.size) {
    const at = [...open].reduce((a, b) => (cost.get(a) <= cost.get(b) ? a : b));
    open.delete(at);
    for (const [next, c] of near.get(at) || []) {
      const sum = cost.get(at) + c;
      if (!cost.has(next) || sum < cost.get(next)) cost.set(next, sum), before.set(next, at), open.add(next);
    }
  }
  if (!cost.has(target)) return undefined;
  const path = [target];
  while (path[0] !== own) path.unshift(before.get(path[0]));
  return { path, cost: cost.get(target) };
}

function draw() {
  const box = bounds();
  const graph = $("graph");
  graph.setAttribute("viewBox", box.join(" "));
  const way = chosen ? wayTo(chosen) : undefined;
  const onWay = new Set((way ? way.path : []).slice(1).map((n, i) => [way.path[i], n].sort().join("\u0000")));
  const parts = [];
  const named = model.nodes.size <= 80;
  for (const e of model.edges) parts.push(...drawEdge(e, onWay.has(e.from + "\u0000" + e.to), named));
  for (const n of model.nodes.values()) parts.push(drawNode(n, named));
  graph.replaceChildren(...parts);
  $("way").value = !chosen ? "" : way ? way.path.join(" → ") + ", cost " + way.cost : "no way to " + chosen;
}

function drawEdge(e, way, named) {
  const a = places.get(e.from), b = places.get(e.to);
  const line = svg("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y, class: ["link", e.state, way ? "way" : ""].join(" ").trim(), "data-from": e.from, "data-to": e.to });
  if (!named || e.cost === undefined) return [line];
  const text = svg("text", { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 - 3, class: "cost" });
  text.textContent = e.cost;
  return [line, text];
}

function drawNode(n, named) {
  const p = places.get(n.name);
  const own = n.name === model.own;
  const reachable = own || n.next_hop !== undefined;
  const kind = [own ? "own" : "", reachable ? "" : "away", n.name === chosen ? "chosen" : ""].join(" ").trim();
  const g = svg("g", { class: kind, "data-node": n.name });
  g.append(svg("circle", { cx: p.x, cy: p.y, r: own ? 9 : 7 }));
  const title = svg("title");
  title.textContent = [n.name, own ? "this node" : reachable ? `by ${n.next_hop}, cost ${n.cost}` : "no route",
    n.work ? "work: " + n.work.join(", ") : ""].filter(Boolean).join("\n");
  g.append(title);
  if (named || own || n.name === chosen) {
    const text = svg("text", { x: p.x + 11, y: p.y + 4 });
    text.textContent = n.name;
    g.append(text);
  }
  g.addEventListener("click", () => choose(n.name === chosen ? "" : n.name));
  return g;
}

// bounds is what is seen: all nodes, but never a few of them through a magnifier.
function bounds() {
  const all = [...places.values()];
  const span = (values, least) => {
    const low = Math.min(...values) - 60, high = Math.max(...values) + 60;
    const size = Math.max(high - low, least);
    return [(low + high - size) / 2, size];
  };
  const [left, width] = span(all.map((p) => p.x), 560);
  const [top, height] = span(all.map((p) => p.y), 340);
  return [left, top, width, height];
}
