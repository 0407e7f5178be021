import type { ExperimentResult, Table } from './experiment.js';

/** A result for the terminal: settings, tables, and each figure beside the paper's own. */
export function textReport(result: ExperimentResult): string {
  const settings = Object.entries(result.settings).map(([name, value]) => `${name} ${value}`);
  const parts = [
    `${result.title}\n${result.source}\n${settings.join(' · ')}\n${result.command}`,
    ...result.tables.map(textTable),
    textTable(figuresTable(result)),
    ...(result.gains.length === 0 ? [] : [textTable(gainsTable(result))]),
  ];
  if (result.notes.length > 0) parts.push(result.notes.map((note) => `- ${note}`).join('\n'));
  return `${parts.join('\n\n')}\n`;
}

/** Every figure with its verdict, as a table. */
export function figuresTable({ figures }: Pick<ExperimentResult, 'figures'>): Table {
  return {
    title: 'Beside the paper',
    columns: ['figure', 'here', 'paper', 'tolerance', 'tag', 'verdict'],
    rows: figures.map(({ what, measured, paper, tolerance, tag, verdict }) => [
      what,
      measured,
      paper,
      tolerance,
      tag,
      verdict,
    ]),
  };
}

/** What this library's additions gain or cost, as a table. */
function gainsTable({ gains }: Pick<ExperimentResult, 'gains'>): Table {
  return {
    title: 'With this library’s own additions',
    columns: ['what', 'paper’s protocol', 'ClusterPack'],
    rows: gains.map(({ what, papers, own }) => [what, papers, own]),
  };
}

/** Columns side by side, numbers to the right. */
export function textTable({ title, columns, rows }: Table): string {
  const widths = columns.map((column, at) =>
    Math.max(column.length, ...rows.map((row) => String(row[at] ?? '').length)),
  );
  const line = (cells: readonly (string | number)[]): string =>
    cells
      .map((cell, at) =>
        typeof cell === 'number' ? String(cell).padStart(widths[at]!) : cell.padEnd(widths[at]!),
      )
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [title, line(columns), rule, ...rows.map(line)].join('\n');
}
