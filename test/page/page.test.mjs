import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { Mesh, freePort } from "./mesh.mjs";

const browserPath = process.env.CHROMIUM || "/usr/bin/chromium";
const shots = process.env.SHOTS || "shots";
const patience = 60000;

let mesh, browser, page, url, link;
const complaints = [];

before(async () => {
  assert.ok(existsSync(browserPath), `no browser at ${browserPath}: install chromium or set CHROMIUM`);
  await mkdir(shots, { recursive: true });
  mesh = await Mesh.make();
  link = await freePort();
  const http = await freePort();
  const c = await freePort();
  url = `http://127.0.0.1:${http}/`;
  await mesh.start("b", "--tcp-listener", "bindaddr=127.0.0.1", `port=${link}`);
  await mesh.start("c", "--tcp-listener", "bindaddr=127.0.0.1", `port=${c}`, "--tcp-peer", `address=127.0.0.1:${link}`);
  await mesh.start("a", "--tcp-peer", `address=127.0.0.1:${link}`, "--work-command", "worktype=cat", "command=sh",
    "params=-c 'cat; sleep 1'", "--debug", `http=127.0.0.1:${http}`);
  browser = await chromium.launch({
    executablePath: browserPath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
  page = await browser.newPage({ viewport: { width: 1360, height: 1000 } });
  page.setDefaultTimeout(patience);
  page.on("pageerror", (err) => complaints.push(err.message));
  page.on("console", (m) => m.type() === "error" && !m.text().includes("ERR_") && complaints.push(m.text()));
  await page.goto(url);
});

after(async () => {
  await browser?.close();
  await mesh?.close();
});

const item = (name) => page.locator(`#tree [data-path="${name}"]`);

test("the page shows the mesh, and nothing complains", async () => {
  await page.waitForFunction(() => document.title.startsWith("a "));
  await page.locator('#graph [data-node="c"]').waitFor();
  await page.locator('#graph path.up[data-from="a"][data-to="b"]').waitFor({ state: "attached" });
  await page.locator("#links tbody tr", { hasText: "up" }).waitFor();
  await page.locator("#graph text.up", { hasText: /^1 · [0-9.]+ (µs|ms)$/ }).waitFor(); // cost and round trip
  await page.locator("#graph text.up", { hasText: /^[0-9.]+ k?B\/s$/ }).waitFor();
  assert.deepEqual(complaints, []);
});

test("the way to a node is shown, by field and by keyboard", async () => {
  await page.fill("#target", "c");
  await page.waitForFunction(() => document.getElementById("way").value === "a → b → c, cost 2");
  await page.locator('#graph path.way[data-from="b"][data-to="c"]').waitFor({ state: "attached" });
  await page.locator("#graph").press("Escape");
  await page.waitForFunction(() => document.getElementById("way").value === "");
  for (const name of ["a", "b", "c"]) { // the nearest in that direction, this node first
    await page.locator("#graph").press("ArrowRight");
    await page.locator(`#graph [data-node="${name}"].chosen`).waitFor();
  }
  await page.locator("#chosen dd", { hasText: "by b, cost 2" }).waitFor();
  await page.locator("#graph").press("Escape");
});

test("the tree expands, and tells of an actor", async () => {
  const streams = item("node/streams");
  await streams.waitFor();
  await item("node/links").locator("> .row").click(); // folds
  await page.waitForFunction(() => document.querySelector('#tree [data-path="node/links"]').getAttribute("aria-expanded") === "false");
  await item("node/links").press("ArrowRight");
  await page.locator('#tree [data-path^="node/links/tcp-peer"]').first().waitFor();
  await item("node/router").locator("> .row").click();
  await page.locator("#detail", { hasText: "node/router" }).waitFor();
  await page.locator("#detail dt", { hasText: "messages" }).first().waitFor();
});

test("a unit appears and finishes", async () => {
  const id = await mesh.submit("a", "cat", "hello");
  const row = page.locator(`#units tr[data-key="${id}"]`);
  await row.getByRole("cell", { name: "running", exact: true }).waitFor();
  await row.getByRole("cell", { name: "succeeded", exact: true }).waitFor();
  await row.getByRole("cell", { name: "5 B", exact: true }).waitFor();
  await page.locator("#events li", { hasText: id }).first().waitFor();
});

test("a killed link turns red and heals", async () => {
  await page.fill("#target", "c");
  await page.locator("#graph .chosen").waitFor();
  await page.screenshot({ path: path.join(shots, "page.png") });
  await page.locator("#graph").press("Escape");
  await mesh.stop("b", "SIGKILL");
  await page.waitForFunction(() => { // as red as everything that is bad
    const red = document.querySelector('#graph path.down[data-from="a"][data-to="b"]');
    const probe = document.body.appendChild(document.createElement("i"));
    probe.className = "bad";
    const bad = getComputedStyle(probe).color;
    probe.remove();
    return red && getComputedStyle(red).stroke === bad;
  });
  await page.locator("#links td.bad", { hasText: "down" }).waitFor();
  await page.locator('#events li[data-kind="link_down"]').first().waitFor();
  await page.screenshot({ path: path.join(shots, "page-link-down.png") });
  await mesh.start("b", "--tcp-listener", "bindaddr=127.0.0.1", `port=${link}`);
  await page.locator('#graph path.up[data-from="a"][data-to="b"]').waitFor({ state: "attached" });
  await page.locator('#events li[data-kind="actor_restarted"]').first().waitFor();
});

test("it is dark in the dark", async () => {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: "light" });
  const light = await ground();
  await page.emulateMedia({ colorScheme: "dark" });
  assert.notEqual(await ground(), light);
  await page.screenshot({ path: path.join(shots, "page-dark.png") });
  await page.emulateMedia({ colorScheme: "light" });
});

