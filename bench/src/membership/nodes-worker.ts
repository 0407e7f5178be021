import type { SwimOverrides } from 'clusterpack/core';
import { answer } from '../workers.js';
import { WatchedNode, type NodePlace, type Verdict } from './watched-node.js';

const nodes: WatchedNode[] = [];

answer({
  bind: async ({ count, swim }: { count: number; swim: SwimOverrides | undefined }): Promise<NodePlace[]> => {
    const bound = Array.from({ length: count }, () => new WatchedNode(swim));
    nodes.push(...bound);
    return Promise.all(bound.map((node) => node.bind()));
  },
  /** The nodes up to this one; those that have joined already stay as they are. */
  join: async ({ seeds, upTo }: { seeds: readonly string[]; upTo: number }): Promise<void> => {
    await Promise.all(nodes.slice(0, upTo).map((node) => node.join(seeds)));
  },
  completeSince: ({ members, upTo }: { members: number; upTo: number }): number | undefined => {
    const since = nodes.slice(0, upTo).map((node) => node.completeSinceMs(members));
    return since.includes(undefined) ? undefined : Math.max(...(since as number[]));
  },
  verdicts: (): Verdict[][] => nodes.map((node) => [...node.verdicts]),
  links: (): number => nodes.reduce((sum, node) => sum + node.links, 0),
});
