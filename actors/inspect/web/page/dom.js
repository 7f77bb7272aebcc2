// Small helpers: elements, numbers as people read them, and questions to the node.

export const $ = (id) => document.getElementById(id);

// cut leaves of a long word, as names of others can be, the beginning, and what tells it
// from others that begin alike.
function cut(word) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return [...word.slice(0, 128)].join("") + `…(${word.length} letters, ${(hash >>> 0).toString(16).padStart(8, "0")})`;
}

// shown is a text of which nothing is hidden: what steers the direction of writing, ends
// a line or can't be seen is written as JSON writes it.
export const shown = (text) => String(text).replace(/\S{257,}/g, cut).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) =>
  "\n\t\u200c\u200d".includes(c) ? c : [...Array(c.length).keys()].map((i) => "\\u" + c.charCodeAt(i).toString(16).padStart(4, "0")).join(""));

// el makes an element. Text goes in as text, never as markup.
export function el(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) e.setAttribute(key, value);
  }
  e.append(...children.filter((c) => c !== undefined && c !== null && c !== "").map((c) => (c instanceof Node ? c : shown(c))));
  return e;
}

export function svg(name, attributes = {}) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  return e;
}

export async function ask(path) {
  const answer = await fetch("api/v1/" + path, { cache: "no-store" });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error || answer.statusText);
  return body;
}

// seconds of a protobuf duration: "1.5s".
export const seconds = (text) => (text ? parseFloat(text) : undefined);

export function span(s) {
  if (s === undefined || Number.isNaN(s)) return "";
  if (s < 0.001) return (s * 1e6).toFixed(0) + " µs";
  if (s < 1) return (s * 1e3).toFixed(s < 0.01 ? 2 : 0) + " ms";
  if (s < 120) return s.toFixed(s < 10 ? 1 : 0) + " s";
  if (s < 7200) return Math.round(s / 60) + " min";
  if (s < 172800) return Math.round(s / 3600) + " h";
  return Math.round(s / 86400) + " d";
}

export function bytes(n) {
  n = Number(n || 0);
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (n < 1000) return (n < 10 && unit !== "B" ? n.toFixed(1) : Math.round(n)) + " " + unit;
    n /= 1000;
  }
  return n.toFixed(1) + " TB";
}

export const rate = (n) => (n === undefined ? "" : bytes(n) + "/s");

export const clock = (stamp) => new Date(stamp).toLocaleTimeString([], { hour12: false });

// fill replaces the rows of a table's body, keeping those that are there by key.
export function fill(body, rows) {
  const old = new Map([...body.children].map((tr) => [tr.dataset.key, tr]));
  const next = rows.map(({ key, cells, label }) => {
    const tr = old.get(key) || el("tr", { "data-key": key });
    tr.replaceChildren(...cells);
    if (label) tr.setAttribute("aria-label", label);
    return tr;
  });
  body.replaceChildren(...next);
}