// far makes a mesh of so many nodes; each hub has as many others as the next one.
function far(count, hubs) {
  const nodes = [{ name: "a", links: { n1: 1 } }];
  for (let i = 1; i < count; i++) {
    const to = i === 1 ? "a" : i <= hubs ? "n1" : "n" + (1 + (i % hubs));
    nodes.push({ name: "n" + i, links: { [to]: 1 }, next_hop: "n1", cost: 1 });
  }
  return nodes;
}

async function withMesh(nodes, look) {
  await page.route("**/api/v1/mesh", (route) => route.fulfill({ json: { node: "a", nodes } }));
  try {
    await page.waitForFunction((n) => document.querySelectorAll("#graph [data-node]").length >= n, Math.min(nodes.length, 24));
    await page.waitForFunction((name) => [...document.querySelectorAll("#graph [data-node]")].some((g) => g.dataset.node === name), nodes.at(-1).name);
    await look();
  } finally {
    await page.unroute("**/api/v1/mesh");
  }
}

// seen are the discs of the graph in the coordinates of the window, and its box.
const seen = () => page.evaluate(() => {
  const box = ({ x, y, width, height }) => ({ x, y, width, height });
  return {
    graph: box(document.getElementById("graph").getBoundingClientRect()),
    nodes: [...document.querySelectorAll("#graph circle")].map((c) => box(c.getBoundingClientRect())),
  };
});

for (const [count, hubs] of [[3, 1], [12, 3], [50, 5], [120, 9]]) {
  test(`of ${count} nodes none covers another, and all are in sight`, () => withMesh(far(count, hubs), async () => {
    const { graph, nodes } = await seen();
    assert.ok(nodes.length >= count);
    nodes.forEach((a, i) => {
      assert.ok(a.x >= graph.x && a.y >= graph.y && a.x + a.width <= graph.x + graph.width && a.y + a.height <= graph.y + graph.height,
        `node ${i} is out of sight`);
      nodes.slice(i + 1).forEach((b, j) => {
        const apart = Math.hypot(a.x + a.width / 2 - b.x - b.width / 2, a.y + a.height / 2 - b.y - b.height / 2);
        assert.ok(apart >= (a.width + b.width) / 2, `node ${i} and node ${i + 1 + j} are ${apart} apart`);
      });
    });
    await page.screenshot({ path: path.join(shots, `page-${count}.png`) });
  }));
}

// A node of the mesh may be anybody's: its name is text.
test("hostile names are shown, and do nothing", async () => {
  const evil = "<img src=x onerror=\"document.title='owned'\">\u202egnp\u0007<script>document.title='owned'</script>";
  const nodes = [{ name: "a", links: { [evil]: 1 } },
    { name: evil, links: { a: 1 }, next_hop: evil, cost: 1, services: [evil], work: [evil] }];
  await withMesh(nodes, async () => {
    await page.fill("#target", evil);
    await page.locator("#chosen dd", { hasText: "<script>" }).first().waitFor();
    const text = await page.locator("main").innerText();
    assert.match(text, /\\u202egnp\\u0007/);
    assert.doesNotMatch(text, /[\u202e\u0007]/);
    assert.equal(await page.locator("main img, main script, main iframe").count(), 0);
    assert.match(await page.title(), /^a /);
    await page.locator("#graph").press("Escape");
  });
});

