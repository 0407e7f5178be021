/**
 * ClusterPack as a transport of `@nestjs/microservices`, which has to be installed.
 *
 * @packageDocumentation
 */
export { ClusterClient } from './nestjs/microservices/cluster-client.js';
export { ClusterContext } from './nestjs/microservices/cluster-context.js';
export {
  ClusterRecord,
  ClusterRecordBuilder,
  type ClusterRecordOptions,
} from './nestjs/microservices/cluster-record.js';
export { ClusterServer, type ClusterEventsMap } from './nestjs/microservices/cluster-server.js';
export type { ClusterConnectionStatus } from './nestjs/microservices/connection-status.js';
export type {
  ClusterClientOptions,
  ClusterServerOptions,
  ReplyStreamOptions,
} from './nestjs/microservices/options.js';
