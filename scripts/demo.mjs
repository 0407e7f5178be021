/**
 * `npm run demo`: three processes of sample-app/ on this machine find each other, talk, crash, recover and leave.
 *
 * Prints what happens as it happens, checks all that it prints, ends within 30 s, and exits with 1 and a reason when
 * the cluster did not behave. However it ends, Ctrl-C included, no process stays.
 */
import { spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../sample-app/dist/main.js', import.meta.url));
const HOST = '127.0.0.1';
/** The whole demo, well below the promised 30 s. */
const DEMO_LIMIT_MS = 28_000;
/** One step of it: starting, joining, a message. */
const STEP_LIMIT_MS = 8_000;
/** A process that was killed has to be known as unreachable by then (preset lan, hard evidence at work). */
const DETECTION_LIMIT_MS = 2_500;

const NAMES = /** @type {const} */ (['ada', 'ben', 'cleo']);

// --- the stage: what is printed ---

const coloured = process.stdout.isTTY && !process.env['NO_COLOR'];
const paint = (code) => (text) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : String(text));
const bold = paint(1);
const dim = paint(2);
const red = paint(31);
const green = paint(32);
const paintOf = { ada: paint(36), ben: paint(35), cleo: paint(33) };

const startedMs = performance.now();
const sinceStart = () => Math.round(performance.now() - startedMs);
const ms = (value) => `${Math.round(value)} ms`;
const print = (line) => process.stdout.write(`${line}\n`);

const WHO_WIDTH = 5;

/** A line of the timeline: when, who, what. */
function tell(name, what) {
  const who = paintOf[name] ?? dim;
  print(`${dim(ms(sinceStart()).padStart(9))}  ${who(name.padEnd(WHO_WIDTH))} ${what}`);
}

let scene = 0;
const announce = (title) => print(`\n${bold(`${++scene}. ${title}`)}`);
const seen = (what) => print(`${' '.repeat(11)}${green('✓')} ${what}`);

/** The cluster did not behave. */
class Misbehaviour extends Error {}

function check(condition, otherwise) {
  if (!condition) throw new Misbehaviour(otherwise);
}

// --- the actors: one process each ---

/** Every process that this demo started, to be ended by its own pid whatever happens. */
const processes = new Set();

/** A node of the cluster: a process of the sample application, its events, and its HTTP interface. */
class Actor {
  events = [];
  log = [];
  ready = undefined;
  exit = undefined;
  #process;
  #stream = new AbortController();
  #watchers = new Set();

  constructor(name, address, environment) {
    this.name = name;
    this.address = address;
    this.environment = environment;
  }

  /** Resolves once the process says that it is ready and its events arrive here. */
  async start() {
    const child = spawn(process.execPath, [MAIN], {
      env: this.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    processes.add(child);
    child.once('exit', (code, signal) => {
      processes.delete(child);
      this.exit = { code, signal };
      this.#wake();
    });
    child.once('error', (error) => this.log.push(String(error)));
    createInterface({ input: child.stderr }).on('line', (line) => this.log.push(line));
    createInterface({ input: child.stdout }).once('line', (line) => {
      this.ready = line;
      this.#wake();
    });
    await this.until('it is ready', () => this.ready ?? (this.exit && 'exited'));
    check(this.exit === undefined, `${this.name} ended before it was ready`);
    const { http, cluster, id } = JSON.parse(this.ready);
    Object.assign(this, { id, http: `http://${HOST}:${http}`, pid: child.pid });
    check(cluster === this.address, `${this.name} is at ${cluster} instead of ${this.address}`);
    await this.#listen();
  }

  /** Reads `GET /events`; every event gets the time at which it arrived here, so that all share one clock. */
  async #listen() {
    const response = await fetch(`${this.http}/events`, { signal: this.#stream.signal });
    check(response.ok, `${this.name} answers ${response.status} to GET /events`);
    const read = async () => {
      let text = '';
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        const blocks = (text + chunk).split('\n\n');
        text = blocks.pop();
        for (const block of blocks) this.#take(block);
      }
    };
    // The stream ends with its process, at times in the middle of a line.
    read().catch(() => {});
  }

  #take(block) {
    const data = block.split('\n').find((line) => line.startsWith('data: '));
    if (data === undefined) return;
    const event = { ...JSON.parse(data.slice('data: '.length)), seenMs: performance.now() };
    this.events.push(event);
    this.onEvent?.(event);
    this.#wake();
  }

  #wake() {
    for (const watcher of this.#watchers) watcher();
  }

  /** Waits until something is there, looking again whenever this actor hears or ends. */
  async until(what, look, limitMs = STEP_LIMIT_MS) {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const found = look();
      if (found) return found;
      check(performance.now() < deadline, `${this.name} waited ${ms(limitMs)}, but not: ${what}`);
      await new Promise((resolve) => {
        const next = () => {
          clearTimeout(timer);
          this.#watchers.delete(next);
          resolve();
        };
        const timer = setTimeout(next, 50);
        this.#watchers.add(next);
      });
    }
  }

