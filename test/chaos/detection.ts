import { Random } from 'clusterpack/testing';
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../process/processes.js';
import { monotonicMs, type EventFact } from './facts.js';
import { Fleet, type Life } from './fleet.js';
import { Network } from './network.js';
import { CommandOptions } from './options.js';
import { enterSandbox } from './sandbox.js';

/** How a process is lost. */
const WAYS: Readonly<Record<string, (fleet: Fleet, life: Life) => void>> = {
  /** Its kernel closes its connections. */
  SIGKILL: (_, life) => life.kill(),
  /** No reset ever comes. */
  'power loss': (fleet, life) => {
    fleet.network.isolate(life.host);
    life.kill();
  },
  /** Its kernel goes on acknowledging. */
  SIGSTOP: (_, life) => life.process.kill('SIGSTOP'),
  /** It hears everybody, and nobody hears it. */
  'one-way drop': (fleet, life) => fleet.network.mute(life.host),
};

const USAGE = `npm run detection -- [options]

How long until the first, and until the last survivor knows that a member is lost. Needs what npm run chaos needs.

  --nodes LIST    sizes, by commas (default 8,16,32)
  --trials T      of each way and size (default 10)
  --ways LIST     ${Object.keys(WAYS).join(',')} (default: all)
  --seed S        whom it strikes (default 1)
  --json FILE     writes all figures

Exit codes: 0 all were told · 1 somebody never was · 2 a wrong option · 3 not possible here.
`;

/** Longer than any suspicion lasts. */
const PATIENCE_MS = 60_000;
const AGREE_WITHIN_MS = 120_000;
/** Links and estimates of the time after a start, or a heal. */
const REST_MS = 2000;

/** One loss. */
interface Trial {
  readonly nodes: number;
  readonly way: string;
  readonly firstMs: number;
  readonly lastMs: number;
}

const options = new CommandOptions('detection', USAGE, {
  nodes: '8,16,32',
  trials: '10',
  ways: undefined,
  seed: '1',
  json: undefined,
});
const sizes = options.integers('nodes', 3, 250);
const times = options.integer('trials', 1, 1000);
const ways = options.words('ways', Object.keys(WAYS));
const random = new Random(options.integer('seed', 0, 2 ** 53));
const json = options.text('json');

await enterSandbox();
process.stdout.write(
  '| nodes | lost by | first, ms: median (range) | last, ms: median (range) |\n| --- | --- | --- | --- |\n',
);
const network = new Network();
const trials: Trial[] = [];
try {
  for (const nodes of sizes) trials.push(...(await measure(nodes)));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(trials, undefined, 1)}\n`);
} catch (error) {
  process.stderr.write(`detection: ${String(error)}\n`);
  process.exitCode = 1;
}

/** All ways of losing a member of a cluster of this size, in turn, so that noise meets each alike. */
async function measure(nodes: number): Promise<Trial[]> {
  const told: { readonly by: Life; readonly fact: EventFact }[] = [];
  const fleet = new Fleet(network, nodes, { preset: 'lan', messagesPerSecond: 0 }, (by, fact) => {
    if ('event' in fact && fact.event === 'unreachable') told.push({ by, fact });
  });
  const done: Trial[] = [];
  try {
    await fleet.startAll();
    for (let time = 0; time < times; time++) {
      for (const way of ways) {
        await fleet.untilAgreed(AGREE_WITHIN_MS);
        await pause(REST_MS);
        told.length = 0;
        const lost = fleet.on(random.pick(fleet.hosts));
        WAYS[way]!(fleet, lost);
        const lostMs = monotonicMs();
        const survivors = fleet.lives.filter((life) => life !== lost);
        const heard = (): number[] =>
          survivors.flatMap(
            (life) => told.find(({ by, fact }) => by === life && fact.id === lost.id)?.fact.at ?? [],
          );
        await until(
          `all are told of ${lost.host}, lost by ${way}`,
          () => heard().length === survivors.length,
          {
            withinMs: PATIENCE_MS,
            report: () => `${heard().length} of ${survivors.length} were`,
          },
        );
        const afterMs = heard().map((at) => at - lostMs);
        done.push({ nodes, way, firstMs: Math.min(...afterMs), lastMs: Math.max(...afterMs) });
        const others = told.filter(({ by, fact }) => by !== lost && fact.id !== lost.id);
        if (others.length > 0) throw new Error(`${others.length} verdicts about members that are well`);
        await restore(fleet, lost);
      }
    }
    for (const way of ways) print(nodes, way, done);
  } finally {
    await fleet.close();
  }
  return done;
}

async function restore(fleet: Fleet, lost: Life): Promise<void> {
  fleet.network.heal(lost.host);
  if (!lost.isAlive) await fleet.start(lost.host);
  else lost.process.kill('SIGCONT');
}

function print(nodes: number, way: string, done: readonly Trial[]): void {
  const of = (figure: (trial: Trial) => number): string => {
    const sorted = done.filter((trial) => trial.way === way).map(figure);
    sorted.sort((a, b) => a - b);
    const at = (share: number): string =>
      Math.round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!).toString();
    return `${at(0.5)} (${at(0)}–${at(1)}), p90 ${at(0.9)}`;
  };
  process.stdout.write(
    `| ${nodes} | ${way} | ${of(({ firstMs }) => firstMs)} | ${of(({ lastMs }) => lastMs)} |\n`,
  );
}
