/**
 * ClusterPack for tests: your own handlers in virtual time, and the protocol by itself.
 *
 * - `isolated()`: options for a unit test, a node that is alone and opens no socket;
 * - `NestCluster`: several Nest applications in one test, in virtual time, with faults;
 * - `NodeCluster`: the same without Nest;
 * - `simulate()`: the membership protocol alone, up to thousands of nodes.
 *
 * @packageDocumentation
 */
export { isolated, type IsolatedOptions } from './nestjs/testing/isolated.js';
export { NestCluster } from './nestjs/testing/nest-cluster.js';
export type {
  NestClusterOptions,
  NestNodeOptions,
  WithinOptions,
} from './nestjs/testing/nest-cluster-options.js';
export type { RunningHandler } from './nestjs/testing/observed-node.js';
export type { TestingModuleBuilderLike } from './nestjs/testing/test-application.js';
export { VirtualClock } from './simulation/clock/virtual-clock.js';
export type { Check, Input, Watched, WatchedNode } from './simulation/invariants/check.js';
export { violated } from './simulation/invariants/violation.js';
export type { Latency } from './simulation/network/latency.js';
export type { DialRule, Reordering } from './simulation/network/paths.js';
export { NodeCluster } from './simulation/nodes/node-cluster.js';
export type { NodeClusterOptions } from './simulation/nodes/node-cluster-options.js';
export { Random } from './simulation/random.js';
export type { Fault, ScheduledFault } from './simulation/scenarios/fault.js';
export { minutes, seconds, simulate, type SimulateOptions } from './simulation/simulate.js';
export { SimulationError } from './simulation/simulation-error.js';
export { Simulation, type SimulationOptions, type Within } from './simulation/simulation.js';
export type { EventRecord, RecordedEvent } from './simulation/trace/event-record.js';
