import { Random } from 'clusterpack/testing';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../process/processes.js';
import { Campaign, type Outcome } from './campaign.js';
import { monotonicMs } from './facts.js';
import { faultKinds } from './faults.js';
import { Fleet } from './fleet.js';
import { Judge } from './judge.js';
import { Network } from './network.js';
import { CommandOptions } from './options.js';
import { enterSandbox } from './sandbox.js';

const USAGE = `npm run chaos -- [options]

Starts Nest applications, each in a network namespace of its own, makes random faults, and judges. Needs root on Linux,
with iproute2, iptables and util-linux.

  --minutes M     how long (default 5)
  --nodes N       how many, 3 to 250 (default 8)
  --seed S        of the faults (default: a random one, which is printed)
  --faults LIST   only these kinds, by commas: ${Object.keys(faultKinds).join(', ')}
  --rate R        messages that each node sends a second (default 5)
  --json FILE     writes all figures

Exit codes: 0 all is well · 1 a promise was broken · 2 a wrong option · 3 not possible here.
`;

const options = new CommandOptions('chaos', USAGE, {
  minutes: '5',
  nodes: '8',
  rate: '5',
  seed: String(Math.floor(Math.random() * 2 ** 32)),
  faults: undefined,
  json: undefined,
});
const minutes = options.number('minutes', 0.1, 24 * 60);
const nodes = options.integer('nodes', 3, 250);
const rate = options.number('rate', 0, 1000);
const seed = options.integer('seed', 0, 2 ** 53);
const kinds = options.words('faults', Object.keys(faultKinds));
const json = options.text('json');

/** What nodes logged, where something was found. */
const LOGS = join(ROOT, 'temp/chaos-logs');

await enterSandbox();
process.exitCode = await main();

async function main(): Promise<number> {
  const beganMs = monotonicMs();
  const log = (line: string): void => {
    process.stdout.write(`${((monotonicMs() - beganMs) / 1000).toFixed(1).padStart(7)} s  ${line}\n`);
  };
  log(`seed ${seed}, ${nodes} nodes, ${minutes} minutes`);
  const judge = new Judge((id) => fleet.byId(id));
  const fleet = new Fleet(new Network(), nodes, { preset: 'lan', messagesPerSecond: rate }, (by, fact) =>
    judge.take(by, fact),
  );
  try {
    await fleet.startAll();
    const campaign = new Campaign(fleet, judge, new Random(seed), kinds, log);
    const outcome = await campaign.run(monotonicMs() + minutes * 60_000);
    report(judge, outcome);
    if (judge.findings.length === 0) return 0;
    fleet.saveLogs(LOGS);
    process.stdout.write(`what each node logged is in ${LOGS}\n`);
    return 1;
  } catch (error) {
    fleet.saveLogs(LOGS);
    process.stdout.write(`${judge.findings.join('\n')}\n`);
    process.stderr.write(`chaos: ${String(error)}\n`);
    return 1;
  } finally {
    await fleet.close();
  }
}

function report(judge: Judge, outcome: Outcome): void {
  const { samples, rounds, faults, agreedMs } = outcome;
  const sorted = agreedMs.toSorted((a, b) => a - b);
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const made = Object.entries(faults).map(([name, times]) => `${name} ${times}`);
  process.stdout.write(`
rounds            ${rounds}
faults            ${made.join(', ')}
agreement         median ${Math.round(sorted[sorted.length >> 1]!)} ms, longest ${Math.round(sorted.at(-1)!)} ms after a round
messages          ${judge.accepted} accepted, each once
unreachable       told ${judge.unreachable} times, of which of healthy members: ${judge.falsePositives}
heap, RSS         ${mebibytes(first.heapBytes)} → ${mebibytes(last.heapBytes)} MiB, ${mebibytes(first.rssBytes)} → ${mebibytes(last.rssBytes)} MiB
resources         ${first.resources.toFixed(1)} → ${last.resources.toFixed(1)} sockets and timers a node
findings          ${judge.findings.length}
${judge.findings.map((finding) => `  ${finding}\n`).join('')}`);
  if (json !== undefined) {
    const { findings, falsePositives, accepted, unreachable } = judge;
    const all = { seed, nodes, minutes, findings, falsePositives, accepted, unreachable, ...outcome };
    writeFileSync(json, `${JSON.stringify(all, undefined, 1)}\n`);
  }
}
