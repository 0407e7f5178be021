import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import type { Findings, Goal, Table } from '../suite.js';

/** A part of the report. */
export type Section = Findings;

/** The whole report as Markdown. */
export function renderReport(sections: readonly Section[]): string {
  const goals = sections.flatMap((section) => section.goals);
  const met = goals.filter(({ isMet }) => isMet).length;
  return [
    '# Performance',
    'Written by `npm run bench`; [how it measures](../bench/README.md). Figures of different runs cannot be compared: only what stands side by side in one table can.',
    machine(),
    ...(goals.length === 0 ? [] : [`## Goals: ${met} of ${goals.length} met`, goalTable(goals)]),
    ...sections.flatMap(renderSection),
  ]
    .join('\n\n')
    .concat('\n');
}

function goalTable(goals: readonly Goal[]): string {
  return renderTable({ head: ['what', 'wanted', 'measured', ''], rows: goals.map(row) });
}

function row({ what, wanted, measured, isMet }: Goal): string[] {
  return [what, wanted, measured, isMet ? 'met' : '**missed**'];
}

function renderSection({ title, about, tables, plots }: Section): string[] {
  return [
    `## ${title}`,
    about,
    ...tables.flatMap((table) => [...(table.caption ? [`${table.caption}:`] : []), renderTable(table)]),
    ...plots.map(({ name, title: text }) => `![${text}](performance/${name}.svg)`),
  ];
}

function renderTable({ head, rows }: Table): string {
  const lines = [head, head.map((_, column) => (column === 0 ? '---' : '--:')), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function machine(): string {
  const processors = cpus();
  const memoryGib = Math.round(totalmem() / 2 ** 30);
  const versions = ['@nestjs/core', '@nestjs/microservices', 'moleculer'].map(
    (name) => `${name} ${versionOf(name)}`,
  );
  return `${processors.length} × ${processors[0]?.model.trim() ?? 'processor'}, ${memoryGib} GiB, ${type()} ${release()}, Node.js ${process.versions.node}, clusterpack ${versionOf('clusterpack')}, ${versions.join(', ')}.`;
}

/** Of the package that a worker gets; some do not export their package.json. */
function versionOf(name: string): string {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  const file = folders.map((folder) => join(folder, name, 'package.json')).find((path) => existsSync(path));
  if (file === undefined) throw new Error(`${name} is not installed: npm ci, in bench/, too`);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
