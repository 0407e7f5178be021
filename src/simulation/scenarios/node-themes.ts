import type { Stage } from './stage.js';

/** What may happen to processes and their machines; each theme is one way to be unlucky. */

/** Processes die. Mortals may stay dead, others come back, some so soon that nobody has noticed. */
export function crashes(stage: Stage): void {
  deaths(stage, 'crash', stage.count(1, Math.max(1, Math.ceil(stage.names.length / 3))));
}

/** Machines go dark: no reset, no refusal. */
export function powerOffs(stage: Stage): void {
  deaths(stage, 'power-off', stage.count(1, Math.max(1, Math.ceil(stage.names.length / 4))));
}

/** Many die at the same moment: a rack, a failed rollout. */
export function massDeath(stage: Stage): void {
  const { random, names } = stage;
  const atMs = stage.moment();
  const kind = random.chance(0.7) ? 'crash' : 'power-off';
  const downMs = stage.lasting(500, 60_000);
  for (const node of stage.some(Math.ceil(names.length / 3), names.length - 1)) {
    stage.put(atMs + random.between(0, 50), { kind, node });
    const staysDead = stage.mortals.includes(node) && random.chance(0.5);
    if (!staysDead) stage.put(atMs + downMs + random.between(100, 3000), { kind: 'restart', node });
  }
}

/** Each process is replaced in turn, at the same address: a rolling update. */
export function rollingRestart(stage: Stage): void {
  const { random } = stage;
  let atMs = random.between(0, stage.spanMs / 2);
  const gapMs = stage.lasting(200, 6000);
  const isGraceful = random.chance(0.5);
  for (const node of stage.names) {
    if (isGraceful) stage.put(atMs, { kind: 'leave', node });
    stage.put(atMs + (isGraceful ? stage.lasting(100, 4000) : 0), { kind: 'restart', node });
    atMs += gapMs * random.between(0.5, 1.5);
  }
}

/** One address, again and again a new process: a crash loop. */
export function crashLoop(stage: Stage): void {
  const node = stage.anyone();
  let atMs = stage.moment();
  for (let left = stage.count(2, 12); left > 0; left--) {
    stage.put(atMs, { kind: stage.random.chance(0.8) ? 'crash' : 'power-off', node });
    atMs += stage.lasting(1, 3000);
    stage.put(atMs, { kind: 'restart', node });
    atMs += stage.lasting(20, 8000);
  }
}

/** Processes say goodbye; some come back as new ones. */
export function leaves(stage: Stage): void {
  const { random } = stage;
  for (const node of stage.some(1, Math.ceil(stage.names.length / 3))) {
    const atMs = stage.moment();
    stage.put(atMs, { kind: 'leave', node });
    // In the middle of its goodbye.
    if (random.chance(0.15)) stage.put(atMs + stage.lasting(1, 1000), { kind: 'crash', node });
    const staysAway = stage.mortals.includes(node) && random.chance(0.6);
    if (!staysAway) stage.put(atMs + stage.lasting(2500, 40_000), { kind: 'restart', node });
  }
}

/** Event loops that are blocked for a while: garbage collection, a synchronous loop. */
export function stalls(stage: Stage): void {
  const { random } = stage;
  for (let left = stage.count(1, 12); left > 0; left--) {
    const atMs = stage.moment();
    const ms = stage.lasting(40, 20_000);
    const nodes = random.chance(0.7) ? [stage.anyone()] : stage.some(2, Math.ceil(stage.names.length / 2));
    for (const node of nodes) stage.put(atMs, { kind: 'stall', node, ms });
  }
}

/** SIGSTOP and SIGCONT. */
export function pauses(stage: Stage): void {
  for (const node of stage.some(1, Math.ceil(stage.names.length / 3))) {
    const atMs = stage.moment();
    stage.put(atMs, { kind: 'pause', node });
    stage.put(atMs + stage.lasting(200, 90_000), { kind: 'resume', node });
  }
}

/** Lifeguard's anomaly: the same few members block their input and output in lock-step, again and again. */
export function blockedIo(stage: Stage): void {
  const nodes = stage.some(1, Math.ceil(stage.names.length / 4));
  const ms = stage.lasting(128, 33_000);
  const pauseMs = stage.lasting(1, 16_000);
  let atMs = stage.moment() / 2;
  for (let left = stage.count(1, 20); left > 0 && atMs < stage.spanMs; left--) {
    for (const node of nodes) stage.put(atMs, { kind: 'block-io', node, ms });
    atMs += ms + pauseMs;
  }
}