  /** The event of a type about a node id, once it is here. */
  event(type, id, what, limitMs) {
    return this.until(
      what,
      () => this.events.find((event) => event.type === type && event.member.id === id),
      limitMs,
    );
  }

  async get(path) {
    return this.#json(path, {});
  }

  async post(path, body) {
    return this.#json(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body ?? {}),
    });
  }

  async #json(path, init) {
    const response = await fetch(this.http + path, { ...init, signal: AbortSignal.timeout(STEP_LIMIT_MS) });
    const answer = await response.json();
    check(response.ok, `${this.name} answers ${response.status} ${JSON.stringify(answer)} to ${path}`);
    return answer;
  }

  /** Waits until `GET /members` names exactly these actors, all alive. */
  async untilSees(actors) {
    const expected = actors.map((actor) => actor.id).toSorted();
    const deadline = performance.now() + STEP_LIMIT_MS;
    for (;;) {
      const members = await this.get('/members');
      const alive = members.filter((member) => member.state === 'alive').map((member) => member.id);
      if (members.length === expected.length && expected.every((id) => alive.includes(id))) return;
      const seenNow = members.map((member) => `${member.name} ${member.state}`).join(', ');
      check(performance.now() < deadline, `${this.name} sees ${seenNow} after ${ms(STEP_LIMIT_MS)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  kill(signal) {
    this.#process.kill(signal);
  }

  close() {
    this.#stream.abort();
  }
}

/** A free port outside the range from which the system picks ports for itself, so that it is free a while longer. */
async function freePort(taken) {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    if (taken.has(port)) continue;
    const server = createServer();
    try {
      server.listen({ host: HOST, port, exclusive: true });
      await once(server, 'listening');
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    taken.add(port);
    return port;
  }
}

// --- the play ---

async function play() {
  check(existsSync(MAIN), 'sample-app is not built: run "npm run build" first');
  const clusterName = `demo-${randomBytes(3).toString('hex')}`;
  const ports = new Set();
  const addresses = {};
  for (const name of NAMES) addresses[name] = `${HOST}:${await freePort(ports)}`;
  print(bold(`ClusterPack: three processes on this machine become the cluster "${clusterName}"`));
  print(dim('milliseconds since the start · who · what'));

  const cast = (name) =>
    new Actor(name, addresses[name], {
      ...withoutOurs(process.env),
      NODE_NAME: name,
      CLUSTER_NAME: clusterName,
      CLUSTER_PORT: addresses[name].split(':')[1],
      CLUSTER_SEEDS: Object.values(addresses).join(','),
    });
  const [ada, ben, cleo] = NAMES.map(cast);
  troupe.push(ada, ben, cleo);

  announce('They find each other');
  await Promise.all([ada, ben, cleo].map(enter));
  await Promise.all([ada, ben, cleo].map((actor) => actor.untilSees([ada, ben, cleo])));
  seen(`each of the three sees three members, ${ms(sinceStart())} after the first line`);

  announce('Chat goes from each to all');
  await chat(ada, [ben, cleo], 'Good morning, everyone!');
  await chat(ben, [ada, cleo], 'Morning. Who brought the coffee?');
  await chat(cleo, [ada, ben], 'No process of mine has ever needed coffee.');
  seen('six deliveries, each acknowledged by its recipient and found in its inbox');

  announce('One asks another');
  tell('ben', `asks ${paintOf.cleo('cleo')}: who are you?`);
  const answer = await ben.get(`/whoami/${cleo.id}`);
  tell('cleo', `answers: ${answer.name}, process ${answer.pid}, up for ${ms(answer.uptimeMs)}`);
  check(
    answer.id === cleo.id && answer.name === 'cleo' && answer.pid === cleo.pid,
    `cleo introduced herself as ${JSON.stringify(answer)}`,
  );
  seen('the answer came from that process');

  announce('One is killed without warning');
  await crash(cleo, [ada, ben]);

  announce('It starts again at the same address');
  const second = cast('cleo');
  troupe.push(second);
  await enter(second);
  check(second.id !== cleo.id, 'the new process has the id of the dead one');
  for (const witness of [ada, ben]) await witness.event('joined', second.id, 'sees the new cleo join');
  await Promise.all([ada, ben, second].map((actor) => actor.untilSees([ada, ben, second])));
  seen(
    `the same address ${second.address}, a new member: ${short(cleo.id)} is gone, ${short(second.id)} is here`,
  );

  announce('One leaves in order');
  await leave(ben, [ada, second]);

  announce('Curtain');
  for (const actor of [ada, second]) {
    tell(actor.name, 'SIGTERM');
    actor.kill('SIGTERM');
  }
  for (const actor of [ada, second]) {
    await actor.until('ends at SIGTERM', () => actor.exit);
    const { code, signal } = actor.exit;
    check(code === 0 || signal === 'SIGTERM', `${actor.name} ended with ${signal ?? code} at SIGTERM`);
    tell(actor.name, 'gone');
  }
  check(processes.size === 0, `${processes.size} processes still run`);
  seen('no process is left');
}

const troupe = [];

async function enter(actor) {
  actor.onEvent = (event) => narrate(actor, event);
  await actor.start();
  tell(actor.name, `is up: ${actor.address}, process ${actor.pid}, id ${short(actor.id)}`);
}

async function chat(from, others, text) {
  tell(from.name, `says to all: "${text}"`);
  const { delivered, failed } = await from.post('/chat', { text });
  check(failed.length === 0, `the chat of ${from.name} failed: ${JSON.stringify(failed)}`);
  const expected = others.map((other) => other.id).toSorted();
  check(
    String(delivered.toSorted()) === String(expected),
    `${from.name}'s chat went to ${delivered.length} of 2`,
  );
  for (const other of others) {
    const line = await inbox(other, (entry) => entry.from === from.id && entry.text === text);
    tell(other.name, `hears ${paintOf[from.name](from.name)}: "${line.text}"`);
  }
}

/** A delivery is acknowledged when it is in the inbox; the handler runs right after that. */
async function inbox(actor, match) {
  const deadline = performance.now() + STEP_LIMIT_MS;
  for (;;) {
    const line = (await actor.get('/chat')).find(match);
    if (line) return line;
    check(performance.now() < deadline, `${actor.name} did not hear it`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function crash(victim, witnesses) {
  const killedMs = performance.now();
  victim.kill('SIGKILL');
  tell(victim.name, red(`SIGKILL to process ${victim.pid}`));
  const events = await Promise.all(
    witnesses.map((witness) => witness.event('unreachable', victim.id, `knows that ${victim.name} is dead`)),
  );
  const delays = events.map((event) => event.seenMs - killedMs);
  for (const [i, witness] of witnesses.entries()) {
    check(
      delays[i] <= DETECTION_LIMIT_MS,
      `${witness.name} knew after ${ms(delays[i])}; ${ms(DETECTION_LIMIT_MS)} are allowed`,
    );
  }
  const known = witnesses.map((witness, i) => `${witness.name} ${ms(delays[i])}`).join(', ');
  seen(`known at both within ${ms(DETECTION_LIMIT_MS)} of the kill: ${known}`);
}

async function leave(leaver, witnesses) {
  tell(leaver.name, 'takes leave');
  await leaver.post('/leave');
  for (const witness of witnesses)
    await witness.event('left', leaver.id, `hears ${leaver.name} say good-bye`);
  await leaver.until('ends after it has left', () => leaver.exit);
  check(leaver.exit.code === 0, `${leaver.name} ended with ${leaver.exit.signal ?? leaver.exit.code}`);
  tell(leaver.name, 'has ended, exit code 0');
  for (const witness of witnesses) {
    const wrong = witness.events.find(
      (event) => event.member.id === leaver.id && event.type === 'unreachable',
    );
    check(wrong === undefined, `${witness.name} took the leave of ${leaver.name} for a crash`);
    const remembered = (await witness.get('/members?all=1')).find((member) => member.id === leaver.id);
    check(remembered?.state === 'left', `${witness.name} remembers ${leaver.name} as ${remembered?.state}`);
  }
  seen(`${leaver.name} left, and nobody ever thought it unreachable`);
}

function narrate(actor, { type, member }) {
  const who = (paintOf[member.name] ?? dim)(member.name);
  const lines = {
    joined: `sees ${who} join`,
    suspected: `suspects ${who}`,
    recovered: `sees ${who} recover`,
    unreachable: red(`knows: ${member.name} is unreachable`),
    left: `hears ${who} say good-bye`,
  };
  if (lines[type] && member.id !== actor.id) tell(actor.name, lines[type]);
}

const short = (id) => `…${id.slice(-6)}`;

/** Variables of the person's shell must not change the play. */
function withoutOurs(environment) {
  const ours =
    /^(HTTP|CLUSTER|NODE)_(HOST|PORT|NAME|ADVERTISE|SEEDS|METADATA|PRESET|PROBE_INTERVAL_MS|INSECURE)$/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !ours.test(name)));
}

// --- the house: nothing stays, whatever happens ---

process.on('exit', () => {
  for (const child of processes) child.kill('SIGKILL');
});
for (const [signal, code] of /** @type {const} */ ([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
])) {
  process.on(signal, () => {
    print(`\n${signal}: the demo stops, and its processes with it`);
    process.exit(code);
  });
}
// The reader of our output went away.
process.stdout.on('error', () => process.exit(1));

const limit = setTimeout(
  () => fail(new Misbehaviour(`the demo took longer than ${ms(DEMO_LIMIT_MS)}`)),
  DEMO_LIMIT_MS,
);

function fail(error) {
  print(
    `\n${red('✗ The cluster did not behave:')} ${error instanceof Misbehaviour ? error.message : error.stack}`,
  );
  for (const actor of troupe) {
    print(dim(`\n--- the last lines of ${actor.name}'s log (process ${actor.pid ?? 'unknown'}) ---`));
    for (const line of actor.log.slice(-12)) print(dim(line));
  }
  process.exit(1);
}

try {
  await play();
  clearTimeout(limit);
  for (const actor of troupe) actor.close();
  print(`\n${green('✓')} ${bold('The cluster behaved.')} It took ${(sinceStart() / 1000).toFixed(1)} s.`);
} catch (error) {
  fail(error);
}
