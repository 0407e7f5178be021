import { answer } from '../workers.js';
import { BarePing, type BareKind } from './bare-ping.js';

const nodes: BarePing[] = [];

answer({
  listen: ({ kind, count }: { kind: BareKind; count: number }): Promise<number[]> => {
    nodes.push(...Array.from({ length: count }, () => new BarePing(kind)));
    return Promise.all(nodes.map((node) => node.listen()));
  },
  start: async ({ ports, own }: { ports: readonly number[]; own: readonly number[] }): Promise<void> => {
    await Promise.all(nodes.map((node, i) => node.start(ports.filter((port) => port !== own[i]))));
  },
});
