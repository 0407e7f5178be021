import { shown } from '../statistics.js';
import type { Effort, Findings, Plot, Suite, Table } from '../suite.js';
import { cellNames, cells, describe, type CellName } from './cells.js';
import { canDo, contenderNames as names, type ContenderName } from './contenders/index.js';
import { goals } from './goals.js';
import { Measurements } from './measurements.js';
import { Pair, type Measured } from './pair.js';

export const messages: Suite = {
  name: 'messages',

  async run(effort) {
    const pairs = new Map<ContenderName, Pair>();
    try {
      for (const name of names) pairs.set(name, await Pair.start(name));
      const measurements = await measure(pairs, effort);
      return [findings(measurements)];
    } finally {
      await Promise.all([...pairs.values()].map((pair) => pair.end()));
    }
  },
};

type Found = Measurements<CellName, ContenderName>;

/** Everybody in turn, cell by cell and round by round: what the machine does meanwhile happens to all. */
async function measure(pairs: ReadonlyMap<ContenderName, Pair>, effort: Effort): Promise<Found> {
  const measurements: Found = new Measurements();
  const ms = effort.isQuick ? 30 : 1000;
  // The first round warms up, and does not count.
  for (let round = 0; round <= effort.rounds; round++) {
    for (const cell of cellNames) {
      const capable = names.filter((name) => canDo(name, cells[cell].operation));
      for (let turn = 0; turn < capable.length; turn++) {
        const name = capable[(turn + round) % capable.length]!;
        const measured = await pairs.get(name)!.measure({ ...cells[cell], ms });
        if (round > 0) measurements.add(cell, name, measured);
      }
    }
    effort.tell(round === 0 ? 'messages: warmed up' : `messages: round ${round} of ${effort.rounds}`);
  }
  return measurements;
}

function findings(measurements: Found): Findings {
  const alone = cellNames.filter((cell) => cells[cell].inFlight === 1);
  const together = cellNames.filter((cell) => cells[cell].inFlight > 1);
  return {
    title: 'Messages',
    about: ABOUT,
    tables: [
      table('Thousands of operations a second', together, measurements, 'perSecond', 1000),
      table('One at a time: median latency, µs', alone, measurements, 'p50Us'),
      table('One at a time: 99th percentile, µs', alone, measurements, 'p99Us'),
      table('Processor time an operation, both processes, µs', cellNames, measurements, 'cpuUs'),
    ],
    plots: [plot(together, measurements)],
    goals: goals(measurements),
  };
}

const ABOUT = `Each contender is two processes on loopback. All are there from the start and have their turn in each round of each
comparison, so that a slower moment of the machine is everybody's; cells are medians of the rounds, with their range.

- **raw**: frames over a bare socket, one write a turn, acknowledged once a read; a counter instead of promises.
- **thin**: the same, with what any library has to add: a promise, an entry in a map and a deadline for each message, and an
  asynchronous handler. It resumes nothing, bounds nothing and knows nobody.
- **clusterpack**: two Nest applications with \`@OnClusterMessage\` and \`@OnClusterRequest\` handlers. \`send\` and \`request\`
  carry bytes, \`emit\` and \`ask\` (a request, too) a value through the default serializer.
- **nest-tcp**: \`Transport.TCP\` of @nestjs/microservices with a \`@MessagePattern\` handler. It carries JSON, so bytes are a text
  of that length; it acknowledges nothing, so \`send\` and \`emit\` are requests with a short answer.
- **moleculer**: calls over its TCP transporter, in the same way.

\`broadcast\` reaches eight members, each of which counts.`;

function table(
  caption: string,
  rows: readonly CellName[],
  measurements: Found,
  figure: keyof Measured,
  unit = 1,
): Table {
  return {
    caption,
    head: ['', ...names],
    rows: rows.map((cell) => [
      describe(cells[cell]),
      ...names.map((name) =>
        measurements.has(cell, name) ? shown(measurements.of(cell, name, figure), unit) : '–',
      ),
    ]),
  };
}

function plot(rows: readonly CellName[], measurements: Found): Plot {
  return {
    name: 'messages',
    title: 'Messages: operations a second',
    kind: 'bar',
    yLabel: 'operations a second',
    isLogarithmic: true,
    series: names.map((name) => ({
      name,
      points: rows.map((cell) => [
        describe(cells[cell]),
        measurements.has(cell, name) ? measurements.of(cell, name, 'perSecond').median : Number.NaN,
      ]),
    })),
  };
}
