// Where the nodes of a mesh are drawn. Pure: no page, no clock, no chance, so that the
// same mesh always looks the same.
//
// A small mesh is read from left to right: this node, then a column for each hop of
// the cheapest ways. A big one is read from the middle outwards: the node that
// parts it most evenly, then a ring for each hop.

const columnsUpTo = 12; // leaves; more than that are rings
const named = 60; // leaves whose names have room around the rings
const awayUpTo = 24; // nodes without a route; more than that are counted

const byName = new Intl.Collator("en", { numeric: true }).compare;

export const keyOf = (a, b) => (a < b ? a + "\u0000" + b : b + "\u0000" + a);

// build makes one edge of the two directions in which a link is known, and adds own
// links that are down: the mesh has forgotten those already.
export function build(mesh, links) {
  const nodes = new Map(mesh.nodes.map((n) => [n.name, { ...n, away: n.name !== mesh.node && n.next_hop === undefined }]));
  const node = (name) => nodes.get(name) || nodes.set(name, { name, away: true }).get(name);
  const edges = new Map();
  const edge = (a, b) => {
    const [from, to] = a < b ? [a, b] : [b, a], key = keyOf(a, b);
    return edges.get(key) || edges.set(key, { key, from, to, cost: undefined, state: "" }).get(key);
  };
  for (const n of mesh.nodes) {
    for (const [to, cost] of Object.entries(n.links || {})) {
      node(to);
      edge(n.name, to).cost = cost;
    }
  }
  for (const l of links || []) {
    const up = l.state === "LINK_STATE_ESTABLISHED";
    const name = l.neighbour || (up || /-listener:/.test(l.backend) ? "" : l.backend);
    if (!name) continue;
    node(name);
    const e = edge(mesh.node, name);
    if (!up && e.state === "up") continue;
    e.state = up ? "up" : "down";
    e.link = l;
    if (up) e.cost = l.cost ?? e.cost;
  }
  return thin({ own: mesh.node, nodes, edges: [...edges.values()] });
}

// thin leaves out most nodes without a route, those with an own link last.
function thin({ own, nodes, edges }) {
  const wanted = new Set(edges.filter((e) => e.state === "down").flatMap((e) => [e.from, e.to]));
  const away = [...nodes.values()].filter((n) => n.away)
    .sort((a, b) => wanted.has(b.name) - wanted.has(a.name) || byName(a.name, b.name));
  const left = new Set(away.slice(awayUpTo).map((n) => n.name));
  const kept = [...nodes.values()].filter((n) => !left.has(n.name)).sort((a, b) => byName(a.name, b.name));
  return {
    own, left: left.size, nodes: new Map(kept.map((n) => [n.name, n])),
    edges: edges.filter((e) => !left.has(e.from) && !left.has(e.to)),
  };
}

// ways are the cheapest ways from the own node, as the routers compute them: for each
// node that can be reached what it costs and the node before it.
export function ways({ own, nodes, edges }) {
  const near = new Map([...nodes.keys()].map((n) => [n, []]));
  for (const e of edges) {
    if (e.cost === undefined || e.state === "down" || nodes.get(e.from).away || nodes.get(e.to).away) continue;
    near.get(e.from).push([e.to, e.cost]);
    near.get(e.to).push([e.from, e.cost]);
  }
  const found = new Map([[own, { cost: 0, before: undefined }]]), open = new Set([own]);
  while (open.size) {
    const at = [...open].reduce((a, b) => (found.get(a).cost <= found.get(b).cost ? a : b));
    open.delete(at);
    for (const [next, c] of near.get(at) || []) {
      const cost = found.get(at).cost + c;
      if (!found.has(next) || cost < found.get(next).cost) found.set(next, { cost, before: at }), open.add(next);
    }
  }
  return found;
}

// branches hang each node under one other: those that can be reached under the one
// before them, the rest under whatever they are known to be linked to.
function branches(model, found) {
  const before = new Map([...found].map(([name, w]) => [name, w.before]));
  for (let more = true; more; ) {
    more = false;
    for (const e of model.edges) {
      for (const [here, there] of [[e.from, e.to], [e.to, e.from]]) {
        if (!before.has(there) && before.has(here)) before.set(there, here), (more = true);
      }
    }
  }
  for (const name of model.nodes.keys()) if (!before.has(name)) before.set(name, model.own);
  return before;
}

// hang turns branches into a tree below any node of it.
function hang(before, top) {
  const near = new Map([...before.keys()].map((n) => [n, []]));
  for (const [name, over] of before) if (over !== undefined) near.get(name).push(over), near.get(over).push(name);
  const below = new Map(), order = [[top, undefined, 0]];
  for (let i = 0; i < order.length; i++) {
    const [name, over, depth] = order[i];
    const children = near.get(name).filter((n) => n !== over).sort(byName);
    below.set(name, { children, depth, leaves: children.length ? 0 : 1, size: 1 });
    order.push(...children.map((c) => [c, name, depth + 1]));
  }
  for (const [name, over] of order.reverse()) {
    if (over === undefined) continue;
    below.get(over).leaves += below.get(name).leaves;
    below.get(over).size += below.get(name).size;
  }
  return below;
}

// middle is the node without which the biggest rest is smallest.
function middle(before, own) {
  const below = hang(before, own);
  let at = own;
  for (;;) {
    const big = below.get(at).children.find((c) => below.get(c).size * 2 > before.size);
    if (!big) return at;
    at = big;
  }
}

// place puts the nodes into a box. Each place has the direction in which its name has
// room.
export function place(model, found, width, height) {
  const before = branches(model, found);
  const tree = hang(before, model.own);
  if (tree.get(model.own).leaves <= columnsUpTo) return columns(tree, model.own, width, height);
  const top = middle(before, model.own);
  return rings(hang(before, top), top, width, height);
}

function columns(tree, own, width, height) {
  const deepest = Math.max(1, ...[...tree.values()].map((t) => t.depth));
  const step = Math.min(220, (width - 150) / deepest), rows = tree.get(own).leaves;
  const gap = Math.min(90, (height - 40) / rows), places = new Map();
  const left = (width - step * deepest) / 2, top = (height - gap * rows) / 2;
  let row = 0;
  const put = (name) => {
    const { children, depth } = tree.get(name);
    const ys = children.map(put);
    const y = ys.length ? (ys[0] + ys.at(-1)) / 2 : top + gap * (row++ + 0.5);
    places.set(name, { x: left + depth * step, y: y - 8 });
    return y;
  };
  put(own);
  return { form: "columns", places };
}

function rings(tree, top, width, height) {
  const all = [...tree.values()];
  const deepest = Math.max(1, ...all.map((t) => t.depth)), leaves = tree.get(top).leaves;
  const room = leaves <= named ? 78 : 16, wide = width / 2 - room, high = height / 2 - room;
  const places = new Map();
  let turned = 0, n = 0;
  const put = (name) => {
    const { children, depth } = tree.get(name);
    const from = turned;
    children.forEach(put);
    if (!children.length) turned += (2 * Math.PI) / leaves;
    const turn = (from + turned) / 2 - Math.PI / 2;
    // Very many leaves stand in three rows.
    const far = depth / deepest - (leaves > named && !children.length ? (n++ % 3) * (0.3 / deepest) : 0);
    const x = wide * far * Math.cos(turn), y = high * far * Math.sin(turn);
    places.set(name, { x: width / 2 + x, y: height / 2 + y, turn: children.length || depth === 0 ? undefined : Math.atan2(y, x) });
  };
  put(top);
  return { form: leaves <= named ? "rings" : "many", places };
}
