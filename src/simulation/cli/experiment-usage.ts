import { resolveSwimOptions, swimPresets } from '../../membership/swim/options.js';
import type { Experiment } from '../experiments/experiment.js';

const COMPONENTS_OF_A_LINE = 4;

/** What `--help` says of experiments. */
export function experimentUsage(experiments: readonly Experiment[]): string {
  const lines = experiments.map(({ name, title, takes }) => {
    const options = Object.entries(takes).map(
      ([option, many]) => `--${option}${many === 'several' ? ' …' : ''}`,
    );
    return `  ${name.padEnd(20)} ${title}\n  ${' '.repeat(20)} takes ${options.join(', ')}`;
  });
  return `npm run simulate -- --experiment NAME [options]

Runs an experiment of the papers and shows its figures beside theirs; see docs/experiments.

${lines.join('\n')}

Those marked with … take several numbers with commas between, the others one:

  --nodes N            sizes of clusters
  --runs N             repetitions, with seeds that follow each other
  --loss SHARE         shares of messages that are lost, from 0 to 0.99
  --relays K           members asked for an indirect probe
  --anomalies C        members that are slow at once
  --duration MS        lengths of an anomaly
  --interval MS        pauses between two anomalies
  --message-cost MS    what a message costs a slow member

All of them take:

  --seed SEED          the first seed (default 1)
  --alpha A            α, the factor of the suspicion timeout
  --beta B             β, how many times the shortest suspicion the longest is
  --preset NAME        of the series that are this library's own: ${Object.keys(swimPresets).join(', ')} (default lan)
  --components LIST    switched on or, with a - before it, off in every series: buddy,-lhaProbe; there are
${components()}
  --full               the paper's whole grid, where it is larger than what is run
  --jobs J             threads (default 1)
  --json FILE          write the result as JSON; - is standard output (with npm run --silent)

Exit codes: 0 every figure is as in the paper · 1 one differs · 2 a wrong option.
`;
}

function components(): string {
  const names = Object.keys(resolveSwimOptions().components);
  const lines = Array.from({ length: Math.ceil(names.length / COMPONENTS_OF_A_LINE) }, (_, line) =>
    names.slice(line * COMPONENTS_OF_A_LINE, (line + 1) * COMPONENTS_OF_A_LINE).join(', '),
  );
  return lines.map((line) => `${' '.repeat(23)}${line}`).join('\n');
}
