import { describe, expect, it } from '@jest/globals';
import { parseExperimentArgs } from '../../../src/simulation/cli/experiment-args.js';
import { experiments } from '../../../src/simulation/experiments/experiments.js';
import { runExperiment } from '../../../src/simulation/experiments/run-experiment.js';
import type { ExperimentResult } from '../../../src/simulation/experiments/experiment.js';

const small = ['--experiment', 'swim-load', '--nodes', '4,8', '--runs', '1'];

/** Runs it and keeps all that it says. */
async function run(args: readonly string[]) {
  const said = { out: '', progress: '', files: new Map<string, string>() };
  const code = await runExperiment(args, {
    out: (text) => (said.out += text),
    progress: (text) => (said.progress += text),
    writeFile: (path, text) => said.files.set(path, text),
  });
  return { code, ...said };
}

describe('an experiment on the command line', () => {
  it('tells its figures beside the paper’s, with a verdict for each, and its progress apart', async () => {
    const { code, out, progress } = await run(small);
    expect(code).toBe(0);
    expect(out).toContain('SWIM §5.1, Figure 2');
    expect(out).toMatch(/SWIM: sent per member and period +2 +2 +±0\.1 +T +matches/);
    expect(progress).toContain('swim-load: 0 of 4 runs');
    expect(progress).toContain('swim-load: 1 of 4 runs');
    expect(progress).toContain('swim-load: 4 of 4 runs');
  });

  it('ends with 1 when a figure differs', async () => {
    // A second relay does no harm, a switched-on digest sync none either; half of all pings lost does.
    const { code, out } = await run([
      '--experiment',
      'swim-false-positives',
      '--loss',
      '0.1',
      '--relays',
      '1',
      '--nodes',
      '16',
      '--components',
      'freshConnection',
    ]);
    expect(out).toContain('differs');
    expect(code).toBe(1);
  });

  it('writes JSON that holds the same, to a file or alone to standard output', async () => {
    const { files } = await run([...small, '--json', 'load.json']);
    const result = JSON.parse(files.get('load.json')!) as ExperimentResult;
    expect(result).toMatchObject({ name: 'swim-load', settings: { nodes: '4, 8', seed: 1 } });
    expect(result.command).toBe('npm run simulate -- --experiment swim-load --nodes 4,8 --runs 1');
    expect(result.figures[0]).toMatchObject({ paper: '2', verdict: 'matches', tag: 'T' });
    const { out } = await run([...small, '--json', '-']);
    expect(JSON.parse(out)).toEqual(result);
  });

  it('gives the same for the same seed, and runs its cells wherever it is told to', async () => {
    const here = await run(small);
    const elsewhere: unknown[] = [];
    let out = '';
    await runExperiment([...small, '--jobs', '2'], {
      out: (text) => (out += text),
      mapCells: (_jobs, name, cells) => {
        const experiment = experiments.find((each) => each.name === name)!;
        const host = { realNowMs: () => 0, heapUsedBytes: () => 0, peakRssBytes: () => 0 };
        // As a thread would get it.
        for (const cell of cells) elsewhere.push(experiment.run(structuredClone(cell), host));
        return Promise.resolve(elsewhere);
      },
    });
    expect(elsewhere).toHaveLength(4);
    expect(out).toBe(here.out);
  });
});

