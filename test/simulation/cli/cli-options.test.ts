import { describe, expect, it } from '@jest/globals';
import { InvalidOptionError } from '../../../src/errors.js';
import { parseCliOptions } from '../../../src/simulation/cli/cli-options.js';

describe('the options of the command line', () => {
  it('have defaults', () => {
    expect(parseCliOptions([])).toEqual({
      help: false,
      seeds: 100,
      from: 1,
      seed: undefined,
      nodes: [5, 64],
      jobs: undefined,
      kind: 'mixed',
      trace: undefined,
      messages: false,
      schedule: undefined,
      checkDeterminism: undefined,
      json: undefined,
      minutes: undefined,
      seedTimeoutMs: 120_000,
      save: undefined,
      keepGoing: false,
      shrink: true,
    });
  });

  it.each([
    ['--seeds 1000 --nodes 5..64', { seeds: 1000, nodes: [5, 64] }],
    ['--nodes 7', { nodes: [7, 7] }],
    ['--kind nodes', { nodes: [3, 8] }],
    ['--kind nodes --nodes 9..12', { nodes: [9, 12] }],
    ['--from 0 --jobs 2 --kind protocol', { from: 0, jobs: 2, kind: 'protocol' }],
    ['--minutes 0.5', { minutes: 0.5, seeds: undefined }],
    ['--minutes 2 --seeds 10', { minutes: 2, seeds: 10 }],
    ['--seed 7 --trace', { seed: 7, trace: '-' }],
    ['--trace --seed 7', { seed: 7, trace: '-' }],
    ['--seed 7 --trace - --messages', { seed: 7, trace: '-', messages: true }],
    ['--seed 7 --trace out.txt', { trace: 'out.txt' }],
    ['--seed=7 --trace=out.txt', { trace: 'out.txt' }],
    ['--schedule a.json --check-determinism', { schedule: 'a.json', checkDeterminism: 1 }],
    ['--check-determinism 10 --from 3', { checkDeterminism: 10 }],
    ['--json - --keep-going --no-shrink', { json: '-', keepGoing: true, shrink: false }],
    ['--seed-timeout 2.5 --save a.json', { seedTimeoutMs: 2500, save: 'a.json' }],
    ['-h', { help: true }],
  ])('%s', (text, expected) => {
    expect(parseCliOptions(text.split(' '))).toMatchObject(expected);
  });

  it.each([
    ['--seeds many', '--seeds', /is "many": must be an integer from 1 to/],
    ['--seeds 0', '--seeds', /is "0"/],
    ['--seeds 1.5', '--seeds', /is "1.5"/],
    ['--seeds=', '--seeds', /is ""/],
    ['--from -1', '--from', /ambiguous|is "-1"/],
    ['--nodes 64..5', '--nodes', /is "64..5": must be MIN..MAX or one number, from 2 to 5000/],
    ['--nodes 1', '--nodes', /is "1"/],
    [
      '--kind nodes --nodes 20',
      '--nodes',
      /is "20": must be .* from 2 to 12 with --kind nodes, for example 3..8/,
    ],
    ['--nodes 5-64', '--nodes', /is "5-64"/],
    ['--jobs 0', '--jobs', /is "0": must be an integer from 1 to 256/],
    ['--minutes 0', '--minutes', /is "0": must be a number above 0/],
    ['--kind swim', '--kind', /is "swim": must be protocol, nodes or mixed/],
    ['--sedes 5', '--sedes', /Unknown option '--sedes'.*Allowed: --help, --seeds, /],
    ['--messages=yes', '--messages', /does not take an argument/],
    ['--json', '--json', /argument missing/],
    ['5..64', '5..64', /Unexpected argument '5..64'/],
    ['--seed 5 --seeds 6', '--seed', /cannot be given together with --seeds/],
    ['--seed 5 --schedule a.json', '--seed', /cannot be given together with --schedule/],
    ['--schedule a.json --nodes 5', '--schedule', /cannot be given together with --nodes/],
    ['--trace', '--trace', /needs --seed or --schedule/],
    ['--seed 5 --messages', '--messages', /needs --trace/],
    ['--seed 5 --trace --json -', '--trace', /cannot both go to standard output/],
  ])('%s is refused: what, its value, and what is allowed', (text, option, message) => {
    const parse = () => parseCliOptions(text.split(' '));
    expect(parse).toThrow(InvalidOptionError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.objectContaining({ option }));
  });
});
