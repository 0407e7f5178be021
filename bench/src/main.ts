import { mkdir, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { drawPlot } from '../../scripts/draw-plot.mjs';
import { idle } from './idle/idle.js';
import { lanes } from './lanes/suite.js';
import { detection } from './membership/detection.js';
import { joining } from './membership/joining.js';
import { memory } from './memory/memory.js';
import { messages } from './messages/suite.js';
import { renderReport, type Section } from './report/render-report.js';
import { security } from './security/suite.js';
import { startup } from './startup/suite.js';
import type { Effort, Suite } from './suite.js';

/** In the order of the report. */
const suites: readonly Suite[] = [messages, security, lanes, detection, joining, idle, memory, startup];

const DOCS = new URL('../../docs/', import.meta.url);
const ROUNDS = 5;

const USAGE = `npm run bench -- [--quick] [--only NAME]… [--rounds N]

Measures and writes docs/performance.md and its plots.

  --quick      short, few and small: shows that everything runs, and writes nothing
  --only NAME  one suite: ${suites.map(({ name }) => name).join(', ')}; prints its section and writes nothing
  --rounds N   rounds of each comparison (${ROUNDS})
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string', default: String(ROUNDS) },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const rounds = values.quick ? 1 : wholeNumber('--rounds', values.rounds);
  const chosen = values.only.length === 0 ? suites : values.only.map(suiteOf);
  const effort: Effort = { rounds, isQuick: values.quick, tell: (line) => process.stderr.write(`${line}\n`) };
  const began = performance.now();
  const sections: Section[] = [];
  const isForDocs = !values.quick && values.only.length === 0;
  for (const suite of chosen) {
    sections.push(...(await suite.run(effort)));
    effort.tell(`${suite.name}: done after ${Math.round((performance.now() - began) / 1000)} s`);
    // What is measured is measured, even if a later suite fails.
    if (isForDocs) await writeDocs(sections);
  }
  if (!isForDocs) process.stdout.write(renderReport(sections));
}

async function writeDocs(sections: readonly Section[]): Promise<void> {
  await mkdir(new URL('performance/', DOCS), { recursive: true });
  await writeFile(new URL('performance.md', DOCS), renderReport(sections));
  for (const plot of sections.flatMap(({ plots }) => plots))
    await writeFile(new URL(`performance/${plot.name}.svg`, DOCS), drawPlot(plot));
}

function suiteOf(name: string): Suite {
  const suite = suites.find((other) => other.name === name);
  if (suite === undefined) throw new Error(`There is no suite "${name}"\n${USAGE}`);
  return suite;
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0 && number <= 1000) return number;
  throw new Error(`${option} is "${text}", but must be a whole number from 1 to 1000`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
