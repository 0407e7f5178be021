/**
 * What the protocol tells of its own doings (`world.trace`), and the figures that each kind carries in `data`. A figure
 * that ends in `?` may be missing. docs/PROTOCOL.md explains them; a test compares.
 */
export const traceFigures = {
  // probing
  round: ['intervalMs'],
  probe: ['timeoutMs', 'intervalMs'],
  'probe-overdue': [],
  'probe-acked': ['elapsedMs'],
  'probe-failed': ['elapsedMs', 'relays', 'silentRelays'],
  'probe-void': ['elapsedMs'],
  relayed: [],
  nack: [],
  buddy: [],
  health: ['score'],
  // suspicions and verdicts
  suspected: ['timeoutMs', 'minMs', 'maxMs', 'confirmations', 'expected', 'soonerMs'],
  'suspicion-confirmed': ['timeoutMs', 'minMs', 'maxMs', 'confirmations', 'expected', 'soonerMs'],
  recovered: [],
  refuted: ['incarnation'],
  verdict: ['suspectedForMs', 'minMs', 'witnesses', 'hardForMs?', 'deadlineMs?'],
  'verdict-contradicted': [],
  unreachable: [],
  left: [],
  'stale-answered': [],
  // hard evidence
  refused: [],
  'hard-quorum': ['witnesses', 'asked'],
  'hard-contradicted': [],
  replaced: [],
  'address-conflict': [],
  // joining, syncing, healing
  admitted: [],
  joined: [],
  'join-completed': [],
  sync: [],
  'sync-repaired': ['changes'],
  heal: [],
  healed: ['lostForMs'],
  reaped: [],
  slept: ['discarded'],
} as const;

/** What a trace event can be about. */
export type TraceKind = keyof typeof traceFigures;

type Figure = (typeof traceFigures)[TraceKind][number];

/** The figures of a trace event. */
export type TraceData = { readonly [Key in Figure as Key extends `${infer Name}?` ? Name : Key]?: number };
