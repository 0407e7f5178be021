import { Random } from 'clusterpack/testing';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Campaign, type Outcome } from './campaign.js';
import { monotonicMs } from './facts.js';
import { faultKinds } from './faults.js';
import { Fleet } from './fleet.js';
import { Judge } from './judge.js';
import { Network } from './network.js';
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

const { values } = parseOptions();
const minutes = figure('minutes', values.minutes, 0.1, 24 * 60);
const nodes = figure('nodes', values.nodes, 3, 250, true);
const rate = figure('rate', values.rate, 0, 1000);
const seed = figure('seed', values.seed ?? String(Math.floor(Math.random() * 2 ** 32)), 0, 2 ** 53, true);
const kinds = values.faults?.split(',') ?? Object.keys(faultKinds);
for (const kind of kinds) if (faultKinds[kind] === undefined) refuse(`no fault is called ${kind}`);

enterSandbox();
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
    return judge.findings.length === 0 ? 0 : 1;
  } catch (error) {
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
  if (values.json !== undefined) {
    const { findings, falsePositives, accepted, unreachable } = judge;
    const all = { seed, nodes, minutes, findings, falsePositives, accepted, unreachable, ...outcome };
    writeFileSync(values.json, `${JSON.stringify(all, undefined, 1)}\n`);
  }
}

function parseOptions() {
  try {
    return parseArgs({
      options: {
        minutes: { type: 'string', default: '5' },
        nodes: { type: 'string', default: '8' },
        rate: { type: 'string', default: '5' },
        seed: { type: 'string' },
        faults: { type: 'string' },
        json: { type: 'string' },
      },
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function figure(name: string, text: string, min: number, max: number, isInteger = false): number {
  const value = Number(text);
  if (value >= min && value <= max && (!isInteger || Number.isInteger(value))) return value;
  return refuse(
    `--${name} is ${text}, but must be ${isInteger ? 'an integer' : 'a number'} from ${min} to ${max}`,
  );
}

function refuse(why: string): never {
  process.stderr.write(`chaos: ${why}\n\n${USAGE}`);
  process.exit(2);
}
