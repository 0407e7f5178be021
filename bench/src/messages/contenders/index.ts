import type { Contender, Operation } from '../contender.js';

interface Entry {
  readonly operations: readonly Operation[];
  /** Loaded where they run only, so that none carries the others' code. */
  readonly load: () => Promise<Contender>;
}

export const contenders = {
  raw: { operations: ['send', 'request'], load: async () => (await import('./raw.js')).raw },
  thin: { operations: ['send', 'request'], load: async () => (await import('./thin.js')).thin },
  clusterpack: {
    operations: ['send', 'emit', 'request', 'ask', 'broadcast'],
    load: async () => (await import('./clusterpack.js')).clusterpack,
  },
  'nest-tcp': {
    operations: ['send', 'emit', 'request', 'ask'],
    load: async () => (await import('./nest-tcp.js')).nestTcp,
  },
  moleculer: {
    operations: ['send', 'emit', 'request', 'ask'],
    load: async () => (await import('./moleculer.js')).moleculer,
  },
} as const satisfies Record<string, Entry>;

export type ContenderName = keyof typeof contenders;

export const contenderNames = Object.keys(contenders) as ContenderName[];

export function canDo(name: ContenderName, operation: Operation): boolean {
  return (contenders[name].operations as readonly Operation[]).includes(operation);
}