test("long names are cut, and stay apart", async () => {
  const long = "x".repeat(30000);
  const names = [long + "1", long + "2"];
  const nodes = [{ name: "a", links: { [names[0]]: 1, [names[1]]: 1 } },
    ...names.map((name) => ({ name, links: { a: 1 }, next_hop: name, cost: 1, services: [name], work: [name] }))];
  await withMesh(nodes, async () => {
    const told = new Set();
    for (const name of names) {
      await page.fill("#target", name);
      await page.waitForFunction((end) => document.getElementById("way").value.endsWith("), cost 1") &&
        document.querySelector("#graph .chosen").dataset.node.endsWith(end), name.at(-1));
      told.add(await page.inputValue("#way").catch(() => page.evaluate(() => document.getElementById("way").value)));
    }
    assert.equal(told.size, 2);
    const text = await page.locator("main").innerText();
    assert.match(text, /x{128}…\(30001 letters, [0-9a-f]{8}\)/);
    assert.ok(text.length < 20000, `the page has ${text.length} letters`);
    assert.doesNotMatch(text, /x{129}/);
    await page.locator("#graph").press("Escape");
  });
});

test("nodes that are long gone are counted, not drawn", async () => {
  const gone = Array.from({ length: 500 }, (_, i) => ({ name: "gone" + i, links: { a: 1 } }));
  await withMesh([...gone, { name: "a", links: { b: 1 } }, { name: "b", links: { a: 1 }, next_hop: "b", cost: 1 }], async () => {
    await page.locator("#left", { hasText: "and 476 nodes that are known but have no route" }).waitFor();
    await page.fill("#target", "gone1");
    await page.waitForFunction(() => document.getElementById("way").value === "no way to gone1");
    await page.locator("#graph").press("Escape");
  });
});

test("a narrow window needs no scrolling sideways", async () => {
  await page.setViewportSize({ width: 400, height: 900 });
  await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth);
  await page.screenshot({ path: path.join(shots, "page-narrow.png"), fullPage: true });
  await page.setViewportSize({ width: 1360, height: 1000 });
});

test("all is loaded from the node, and only from it", async () => {
  const elsewhere = [];
  const listen = (request) => !request.url().startsWith(url) && !request.url().startsWith("data:") && elsewhere.push(request.url());
  page.on("request", listen);
  const answer = await page.reload();
  page.off("request", listen);
  assert.deepEqual(elsewhere, []);
  assert.match(answer.headers()["content-security-policy"], /default-src 'none'; script-src 'self'/);
  assert.doesNotMatch(await answer.text(), /<script>|<style|style=|onclick/);
});

// withPage opens another page, whose clock can be put forward.
async function withPage(at, look) {
  const other = await browser.newPage();
  other.setDefaultTimeout(patience);
  try {
    await other.clock.install();
    await other.goto(at);
    await look(other, (text) => other.locator("#pulse", { hasText: text }).waitFor());
  } finally {
    await other.close();
  }
}

test("a page that is refused the events asks again, and gets them when there is room", async () => {
  const followers = [];
  try {
    for (let status = 200; status === 200; ) {
      const stop = new AbortController();
      followers.push(stop);
      status = (await fetch(url + "api/v1/events", { signal: stop.signal })).status;
      assert.ok([200, 503].includes(status), `status ${status}`);
    }
    await withPage(url, async (other, says) => {
      await says(/^no events, asked at/); // it shows the rest
      followers.forEach((f) => f.abort());
      const asked = other.waitForRequest("**/api/v1/events");
      await other.clock.fastForward(16000);
      await asked;
      await says(/^live$/);
      await other.locator("#events li").first().waitFor();
    });
  } finally {
    followers.forEach((f) => f.abort());
  }
});

test("debug mode may go and come while the page is open", async () => {
  const http = await freePort();
  const debug = `debug: {http: "127.0.0.1:${http}"}`;
  await mesh.configure("d", "local-only", debug);
  await mesh.startConfigured("d");
  await withPage(`http://127.0.0.1:${http}/`, async (other, says) => {
    await says(/^live$/);
    await mesh.configure("d", "local-only");
    await mesh.reload("d");
    await other.locator("#pulse.lost").waitFor();
    await mesh.configure("d", "local-only", debug);
    await mesh.reload("d");
    await says(/^live$/);
    await mesh.configure("d", "local-only", debug, "log-level: debug");
    await mesh.reload("d");
    await other.locator('#events li[data-kind="reloaded"]').first().waitFor();
  });
});

test("500 nodes are drawn, and the page stays usable", async () => {
  const nodes = [{ name: "a", links: {} }];
  for (let i = 1; i < 500; i++) {
    const to = i < 20 ? "a" : "n" + (1 + (i % 19));
    nodes.push({ name: "n" + i, links: { [to]: 1 }, next_hop: "n1", cost: 1 });
  }
  await page.route("**/api/v1/mesh", (route) => route.fulfill({ json: { node: "a", nodes } }));
  await page.waitForFunction(() => document.querySelectorAll("#graph [data-node]").length >= 500);
  await page.fill("#target", "n400");
  await page.waitForFunction(() => document.getElementById("way").value.endsWith("n400, cost 2"));
  await page.screenshot({ path: path.join(shots, "page-500.png") });
  await page.unroute("**/api/v1/mesh");
  assert.deepEqual(complaints, []);
});
