// Runs the papers' experiments and writes docs/experiments/: a JSON file and plots for each, and README.md.
// `npm run experiments` runs all; `npm run experiments -- swim-load scale` these; `--jobs N`, and what
// `npm run simulate -- --experiment` takes, go to each of them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { drawPlot } from './draw-plot.mjs';
import { renderReadme } from './experiments/render-readme.mjs';

const root = new URL('..', import.meta.url);
const folder = new URL('docs/experiments/', root).pathname;
const module = (name) => new URL(`dist/simulation/${name}.js`, root).href;

await main(process.argv.slice(2));

async function main(args) {
  const { names, jobs, rest } = split(args);
  if (!runs('npm', 'run', 'build:lib', '--silent')) return;
  const { experiments } = await import(module('experiments/experiments'));
  const { plannedExperiment, runExperiment } = await import(module('experiments/run-experiment'));
  const { mapInThreads } = await import(module('cli/cell-threads'));
  const { processHost } = await import(module('cli/host'));
  mkdirSync(folder, { recursive: true });
  const chosen = experiments.filter(({ name }) => names.length === 0 || names.includes(name));
  if (names.length > chosen.length) {
    process.stderr.write(
      `unknown experiment; there are: ${experiments.map(({ name }) => name).join(', ')}\n`,
    );
    process.exitCode = 2;
    return;
  }
  try {
    for (const { name } of chosen) plannedExperiment(['--experiment', name, '--jobs', String(jobs), ...rest]);
  } catch (error) {
    // A wrong option is found before the first of them runs for an hour.
    if (error.code !== 'CLUSTER_INVALID_OPTION') throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
    return;
  }
  for (const { name } of chosen) {
    const startedMs = performance.now();
    const progress = progressLine(name, startedMs);
    const file = join(folder, `${name}.json`);
    await runExperiment(['--experiment', name, '--json', file, '--jobs', String(jobs), ...rest], {
      out: (text) => process.stdout.write(`${text}\n`),
      progress,
      writeFile: (path, text) => writeFileSync(path, text),
      host: processHost(),
      mapCells: mapInThreads,
    });
    process.stderr.write('\n');
    const result = JSON.parse(readFileSync(file, 'utf8'));
    for (const [at, plot] of result.plots.entries())
      writeFileSync(join(folder, plotFile(name, at)), drawPlot(plot));
    note(name, (performance.now() - startedMs) / 1000, jobs);
  }
  const results = experiments
    .map(({ name }) => join(folder, `${name}.json`))
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')));
  writeFileSync(join(folder, 'README.md'), renderReadme(results, plotFile, readDurations()));
  runs('npx', 'prettier', '--write', '--log-level', 'warn', folder);
}

/** Whether a command went well; it has said itself what did not. */
function runs(command, ...args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
  return status === 0;
}

function plotFile(name, at) {
  return at === 0 ? `${name}.svg` : `${name}-${at + 1}.svg`;
}

/** Names first; `--jobs` is ours; the rest goes on. */
function split(args) {
  const at = args.findIndex((arg) => arg.startsWith('-'));
  const names = at < 0 ? args : args.slice(0, at);
  const rest = at < 0 ? [] : args.slice(at);
  const jobsAt = rest.indexOf('--jobs');
  const [, jobs] = jobsAt < 0 ? [] : rest.splice(jobsAt, 2);
  return { names, jobs: Math.max(1, Number(jobs ?? availableParallelism())), rest };
}

/** One line that is written over on a terminal, and a line now and then elsewhere. */
function progressLine(name, startedMs) {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (text) => {
    const nowMs = performance.now();
    const seconds = ((nowMs - startedMs) / 1000).toFixed(0);
    const line = `${text.trim()}, ${seconds} s`;
    if (process.stderr.isTTY) process.stderr.write(`\r\u001B[2K${line}`);
    else if (nowMs - lastMs > 10_000) {
      lastMs = nowMs;
      process.stderr.write(`${line}\n`);
    }
  };
}

/** How long each took when it was run last, kept apart from the results, which do not depend on the machine. */
function note(name, seconds, jobs) {
  const durations = { ...readDurations(), [name]: { seconds: Math.round(seconds), jobs } };
  writeFileSync(join(folder, 'durations.json'), `${JSON.stringify(durations, undefined, 2)}\n`);
}

function readDurations() {
  const file = join(folder, 'durations.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
}
