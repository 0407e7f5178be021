import type { Fault } from './fault.js';

/** All nodes that a fault speaks of. */
export function namesIn(fault: Fault): readonly string[] {
  if ('node' in fault) return [fault.node];
  if (fault.kind === 'partition') return fault.groups.flat();
  if (fault.kind === 'flap') return [fault.a, fault.b];
  if (!('from' in fault)) return [];
  return [fault.from, fault.to].filter((name) => name !== undefined);
}

/**
 * What is wrong with a fault whatever the cluster does: a pair that is one node, a node on two sides.
 *
 * @returns undefined when nothing is
 */
export function contradictionIn(fault: Fault): string | undefined {
  const names = namesIn(fault);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice === undefined) return undefined;
  if (fault.kind === 'partition') return `partition: ${twice} is in two groups`;
  return `${fault.kind} needs two nodes, not ${twice} twice`;
}
