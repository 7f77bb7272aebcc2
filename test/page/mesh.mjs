// Daemons for the tests: started in a private folder, stopped by pid.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

const bin = process.env.RECEPTOR_BIN;
if (!bin) throw new Error("RECEPTOR_BIN is not set: run make test-page");

export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

// until looks again and again until look returns something true.
export async function until(what, look, limit = 60000) {
  const end = Date.now() + limit;
  for (let last; ; ) {
    try {
      const got = await look();
      if (got) return got;
      last = "it is " + got;
    } catch (err) {
      last = err.message;
    }
    if (Date.now() > end) throw new Error(`never: ${what}; last: ${last}`);
    await new Promise((go) => setTimeout(go, 50));
  }
}

export class Mesh {
  static async make() {
    const mesh = new Mesh();
    mesh.dir = await mkdtemp(path.join(tmpdir(), "rc-page-"));
    mesh.running = new Map();
    return mesh;
  }

  socket(id) {
    return path.join(this.dir, id + ".sock");
  }

  start(id, ...args) {
    return this.run(id, "--node", "id=" + id, "datadir=" + path.join(this.dir, id), "--control-service", "filename=" + this.socket(id), ...args);
  }

  // configure writes the file of a node that startConfigured starts and reload reloads.
  configure(id, ...items) {
    const own = [`node: {id: ${id}, datadir: ${path.join(this.dir, id)}}`, `control-service: {filename: ${this.socket(id)}}`];
    return writeFile(path.join(this.dir, id + ".yml"), [...own, ...items].map((item) => `- ${item}\n`).join(""));
  }

  startConfigured(id) {
    return this.run(id, "--config", path.join(this.dir, id + ".yml"));
  }

  async reload(id) {
    const answer = await this.ask(id, { command: "reload" });
    if (!answer.includes('"Success":true')) throw new Error("reload: " + answer);
  }

  async run(id, ...args) {
    const child = spawn(path.join(bin, "receptor"), args, { stdio: ["ignore", "pipe", "inherit"] });
    let log = "";
    child.stdout.on("data", (text) => (log += text));
    this.running.set(id, child);
    await until(`${id} starts`, () => {
      if (child.exitCode !== null) throw new Error("it ended: " + log);
      return log.includes("Initialization complete");
    });
  }

  async stop(id, signal = "SIGTERM") {
    const child = this.running.get(id);
    this.running.delete(id);
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  // ask returns all that a control service says, from its banner to its end.
  async ask(id, question, payload) {
    const conn = createConnection(this.socket(id));
    let text = "";
    conn.setEncoding("utf8").on("data", (part) => (text += part));
    await once(conn, "connect");
    conn.write(JSON.stringify(question) + "\n");
    conn.end(payload);
    await once(conn, "close");
    return text;
  }

  // submit returns the unit's ID.
  async submit(id, worktype, payload) {
    const text = await this.ask(id, { command: "work", subcommand: "submit", node: id, worktype }, payload);
    const line = text.split("\n").find((l) => l.includes('"unitid"'));
    if (!line) throw new Error("no unit: " + text);
    return JSON.parse(line).unitid;
  }

  async close() {
    for (const id of [...this.running.keys()]) await this.stop(id);
    await rm(this.dir, { recursive: true, force: true });
  }
}