describe('wrong options of an experiment', () => {
  it.each([
    [['--experiment', 'swim'], /--experiment.*"swim".*swim-load/],
    [[], /--experiment/],
    [['--experiment', 'scale', '--nodes', '1'], /--nodes.*"1".*2 to 5000/],
    [['--experiment', 'scale', '--nodes', '8.5'], /--nodes.*whole numbers/],
    [['--experiment', 'scale', '--loss', '2'], /--loss/],
    [['--experiment', 'scale', '--runs', ''], /--runs/],
    [['--experiment', 'scale', '--jobs', '0'], /--jobs/],
    [['--experiment', 'scale', '--message-cost', '-1'], /--message-cost/],
    [['--experiment', 'scale', '--preset', 'moon'], /--preset.*"moon".*lan/],
    [['--experiment', 'scale', '--components', '-nothing'], /--components.*"nothing".*buddy/],
    [['--experiment', 'scale', '--speed', '3'], /--speed.*Allowed.*--nodes/],
    [[...small.slice(0, 4), '--runs', '1.5'], /--runs.*"1.5": must be whole numbers from 1/],
    [[...small, '--seed', '1.5'], /--seed.*"1.5": must be whole numbers/],
    [[...small, '--alpha', '4,5'], /--alpha.*"4,5": must be one number/],
    [[...small, '--jobs', '1,2'], /--jobs.*"1,2": must be one number/],
    [[...small, '--components', ''], /--components.*has "": must be among lhaProbe/],
    [[...small, '--components', 'buddy,'], /--components.*has "": must be among lhaProbe/],
    [[...small, '--experiment', 'scale'], /--experiment" is given twice/],
    [[...small, '--seed', '1', '--seed', '2'], /--seed" is given twice/],
    [[...small, '--loss', '0.5'], /--loss" is not used by swim-load, which takes --nodes, --runs, --relays/],
    [['--experiment', 'scale', '--loss', '0.1'], /--loss" is not used by scale, which takes --nodes, --runs/],
    [
      ['--experiment', 'swim-detection', '--relays', '1,2'],
      /--relays" is "1,2": swim-detection takes one number/,
    ],
    ...['lifeguard-threshold', 'lifeguard-interval', 'swim-suspicion', 'swim-false-positives'].map(
      (name): [string[], RegExp] => [
        ['--experiment', name, '--nodes', '16,32'],
        /--nodes" is "16,32": \S+ takes one number/,
      ],
    ),
    [
      ['--experiment', 'lifeguard-interval', '--anomalies', '20', '--nodes', '16'],
      /--anomalies" is 20: must be below the 16 members/,
    ],
    [
      ['--experiment', 'lifeguard-threshold', '--nodes', '32'],
      /--anomalies" is 32: must be below the 32 members/,
    ],
  ])('%j are named', async (args, message) => {
    await expect(run(args)).rejects.toThrow(message);
  });

  it('are only those that the experiment does not use', () => {
    // What is said of each is what changes its cells: whatever is taken makes a difference, whatever is not makes none.
    const other = {
      nodes: [40],
      runs: 2,
      loss: [0.3],
      relays: [2],
      anomalies: [2],
      durationsMs: [7],
      intervalsMs: [7],
      messageCostMs: 7,
    };
    const names = {
      duration: 'durationsMs',
      interval: 'intervalsMs',
      'message-cost': 'messageCostMs',
    } as const;
    for (const experiment of experiments) {
      const options = { seed: 1, preset: 'lan', components: {}, full: false } as const;
      const cellsOf = (more: object): string => JSON.stringify(experiment.cells({ ...options, ...more }));
      const used = Object.keys(experiment.takes).map((name) => names[name as keyof typeof names] ?? name);
      const changing = Object.entries(other).filter(
        ([name, value]) => cellsOf({ [name]: value }) !== cellsOf({}),
      );
      expect([experiment.name, ...changing.map(([name]) => name).sort()]).toEqual([
        experiment.name,
        ...used.sort(),
      ]);
    }
  });

  it('and right ones arrive', () => {
    const args = parseExperimentArgs([
      ...[
        '--experiment',
        'lifeguard-interval',
        '--anomalies',
        '1,4',
        '--duration',
        '128',
        '--interval',
        '1,16',
      ],
      ...['--components', '-buddy,lhaProbe', '--alpha', '5', '--beta', '6', '--preset', 'wan', '--full'],
      ...['--message-cost', '0.2', '--jobs', '3'],
    ]);
    expect(args).toMatchObject({
      name: 'lifeguard-interval',
      anomalies: [1, 4],
      durationsMs: [128],
      intervalsMs: [1, 16],
      components: { buddy: false, lhaProbe: true },
      alpha: 5,
      beta: 6,
      preset: 'wan',
      messageCostMs: 0.2,
      jobs: 3,
      full: true,
    });
  });
});