/** Loops that are busy all the time. */
export function slowLoops(stage: Stage): void {
  for (const node of stage.some(1, Math.ceil(stage.names.length / 5))) {
    const atMs = stage.moment();
    const callbackMs = stage.lasting(1, 60);
    stage.put(atMs, { kind: 'slow-loop', node, callbackMs });
    stage.put(atMs + stage.lasting(2000, 60_000), { kind: 'slow-loop', node, callbackMs: 0 });
  }
}

/** Laptops and virtual machines: sleep, and clocks that are set. */
export function sleepAndClocks(stage: Stage): void {
  const { random } = stage;
  for (let left = stage.count(1, 6); left > 0; left--) {
    const node = stage.anyone();
    if (random.chance(0.5))
      stage.put(stage.moment(), { kind: 'suspend', node, ms: stage.lasting(500, 120_000) });
    else {
      const ms = (random.chance(0.5) ? 1 : -1) * stage.lasting(100, 86_400_000);
      stage.put(stage.moment(), { kind: 'shift-clock', node, ms });
    }
  }
}

/** Longer away than half of what tombstones last: what such a node knows is worthless. Wants a short tombstone time. */
export function longAbsence(stage: Stage): void {
  const { tombstoneMs } = stage.swim;
  if (tombstoneMs > 600_000) return;
  const atMs = stage.random.between(0, stage.spanMs / 4);
  const awayMs = Math.round(tombstoneMs * stage.random.between(0.4, 1.8));
  for (const node of stage.some(1, Math.max(1, Math.floor(stage.names.length / 3)))) {
    const kind = stage.random.pick(['pause', 'suspend', 'cut'] as const);
    if (kind === 'suspend') stage.put(atMs, { kind, node, ms: awayMs });
    else if (kind === 'pause') {
      stage.put(atMs, { kind, node });
      stage.put(atMs + awayMs, { kind: 'resume', node });
    } else {
      stage.put(atMs, { kind: 'partition', groups: [[node], stage.names.filter((name) => name !== node)] });
      stage.put(atMs + awayMs, { kind: 'heal-all' });
    }
  }
}

/**
 * A second process at a live node's address. Dials are what meets the second one, so the first is slow to answer now
 * and then, and its links fail.
 */
export function addressConflicts(stage: Stage): void {
  const { probeTimeoutMs, probeIntervalMs } = stage.swim;
  for (const node of stage.some(1, 2)) {
    const atMs = stage.moment();
    stage.put(atMs, { kind: 'share-address', node });
    for (let left = stage.count(2, 8); left > 0; left--) {
      const againMs = atMs + stage.random.between(0, 30_000);
      if (stage.random.chance(0.6)) {
        stage.put(againMs, { kind: 'stall', node, ms: stage.lasting(probeTimeoutMs, 3 * probeIntervalMs) });
        continue;
      }
      const from = stage.anyone();
      if (from === node) continue;
      stage.put(againMs, { kind: 'lose', share: stage.share(0.5, 1), from, to: node });
      stage.put(againMs + stage.lasting(2000, 20_000), { kind: 'lose', share: 0, from, to: node });
    }
  }
}

/** Members keep changing what they tell of themselves, some of them quickly. */
export function metadataChurn(stage: Stage): void {
  const { random } = stage;
  for (const node of stage.some(1, Math.ceil(stage.names.length / 2))) {
    let atMs = stage.moment();
    const gapMs = stage.lasting(1, 10_000);
    for (let version = stage.count(1, 20); version > 0 && atMs < stage.spanMs; version--) {
      stage.put(atMs, { kind: 'set-metadata', node, metadata: { version } });
      atMs += gapMs * random.between(0.5, 1.5);
    }
  }
}

function deaths(stage: Stage, kind: 'crash' | 'power-off', count: number): void {
  const { random } = stage;
  for (const node of stage.some(count, count)) {
    const atMs = stage.moment();
    stage.put(atMs, { kind, node });
    const staysDead = stage.mortals.includes(node) && random.chance(0.5);
    if (!staysDead) stage.put(atMs + stage.lasting(5, 90_000), { kind: 'restart', node });
  }
}
