/**
 * ClusterPack without Nest: `import { startNode } from 'clusterpack/core'`.
 *
 * @packageDocumentation
 */
export { formatAddress, parseAddress, sameAddress, type Address } from './address.js';
export type { Clock, Timer } from './clock.js';
export { ClusterMessage, type ClusterMessageFields } from './cluster/messaging/cluster-message.js';
export type { ClusterContracts, DataOf, Pattern, ReplyOf } from './cluster/messaging/contracts.js';
export type {
  HandlerOptions,
  HandlerOrder,
  MessageHandler,
  RequestHandler,
} from './cluster/messaging/handlers.js';
export type {
  RequestAllOptions,
  RequestAnyOptions,
  RequestOptions,
  RequestOutcome,
} from './cluster/messaging/request-options.js';
export { messagePack, type ValueLimits } from './cluster/messaging/msgpack-serializer.js';
export type { Serializer } from './cluster/messaging/serializer.js';
export type { EventListener, EventListenerOptions } from './cluster/event-hub.js';
export type { NodeStatus, ReadyOptions } from './cluster/node-status.js';
export { ClusterNode } from './cluster/node.js';
export { startNode } from './cluster/start-node.js';
export type { MemberExplanation, MemberTrace } from './cluster/member-history.js';
export type { HandlerStats, NodeStats } from './cluster/node-stats.js';
export type { ClusterLimits } from './cluster/limits.js';
export { oldest, ownerOf } from './cluster/choose-member.js';
export type { ClusterOptions, TransportContext, TransportFactory } from './cluster/options.js';
export { tcpTransport } from './cluster/tcp-transport.js';
export type {
  SecretSecurityOptions,
  SecurityOptions,
  TlsSecurityOptions,
} from './cluster/security/security-options.js';
export type { SocketSecurity } from './transport/tcp/socket-security.js';
export type { PemSource, TlsOptions } from './transport/tcp/tls/certificates.js';
export { generateSecret, type Secret } from './transport/tcp/tls/secrets.js';
export type { MigrationStep } from './transport/tcp/tls/tls-security.js';
export { anyOf, type CompositeDiscovery } from './discovery/composite.js';
export type { Discovery } from './discovery/discovery.js';
export { loopback, type LoopbackOptions } from './discovery/loopback.js';
export { seeds } from './discovery/static.js';
export {
  AddressConflictError,
  BindError,
  BroadcastFailedError,
  ClosedError,
  ClusterError,
  DeliveryUncertainError,
  DiscoveryError,
  DuplicateClusterError,
  DuplicateNodeIdError,
  ErrorsMissedError,
  type FailedBroadcast,
  HandlerError,
  HandshakeError,
  InvalidAddressError,
  InvalidHandlerError,
  InvalidMetadataError,
  InvalidNodeIdError,
  InvalidOptionError,
  JoinRefusedError,
  MemberDrainingError,
  NameConflictError,
  NoHandlerError,
  NoReceiverError,
  NoRouteError,
  NotDeliveredError,
  NotReadyError,
  NotStartedError,
  PayloadTooLargeError,
  ProtocolViolationError,
  RemoteError,
  ReplyError,
  RequestTimeoutError,
  SendQueueFullError,
  SerializationError,
  UnknownMemberError,
  type HandshakeRefusal,
} from './errors.js';
export { silentLogger, type ClusterLogger } from './logger.js';
export {
  Member,
  MembershipEvent,
  MembershipGap,
  Message,
  type BroadcastOptions,
  type BroadcastOutcome,
  type ClusterMetadata,
  type MemberFields,
  type MemberHealth,
  type Membership,
  type MembershipEventType,
  type MemberState,
  type MetadataPatch,
  type Recipient,
  type SendOptions,
} from './membership/membership.js';
export type { SwimComponents, SwimOptions, SwimOverrides, SwimPreset } from './membership/swim/options.js';
export { isNodeId, parseNodeId, type NodeId } from './node-id.js';
export type {
  BindOptions,
  Binding,
  CastOptions,
  Destination,
  IncomingMessage,
  LinkReport,
  ProvenPeer,
  Receipt,
  RefusedPeer,
  Transport,
  TransportHost,
  Posted,
  TransportSendOptions,
  TransportStats,
} from './transport/transport.js';
