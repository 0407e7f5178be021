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
  join: async (seeds: readonly string[]): Promise<void> => {
    await Promise.all(nodes.map((node) => node.join(seeds)));
  },
  completeSince: (members: number): number | undefined => {
    const since = nodes.map((node) => node.completeSinceMs(members));
    return since.includes(undefined) ? undefined : Math.max(...(since as number[]));
  },
  verdicts: (): Verdict[][] => nodes.map((node) => [...node.verdicts]),
  links: (): number => nodes.reduce((sum, node) => sum + node.links, 0),
});
