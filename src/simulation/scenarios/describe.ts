import type { Latency } from '../network/latency.js';
import type { Fault, ScheduledFault } from './fault.js';
import type { Scenario } from './scenario.js';

/** A schedule for people: one line per fault, with its time. */
export function describeSchedule(schedule: readonly ScheduledFault[]): string {
  return schedule
    .map(({ atMs, fault }) => `${seconds(atMs).padStart(12)}  ${describeFault(fault)}`)
    .join('\n');
}

/** What a scenario's cluster is, on one line. */
export function describeCluster({ nodes, options, themes, runForMs }: Scenario): string {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const how = given.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ');
  const what = themes.length === 0 ? '' : `; about ${themes.join(', ')}`;
  return `${nodes} nodes${how === '' ? '' : `, ${how}`}; peace at ${seconds(runForMs)}${what}`;
}

/** One fault for people. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'cut':
    case 'heal':
      return `${fault.kind} ${fault.from} → ${fault.to}`;
    case 'partition':
      return `partition ${fault.groups.map((group) => group.join(' ')).join(' | ')}`;
    case 'heal-all':
      return 'heal all';
    case 'flap':
      return `flap ${fault.a} ↔ ${fault.b}, ${fault.times} times: ${fault.downMs} ms down, ${fault.upMs} ms up`;
    case 'lose':
    case 'duplicate':
      return `${fault.kind} ${percent(fault.share)}${way(fault)}`;
    case 'reorder':
      return `reorder ${percent(fault.share)} by up to ${fault.spreadMs} ms${way(fault)}`;
    case 'delay':
      return `delay ${latency(fault.latency)}${way(fault)}`;
    case 'answer-dials':
      return `${fault.node} answers dials: ${fault.rule}`;
    case 'stall':
    case 'block-io':
    case 'suspend':
    case 'shift-clock':
      return `${fault.kind} ${fault.node} ${fault.ms} ms`;
    case 'slow-loop':
      return `slow loop at ${fault.node}: ${fault.callbackMs} ms per callback`;
    case 'set-metadata':
      return `set metadata of ${fault.node} to ${JSON.stringify(fault.metadata)}`;
    case 'crash':
    case 'power-off':
    case 'restart':
    case 'leave':
    case 'pause':
    case 'resume':
    case 'share-address':
      return `${fault.kind} ${fault.node}`;
  }
}

function way({ from, to }: { readonly from?: string | undefined; readonly to?: string | undefined }): string {
  return from === undefined || to === undefined ? ' everywhere' : ` ${from} → ${to}`;
}

function latency({ minMs, maxMs, shape = 'uniform', meanMs }: Latency): string {
  return `${minMs} to ${maxMs} ms (${shape}${meanMs === undefined ? '' : `, typically ${meanMs} ms`})`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`;
}
