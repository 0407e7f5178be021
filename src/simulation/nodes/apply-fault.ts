import type { Fault } from '../scenarios/fault.js';
import type { NodeCluster } from './node-cluster.js';

/**
 * Does one fault to a cluster of whole nodes. One that makes no sense now, or here (TCP doubles and reorders nothing,
 * and loses only whole connections), does nothing, so that a schedule stays valid when others are taken out of it.
 *
 * @returns whether it made sense
 */
export function applyToNodes(cluster: NodeCluster, fault: Fault): boolean {
  switch (fault.kind) {
    case 'cut':
      cluster.cutOneWay(fault.from, fault.to);
      return true;
    case 'heal':
      cluster.network.healOneWay(fault.from, fault.to);
      return true;
    case 'partition':
      // Of one that was made smaller, a side may be gone.
      if (fault.groups.length < 2) return false;
      cluster.partition(...fault.groups);
      return true;
    case 'heal-all':
      cluster.healAll();
      return true;
    case 'flap':
      flap(cluster, fault);
      return true;
    case 'delay':
      cluster.delay(fault.latency, fault.from, fault.to);
      return true;
    case 'lose':
      cluster.lose(fault.share, fault.from, fault.to);
      return true;
    case 'duplicate':
    case 'reorder':
      return false;
    case 'answer-dials':
      cluster.answerDials(fault.node, fault.rule);
      return true;
    default:
      return cluster.nodes.has(fault.node) && toNode(cluster, fault);
  }
}

type NodeFault = Extract<Fault, { readonly node: string }>;

function toNode(cluster: NodeCluster, fault: NodeFault): boolean {
  const { node: name } = fault;
  switch (fault.kind) {
    case 'restart':
      cluster.restart(name);
      return true;
    case 'power-off':
      if (!cluster.isRunning(name)) return false;
      cluster.powerOff(name);
      return true;
    case 'shift-clock':
      cluster.process(name).shiftWallClock(fault.ms);
      return true;
    default:
      return cluster.isRunning(name) && toRunning(cluster, fault);
  }
}

function toRunning(cluster: NodeCluster, fault: NodeFault): boolean {
  const { node: name } = fault;
  const node = cluster.nodes.get(name)!;
  switch (fault.kind) {
    case 'crash':
      cluster.crash(name);
      return true;
    case 'leave':
      // A process that stands still does so when it runs again.
      cluster.process(name).input(() => void node.close());
      return true;
    case 'pause':
      cluster.pause(name);
      return true;
    case 'resume':
      cluster.resume(name);
      return true;
    case 'stall':
      cluster.stall(name, fault.ms);
      return true;
    case 'suspend':
      cluster.suspend(name, fault.ms);
      return true;
    case 'slow-loop':
      cluster.process(name).loop.slowDown(fault.callbackMs);
      return true;
    case 'set-metadata':
      // A node that has left by then refuses, and the fault does nothing, as any that makes no sense.
      cluster.process(name).input(() => void node.updateMetadata(fault.metadata).catch(() => undefined));
      return true;
    default:
      return false;
  }
}

/** Both directions go down and come up again, so many times, or until all is healed. */
function flap(cluster: NodeCluster, fault: Extract<Fault, { readonly kind: 'flap' }>): void {
  const { a, b, downMs, upMs, times } = fault;
  if (times <= 0) return;
  const { healings } = cluster;
  cluster.cut(a, b);
  cluster.clock.setTimer(downMs, () => {
    if (healings !== cluster.healings) return;
    cluster.heal(a, b);
    cluster.clock.setTimer(upMs, () => {
      if (healings === cluster.healings) flap(cluster, { ...fault, times: times - 1 });
    });
  });
}
