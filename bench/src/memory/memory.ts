import { sampleOf } from '../statistics.js';
import type { Effort, Findings, Goal, Suite } from '../suite.js';
import { Worker } from '../workers.js';
import { measureApplications } from './application.js';
import type { Lesson } from './crowded-core.js';

const LESSONS: readonly Lesson[] = ['from a seed', 'by gossip'];
const MEMBER_BYTES = 1024;
const MIB = 2 ** 20;
const APPLICATION_MIB = 12;

/** One way to learn of members: bytes per member, a figure for each core. */
interface HeapCase {
  readonly lesson: Lesson;
  readonly bytes: readonly number[];
}

/** What a view and an idle node hold. */
export const memory: Suite = { name: 'memory', run };

async function run({ isQuick, tell }: Effort): Promise<readonly Findings[]> {
  const members = isQuick ? 20 : 1000;
  const effort = isQuick ? { cores: 1, warmUps: 0 } : { cores: 7, warmUps: 3 };
  const heap: HeapCase[] = [];
  for (const lesson of LESSONS) {
    const bytes = await heapPerMember(members, lesson, effort);
    heap.push({ lesson, bytes });
    tell(`a member learnt ${lesson}: ${sampleOf(bytes).median.toFixed(0)} B`);
  }
  const nodes = isQuick ? 8 : 128;
  const restMs = isQuick ? 200 : 30_000;
  const applications = isQuick ? 1 : 3;
  const { withModule, without } = await measureApplications(nodes, applications, restMs);
  const above = (sampleOf(withModule).median - sampleOf(without).median) / MIB;
  tell(`an application with the module: ${above.toFixed(1)} MiB above one without`);
  return [
    {
      title: 'Memory',
      about: [
        `Heap: the membership core of one node meets ${members.toLocaleString('en-US')} members without metadata, and has probed each of them when it is measured; everything it hears comes through the codec, so it shares nothing with others.`,
        'The figure is the growth of the used heap and of buffers outside it, after garbage collections, by member; sockets are not in it.',
        '`From a seed`: all were there when the node joined. `By gossip`: they came later, and the node has passed each of them on.',
        `Resident memory: ${applications} Nest applications (\`createApplicationContext\`) with nothing but \`ClusterModule\`, in a cluster of ${nodes} nodes, beside as many without the module, after ${restMs / 1000} s at rest; no collection is forced.`,
      ].join(' '),
      tables: [
        {
          caption: `Heap per member at ${members.toLocaleString('en-US')} members`,
          head: ['learnt', 'cores', 'bytes, median', 'least', 'most'],
          rows: heap.map(({ lesson, bytes }) => row(lesson, bytes, 1, 0)),
        },
        {
          caption: `Resident memory of an idle Nest application, n = ${nodes}`,
          head: ['application', 'processes', 'MiB, median', 'least', 'most'],
          rows: [row('without the module', without, MIB, 1), row('with the module', withModule, MIB, 1)],
        },
      ],
      plots: [],
      goals: [...heap.map((one) => heapGoal(one, members)), residentGoal(above, nodes)],
    },
  ];
}

/** How many cores are measured, after those that bring the code which all use, and what the engine learns of it. */
interface HeapEffort {
  readonly cores: number;
  readonly warmUps: number;
}

async function heapPerMember(
  members: number,
  lesson: Lesson,
  { cores, warmUps }: HeapEffort,
): Promise<readonly number[]> {
  const module = new URL('./core-worker.js', import.meta.url);
  const worker = await Worker.start('core', module, [], ['--expose-gc']);
  try {
    const bytes: number[] = [];
    while (bytes.length < cores + warmUps)
      bytes.push(await worker.ask<number>('measure', { members, lesson }));
    return bytes.slice(warmUps);
  } finally {
    await worker.end();
  }
}

function row(name: string, values: readonly number[], unit: number, digits: number): readonly string[] {
  const { median, min, max, count } = sampleOf(values);
  const figures = [median, min, max].map((value) => (value / unit).toFixed(digits));
  return [name, String(count), ...figures];
}

function heapGoal({ lesson, bytes }: HeapCase, members: number): Goal {
  const { median } = sampleOf(bytes);
  return {
    what: `Heap per member at ${members.toLocaleString('en-US')} members, learnt ${lesson}`,
    wanted: `≤ ${MEMBER_BYTES.toLocaleString('en-US')} B`,
    measured: `${median.toFixed(0)} B`,
    isMet: median <= MEMBER_BYTES,
  };
}

function residentGoal(above: number, nodes: number): Goal {
  return {
    what: `Resident memory that the module adds to an idle application, n = ${nodes}`,
    wanted: `≤ ${APPLICATION_MIB} MiB`,
    measured: `${above.toFixed(1)} MiB`,
    isMet: above <= APPLICATION_MIB,
  };
}
